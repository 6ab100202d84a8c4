"""The reliability plot: stated against observed uncertainty, before and after correction."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mlmat.analysis.calibration import coverage_at, miscalibration_area
from mlmat.analysis.figure import HIT, INK, MISS, new_figure, plain_ticks, save, tidy, with_unit


def draw_reliability(
    predicted: np.ndarray,
    target: np.ndarray,
    before: np.ndarray,
    after: np.ndarray | None,
    unit: str,
    path: str | Path,
    bins: int = 10,
) -> None:
    """Coverage against nominal level, and observed against stated error in bins of the latter.

    Args:
        predicted: means of held-out items ``[n]``.
        target: ``[n]``.
        before: standard deviations as the model states them ``[n]``, positive.
        after: the same after correction ``[n]``, or None to draw one only.
        unit: of the property.
        path: PNG file.
        bins: of equal numbers of items, at most one per five items.

    Raises:
        InputError: shapes differ, nothing given, or a standard deviation is not positive.
        TargetError: a value is NaN or infinite.
        OutputError: the file cannot be written.
    """
    error = np.asarray(predicted, float) - np.asarray(target, float)
    figure = new_figure(9.0, 4.3)
    left, right = figure.subplots(1, 2)
    levels = np.linspace(0.01, 0.99, 99)
    left.plot((0, 100), (0, 100), color=INK, lw=0.9, ls="--")
    seen = []
    series = [("as stated", before, MISS, "s")]
    if after is not None:
        series.append(("corrected on validation data", after, HIT, "o"))
    for label, std, colour, shape in series:
        std = np.asarray(std, float)
        area = miscalibration_area(predicted, std, target)
        shares = coverage_at(predicted, std, target, levels)
        left.plot(100 * levels, 100 * shares, color=colour, lw=2, label=f"{label}: area {area:.3f}")
        left.fill_between(100 * levels, 100 * levels, 100 * shares, color=colour, alpha=0.12, lw=0)
        parts = np.array_split(np.argsort(std, kind="stable"), max(1, min(bins, len(std) // 5)))
        stated = np.array([np.sqrt((std[part] ** 2).mean()) for part in parts])
        found = np.array([np.sqrt((error[part] ** 2).mean()) for part in parts])
        right.plot(stated, found, shape, color=colour, ms=6.5, mec="white", mew=0.8, zorder=4)
        seen += [stated, found]
    values = np.concatenate(seen)
    values = values[values > 0] if (values > 0).any() else np.ones(1)
    ends = values.min() / 1.3, values.max() * 1.3
    right.plot(ends, ends, color=INK, lw=0.9, ls="--")
    left.set(xlabel="nominal level (%)", ylabel="observed coverage (%)", xlim=(0, 100), ylim=(0, 100))
    right.set(xlabel=with_unit("stated standard deviation", unit), ylabel=with_unit("observed RMSE", unit))
    right.set(xlim=ends, ylim=ends, xscale="log", yscale="log")
    for axis in (right.xaxis, right.yaxis):
        plain_ticks(axis)
    tidy(left, "How often the truth is inside")
    tidy(right, "Are large errors announced?")
    left.set_aspect("equal")
    right.set_aspect("equal")
    # One legend for both: on the right, points may lie anywhere.
    left.legend(fontsize=9, frameon=False, loc="upper left", labelcolor=INK)
    save(figure, path)
