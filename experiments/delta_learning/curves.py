"""Learning curves: error against training molecules, with a baseline and without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlmat.analysis.figure import HIT, INK, MISS, NEUTRAL, WANTED, new_figure, plain_ticks, save, tidy

LINES = {
    "no baseline: elements + kernel": ("no baseline, kernel", MISS, "o-"),
    "no baseline: one constant + kernel": ("no baseline, kernel", MISS, "o-"),
    "baseline + elements": ("baseline + constants", NEUTRAL, "s--"),
    "baseline + one constant": ("baseline + constants", NEUTRAL, "s--"),
    "baseline + elements + kernel": ("baseline + kernel", HIT, "o-"),
    "baseline + one constant + kernel": ("baseline + kernel", HIT, "o-"),
    "baseline + elements + kernel of atoms": ("baseline + kernel of atoms", WANTED, "^-"),
}
"""Method → label, colour, style."""

LEAST = 3
"""Sizes that make a curve."""

COLUMNS = 4


def curves_of(cells: Sequence[dict[str, Any]]) -> dict[str, dict[str, list[tuple[int, float]]]]:
    """System → method → (training molecules, mean error over splits), of those with a curve."""
    found: dict[str, dict[str, dict[int, list[float]]]] = {}
    for cell in cells:
        if cell["method"] in LINES and cell["split"] == "random":
            sizes = found.setdefault(cell["system"], {}).setdefault(cell["method"], {})
            sizes.setdefault(cell["n_train"], []).append(cell["mae"])
    means = {
        system: {m: [(n, float(np.mean(v))) for n, v in sorted(sizes.items())] for m, sizes in lines.items()}
        for system, lines in found.items()
    }
    return {s: lines for s, lines in means.items() if max(map(len, lines.values())) >= LEAST}


def draw_curves(cells: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw the curves, one panel for each system; nothing is written if there are none."""
    curves = curves_of(cells)
    if not curves:
        return
    units = {cell["system"]: cell.get("unit", "kcal/mol") for cell in cells}
    columns = min(COLUMNS, len(curves))
    rows = -(-len(curves) // columns)
    figure = new_figure(3.1 * columns, 2.9 * rows + 0.4)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    handles = {}
    for axes, (system, lines) in zip(panels, curves.items(), strict=False):
        for method, points in lines.items():
            label, colour, style = LINES[method]
            handles[label] = axes.loglog(
                *zip(*points, strict=True), style, color=colour, lw=1.5, ms=4, label=label
            )[0]
        axes.set(xlabel="training molecules", ylabel=f"test MAE ({units[system]})")
        axes.margins(0.1, 0.15)
        plain_ticks(axes.xaxis)
        plain_ticks(axes.yaxis)
        tidy(axes, system.replace(" → ", "\n→ "))
        axes.title.set_fontsize(9)
    for axes in panels[len(curves) :]:
        axes.set_axis_off()
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4, frameon=False,
                  fontsize=9, labelcolor=INK)  # fmt: skip
    save(figure, path)
