"""Dyes for wanted absorption bands, judged by a predictor that was not in the loop."""
