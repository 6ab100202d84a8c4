"""Where the designs' B3LYP gaps lie, beside what was wanted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlmat.analysis.figure import HIT, INK, MISS, NEUTRAL, WANTED, new_figure, save, tidy

COLOURS = {"gradient": HIT, "informed": WANTED, "genetic": MISS, "random": NEUTRAL}


def draw_gaps(cells: Sequence[tuple[str, dict[str, Any]]], tolerance: float, path: Path) -> None:
    """One strip of verified gaps for each target and searcher; the window is shaded.

    Args:
        cells: name of the target, and its cell with ``verdicts`` (None where there is none).
        tolerance: half width of the window, eV.
        path: PNG file.
    """
    names = list(dict.fromkeys(name for name, _ in cells))
    figure = new_figure(3.4 * len(names), 3.6)
    panels = figure.subplots(1, len(names), squeeze=False)[0]
    for axes, name in zip(panels, names, strict=True):
        rows = [cell for label, cell in cells if label == name]
        target = rows[0]["target"]
        axes.axhspan(target - tolerance, target + tolerance, color=WANTED, alpha=0.15, lw=0)
        for place, cell in enumerate(rows):
            gaps = np.array([v for v in cell["verdicts"] if v is not None])
            shift = np.linspace(-0.18, 0.18, len(gaps)) if len(gaps) > 1 else np.zeros(len(gaps))
            color = COLOURS.get(cell["searcher"], INK)
            axes.plot(place + shift, gaps, "o", ms=5, alpha=0.8, mew=0, color=color)
        axes.set_xticks(range(len(rows)), [cell["searcher"] for cell in rows])
        axes.set_xlim(-0.5, len(rows) - 0.5)
        tidy(axes, f"{name}: {target:.2f} eV wanted")
    panels[0].set_ylabel("B3LYP gap of the designs (eV)")
    save(figure, path)
