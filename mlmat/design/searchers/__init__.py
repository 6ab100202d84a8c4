"""Searchers: one contract (`mlmat.design.searcher`), one currency, any space."""
