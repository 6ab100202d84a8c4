"""Figure of a campaign: the error on designs beside the test error, and the hits, round by round."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlmat.analysis.figure import HIT, INK, MISS, NEUTRAL, WANTED, new_figure, save, tidy, with_unit
from mlmat.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Interval = tuple[float | None, float | None]


def draw_campaign(
    errors: Sequence[float | None],
    error_intervals: Sequence[Interval],
    test_errors: Sequence[float | None],
    hit_shares: Sequence[float],
    hit_intervals: Sequence[Interval],
    name: str,
    unit: str,
    path: str | Path,
    base_rate: float | None = None,
) -> None:
    """Error on designs beside the test error, and the share of hits, by round.

    Args:
        errors: ``[rounds]`` mean absolute error of each round's predictor on its own designs;
            None where nothing was verified.
        error_intervals: their 95 % intervals; None where there is none.
        test_errors: ``[rounds]`` error of the same predictors on the test part.
        hit_shares: ``[rounds]`` hits of the designs asked for, 0 to 1.
        hit_intervals: their 95 % intervals.
        name: of the property.
        unit: of the property.
        path: PNG file.
        base_rate: share of hits among random members of the space, 0 to 1.

    Raises:
        InputError: no rounds, or lists of different lengths.
        OutputError: the file cannot be written.
    """
    columns = (errors, error_intervals, test_errors, hit_shares, hit_intervals)
    if not errors or len({len(column) for column in columns}) != 1:
        raise InputError(
            f"a campaign's figure needs columns of one length, not {', '.join(str(len(c)) for c in columns)}"
        )
    rounds = np.arange(1, len(errors) + 1)
    figure = new_figure(9.2, 3.9)
    left, right = figure.subplots(1, 2)
    _series(left, rounds, errors, error_intervals, MISS, "o", "on the round's designs")
    _series(left, rounds, test_errors, [(None, None)] * len(rounds), HIT, "s", "on the test part", "--")
    left.set_ylabel(with_unit(f"mean absolute error of the {name}", unit))
    left.set_ylim(0, 1.28 * left.get_ylim()[1])  # room for the legend above the points
    tidy(left, "Error of each round's predictor")
    percent = [None if share is None else 100 * share for share in hit_shares]
    spans = [tuple(None if end is None else 100 * end for end in ends) for ends in hit_intervals]
    _series(right, rounds, percent, spans, WANTED, "o", "designs")
    if base_rate is not None:
        right.axhline(100 * base_rate, color=NEUTRAL, lw=1.2, ls="--", label="random members", zorder=1)
    right.set(ylabel="verified hits of the designs asked for (%)", ylim=(0, 128), yticks=range(0, 101, 20))
    tidy(right, "Share of designs that hit")
    for axes in (left, right):
        axes.set(xlabel="round", xticks=rounds, xlim=(0.7, len(rounds) + 0.3))
        if axes is left or base_rate is not None:
            axes.legend(fontsize=9, frameon=False, loc="upper right", labelcolor=INK)
    save(figure, path)


def _series(
    axes: Axes,
    rounds: np.ndarray,
    values: Sequence[float | None],
    intervals: Sequence[Interval],
    colour: str,
    marker: str,
    label: str,
    line: str = "-",
) -> None:
    """Points joined by a line, with their intervals as bars."""
    known = np.array([value is not None for value in values])
    heights = np.array([np.nan if value is None else value for value in values], float)
    axes.plot(
        rounds[known], heights[known], line, marker=marker, color=colour, lw=1.8, ms=6, mec="white",
        mew=0.8, label=label, zorder=4,
    )  # fmt: skip
    for x, (low, high) in zip(rounds, intervals, strict=True):
        if low is not None and high is not None:
            axes.plot([x, x], [low, high], color=colour, lw=1.4, alpha=0.7, zorder=3, solid_capstyle="butt")
