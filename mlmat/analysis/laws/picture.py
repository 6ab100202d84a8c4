"""The law card as one picture: violations as bars, and the curves behind them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlmat.analysis.figure import HIT, INK, MISS, NEUTRAL, WANTED, new_figure, number_text, save, tidy
from mlmat.analysis.laws.law import Law, Subject

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FLOOR = 1e-12
"""Violations below this are drawn as this."""

PANELS = 6
COLOURS = (HIT, MISS, WANTED, "#CC79A7", "#56B4E9", NEUTRAL)


def verdict(law: Law) -> str:
    """``"holds"``, ``"broken"``, ``"reading"`` or ``"does not apply"``."""
    if law.value is None:
        return "does not apply"
    return {True: "holds", False: "broken", None: "reading"}[law.holds]


def draw_card(subject: Subject, laws: Sequence[Law], path: str | Path) -> None:
    """Write the card as PNG.

    Args:
        subject: the model, for the title.
        laws: of `measure_laws`, or of several predictors' kinds that have fewer.
        path: file.
    """
    curves = [law for law in laws if law.curves][:PANELS]
    columns = -(-len(curves) // 2)
    figure = new_figure(6.2 + 3.4 * columns, max(4.2, 0.34 * len(laws) + 1.4))
    grid = figure.add_gridspec(2, 1 + columns, width_ratios=[1.7, *[1] * columns])
    _bars(figure.add_subplot(grid[:, 0]), laws)
    for number, law in enumerate(curves):
        _curve(figure.add_subplot(grid[number % 2, 1 + number // 2]), law)
    kind = "extensive" if subject.extensive else "intensive"
    title = f"{subject.name}: {subject.property}, taken as {kind}"
    figure.suptitle(title, x=0.01, ha="left", fontsize=13, color=INK)
    save(figure, path)


def _bars(axes: Axes, laws: Sequence[Law]) -> None:
    """A bar from the floor to each violation; a mark where the law would still hold."""
    laws = list(reversed(laws))
    colours = {"holds": WANTED, "broken": MISS, "reading": NEUTRAL, "does not apply": "white"}
    for row, law in enumerate(laws):
        if law.value is None:
            axes.text(FLOOR * 1.5, row, "does not apply", va="center", fontsize=8, color=NEUTRAL)
            continue
        value = max(abs(law.value), FLOOR)
        axes.barh(row, value - FLOOR, left=FLOOR, height=0.62, color=colours[verdict(law)])
        unit = "" if law.unit == "1" else law.unit
        axes.text(value * 1.6, row, _short(law.value, unit), va="center", fontsize=8, color=INK)
        if law.tolerance is not None:
            axes.plot([law.tolerance] * 2, [row - 0.42, row + 0.42], color=INK, lw=1.4)
    highest = max((abs(law.value) for law in laws if law.value is not None), default=1.0)
    axes.set(xscale="log", xlim=(FLOOR, max(1.0, highest) * 1e4), ylim=(-0.7, len(laws) - 0.3))
    axes.set_yticks(range(len(laws)), [law.name for law in laws], fontsize=9)
    axes.set_xlabel("violation; the black mark is where a law still counts as kept")
    tidy(axes, "green: holds, orange: broken, grey: a reading")


def _short(value: float, unit: str) -> str:
    return number_text(value, unit) if 1e-2 <= abs(value) < 1e5 else f"{value:.0e} {unit}".strip()


def _curve(axes: Axes, law: Law) -> None:
    for colour, (label, (x, y)) in zip(COLOURS, law.curves.items(), strict=False):
        axes.plot(x, y, color=colour, lw=1.5, label=label, marker="o" if len(x) < 12 else None, ms=3)
    spread = np.concatenate([np.asarray(y) for _, y in law.curves.values()])
    if np.abs(spread).max() > 0:
        # The repulsive ends of curves would hide everything else.
        low, high = np.quantile(spread, (0.0, 0.9))
        axes.set_ylim(low - 0.08 * (high - low) - 1e-15, high + 0.25 * (high - low) + 1e-15)
    axes.axhline(0.0, color=NEUTRAL, lw=0.7, zorder=0)
    axes.set(xlabel=law.axes[0], ylabel=law.axes[1])
    if len(law.curves) > 1:
        axes.legend(frameon=False, fontsize=7, labelcolor=INK)
    tidy(axes, law.name)
