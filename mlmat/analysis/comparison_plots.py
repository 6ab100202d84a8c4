"""Searchers side by side: shares of hits with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mlmat.analysis.figure import HIT, INK, NEUTRAL, new_figure, save, tidy
from mlmat.errors import InputError
from mlmat.metrics import wilson_interval


def draw_comparison(
    hits: Mapping[str, int], asked: int, path: str | Path, title: str = "", base: float | None = None
) -> None:
    """Share of verified hits of each searcher, with 95 % Wilson intervals.

    Args:
        hits: searcher → number of hits.
        asked: designs that each was asked for.
        path: PNG file.
        title: what was wanted.
        base: the same share among the training molecules.

    Raises:
        InputError: nothing to compare.
    """
    if not hits or asked < 1:
        raise InputError("a comparison needs at least one searcher and one design")
    figure = new_figure(6.4, 0.9 + 0.5 * len(hits))
    axes = figure.subplots()
    places = np.arange(len(hits))[::-1]
    for place, (name, count) in zip(places, hits.items(), strict=True):
        share = 100 * count / asked
        low, high = (100 * end for end in wilson_interval(count, asked))
        axes.barh(place, share, height=0.62, color=HIT if name == next(iter(hits)) else NEUTRAL)
        axes.plot([low, high], [place, place], color=INK, lw=1.4)
        axes.text(high + 1.5, place, f"{share:.0f} %", va="center", fontsize=9.5, color=INK)
    if base is not None:
        axes.axvline(100 * base, color=INK, lw=0.9, ls="--")
        axes.text(100 * base + 0.6, places[0] + 0.42, "training molecules", fontsize=8.5, color=INK)
    axes.set(yticks=places, yticklabels=list(hits), xlim=(0, 112), ylim=(-0.6, len(hits) - 0.3))
    axes.set_xlabel(f"verified hits of {asked} designs (%), with 95 % intervals")
    tidy(axes, title)
    save(figure, path)
