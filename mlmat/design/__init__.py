"""Inverse design: what is wanted, where it is searched, how, and who verifies it."""
