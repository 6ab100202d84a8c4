"""Hits by the judge, and what the judge says of every design, band by band."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.inverse_dyes.arms import ARMS
from experiments.inverse_dyes.bands import HALF_WIDTH
from experiments.inverse_dyes.summary import grouped, share
from mlmat.analysis.figure import HIT, INK, MISS, NEUTRAL, WANTED, new_figure, save, tidy

COLOURS = dict(zip(ARMS, (HIT, WANTED, MISS, NEUTRAL), strict=True))
LABELS = {
    "noise": "gradient, from noise",
    "dyes": "gradient, from dyes",
    "genetic": "genetic, from dyes",
    "random": "not chosen",
}


def draw_bands(results: Sequence[dict[str, Any]], known: dict[str, Any], designs: int, path: Path) -> None:
    """Hit shares with 95 % intervals on the left, the judge's wavelengths on the right.

    Args:
        results: of `experiments.inverse_dyes.bands.run_cell`.
        known: errors of both predictors.
        designs: submissions of each cell.
        path: PNG file.
    """
    figure = new_figure(10.5, 4.2)
    left, right = figure.subplots(1, 2)
    centres = sorted({result["centre"] for result in results})
    for number, arm in enumerate(ARMS):
        groups = {centre: rows for (centre, of), rows in grouped(results).items() if of == arm}
        if not groups:
            continue
        places = np.array([centres.index(centre) for centre in groups]) + 0.2 * (number - 1.5)
        mean, low, high = np.transpose([share(rows, "hits", designs) for rows in groups.values()])
        left.bar(places, 100 * mean, 0.18, color=COLOURS[arm], label=LABELS[arm])
        left.errorbar(
            places, 100 * mean, yerr=100 * np.array([mean - low, high - mean]), fmt="none",
            ecolor=INK, elinewidth=1, capsize=2,
        )  # fmt: skip
        for place, rows in zip(places, groups.values(), strict=True):
            values = np.array([design[2] for row in rows for design in row["designs"]])
            jitter = np.linspace(-0.07, 0.07, len(values))
            right.plot(place + jitter, values, "o", ms=3, color=COLOURS[arm], alpha=0.7)
    for number, centre in enumerate(centres):
        right.fill_between(
            [number - 0.45, number + 0.45], centre - HALF_WIDTH, centre + HALF_WIDTH, color=WANTED, alpha=0.15
        )
    ticks = [f"{centre:.0f} nm" for centre in centres]
    left.set(xticks=range(len(centres)), xticklabels=ticks, ylim=(0, 105), ylabel="submissions (%)")
    right.set(xticks=range(len(centres)), xticklabels=ticks, ylabel="judge's wavelength (nm)")
    left.legend(fontsize=8, frameon=False, labelcolor=INK)
    tidy(left, "in the band, says the judge")
    tidy(right, f"every design (judge's own error: {known['judge']['error']:.0f} nm)")
    save(figure, path)
