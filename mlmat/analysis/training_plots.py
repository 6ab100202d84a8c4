"""Figures of a training run: parity, residuals, learning curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mlmat.analysis.figure import (
    DENSITY,
    HIT,
    INK,
    MISS,
    NEUTRAL,
    WANTED,
    new_figure,
    note,
    number_text,
    plain_ticks,
    save,
    shades,
    tidy,
    with_unit,
)  # fmt: skip
from mlmat.errors import InputError
from mlmat.metrics import mae, r2, rmse

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MANY = 1500
"""From this number of points on, density is drawn: single points would hide each other."""

ENOUGH = 100
"""Points for a running median of 25 at a time."""


def draw_parity(
    observed: np.ndarray,
    predicted: np.ndarray,
    std: np.ndarray | None,
    name: str,
    unit: str,
    path: str | Path,
) -> None:
    """Predicted against observed values of held-out items, with MAE, RMSE and R² inside.

    Args:
        observed: ``[n]``.
        predicted: ``[n]``.
        std: standard deviations of the predictions ``[n]``, drawn as bars where single
            points are; None if there are none.
        name: of the property.
        unit: of the property.
        path: PNG file.

    Raises:
        InputError: shapes differ, or nothing given.
        TargetError: a value is NaN or infinite.
        OutputError: the file cannot be written.
    """
    observed, predicted = np.asarray(observed, float), np.asarray(predicted, float)
    lines = [
        f"MAE {number_text(mae(predicted, observed), unit)}",
        f"RMSE {number_text(rmse(predicted, observed), unit)}",
    ]
    if len(set(observed.tolist())) > 1:
        lines.append(f"R² {r2(predicted, observed):.3f}")
    figure = new_figure(5.2, 5.0)
    axes = figure.subplots()
    both = np.concatenate([observed, predicted])
    margin = 0.05 * np.ptp(both) or 0.5
    ends = both.min() - margin, both.max() + margin
    axes.plot(ends, ends, color=INK, lw=0.9, ls="--", zorder=1)
    if std is not None and len(observed) < MANY:
        axes.errorbar(
            observed, predicted, yerr=std, fmt="none", ecolor=HIT, elinewidth=0.7, alpha=0.35, zorder=2
        )
    _points(axes, observed, predicted)
    axes.set(
        xlabel=with_unit(f"observed {name}", unit),
        ylabel=with_unit(f"predicted {name}", unit),
        xlim=ends,
        ylim=ends,
        aspect="equal",
    )
    tidy(axes)
    # Points lie along the diagonal: the upper left corner is free unless the model is useless.
    note(axes, "\n".join(lines), (0.03, 0.97), "top", "left")
    note(axes, f"{len(observed):,} items", (0.97, 0.03), "bottom", "right", NEUTRAL)
    save(figure, path)


def draw_residuals(
    observed: np.ndarray, predicted: np.ndarray, name: str, unit: str, path: str | Path
) -> None:
    """Predicted minus observed, against the prediction and as a histogram.

    Args, errors: as `draw_parity`.
    """
    observed, predicted = np.asarray(observed, float), np.asarray(predicted, float)
    error = predicted - observed
    typical, bias = mae(predicted, observed), float(error.mean())
    figure = new_figure(8.6, 3.9)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(5, 2))
    _points(left, predicted, error)
    _running_median(left, predicted, error)
    left.set(xlabel=with_unit(f"predicted {name}", unit), ylabel=with_unit("predicted − observed", unit))
    # A few outliers must not squeeze the rest into a line; those outside are counted.
    limit = min(np.abs(error).max() * 1.05, 6 * np.quantile(np.abs(error), 0.9)) or 1.0
    outside = int((np.abs(error) > limit).sum())
    left.set_ylim(-limit, limit)
    edges = np.linspace(-limit, limit, 2 * int(np.clip(len(error) ** 0.5 / 2, 3, 20)) + 2)
    right.hist(np.clip(error, -limit, limit), edges, orientation="horizontal", color=HIT, alpha=0.75)
    right.set_xlabel("items")
    tidy(left)
    tidy(right)
    for axes in (left, right):
        axes.axhline(0, color=INK, lw=0.9, ls="--", zorder=4)
    # Digits far below the typical error would only look like a measurement.
    small = 0.005 * typical
    mean = f"|mean| < {number_text(small, unit)}" if abs(bias) < small else f"mean {number_text(bias, unit)}"
    text = f"{mean}\nMAE {number_text(typical, unit)}"
    note(right, text + (f"\n{outside:,} outside" if outside else ""), (1.0, 0.99), "top", "right")
    if len(error) >= ENOUGH:
        left.legend(fontsize=9, frameon=False, loc="upper left", labelcolor=INK)
    save(figure, path)


def draw_learning_curve(
    history: Sequence[Mapping[str, Any]], path: str | Path, *, error: str = "validation error", unit: str = ""
) -> None:
    """Training loss and validation error by epoch, with the best epoch marked.

    Args:
        history: one row per epoch with ``epoch``, ``loss`` (scaled, of the training part)
            and ``validation`` (in `unit`); a missing or NaN value is left out.
        path: PNG file.
        error: what ``validation`` is called.
        unit: its unit.

    Raises:
        InputError: no row, or a row without ``epoch``.
        OutputError: the file cannot be written.
    """
    if not history or any("epoch" not in row for row in history):
        raise InputError("a learning curve needs rows with an epoch: train at least one epoch")
    epochs = np.array([row["epoch"] for row in history], float)
    columns = [_numbers(history, key) for key in ("loss", "validation")]
    figure = new_figure(8.6, 3.7)
    panels = zip(
        figure.subplots(1, 2), columns, (NEUTRAL, HIT), ("training loss (scaled)", with_unit(error, unit)),
        strict=True,
    )  # fmt: skip
    for axes, values, colour, label in panels:
        good = np.isfinite(values)
        axes.plot(
            epochs[good], values[good], color=colour, lw=1.8, marker="o" if good.sum() < 15 else "", ms=4
        )
        if (values[good] > 0).all() and good.any() and np.ptp(np.log10(values[good])) > 0.7:
            axes.set_yscale("log")
            plain_ticks(axes.yaxis)
        axes.set_xlabel("epoch")
        tidy(axes, label)
    values = columns[1]
    if np.isfinite(values).any():
        best = int(np.nanargmin(values))
        axes.axvline(epochs[best], color=WANTED, lw=1.0, ls=(0, (4, 3)), zorder=1)
        axes.plot(epochs[best], values[best], "o", color=WANTED, ms=8, mec="white", mew=1.2, zorder=5)
        note(axes, f"best: {number_text(values[best], unit)}\nat epoch {epochs[best]:g}", (0.98, 0.97), "top",
              "right", WANTED)  # fmt: skip
    save(figure, path)


def _points(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    """Single points, or, where there are many, points coloured by how dense they lie."""
    if len(x) < MANY:
        axes.plot(x, y, "o", color=HIT, ms=5, mec="white", mew=0.5, alpha=0.85, zorder=3)
        return
    counts, x_edges, y_edges = np.histogram2d(x, y, bins=90)
    place = [
        np.clip(np.searchsorted(edges, values, "right") - 1, 0, 89)
        for edges, values in ((x_edges, x), (y_edges, y))
    ]
    density = np.log1p(counts[tuple(place)])
    order = np.argsort(density, kind="stable")
    axes.scatter(x[order], y[order], c=density[order], cmap=shades(DENSITY), s=7, lw=0, rasterized=True,
                 zorder=3)  # fmt: skip


def _running_median(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    if len(x) < ENOUGH:
        return
    parts = np.array_split(np.argsort(x, kind="stable"), min(20, len(x) // 25))
    axes.plot(
        [np.median(x[part]) for part in parts],
        [np.median(y[part]) for part in parts],
        color=MISS, lw=1.8, zorder=5, label="running median",
    )  # fmt: skip


def _numbers(history: Sequence[Mapping[str, Any]], key: str) -> np.ndarray:
    return np.array([np.nan if row.get(key) is None else row[key] for row in history], float)
