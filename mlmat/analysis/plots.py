"""Figures of an inverse design: the molecules, the descent, predicted against verified."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlmat.analysis.design_table import DesignRow
from mlmat.analysis.drawing import molecule_image
from mlmat.analysis.figure import HIT, INK, MISS, NEUTRAL, WANTED, new_figure, save, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BIN = 0.15
"""Histogram bins are about this wide, eV."""


def _mark_window(axes: Axes, window: tuple[float, float]) -> None:
    """Shade the wanted values under the data, with edges that stay visible through it."""
    axes.axhspan(*window, color=WANTED, alpha=0.16, lw=0, zorder=0, label="wanted")
    for edge in window:
        axes.axhline(edge, color=WANTED, lw=0.9, zorder=4)


def draw_molecules(
    rows: Sequence[DesignRow],
    window: tuple[float, float],
    path: str | Path,
    columns: int = 6,
    limit: int = 24,
) -> None:
    """Grid of the first verified designs, framed and ticked by whether they hit the window.

    Args:
        rows: designs; those without a verified value are left out.
        window: values that count as a hit, eV.
        path: PNG file.
        columns: of the grid.
        limit: most molecules shown.
    """
    shown = [row for row in rows if row.gap_verified is not None][:limit]
    lines = max(1, -(-len(shown) // columns))
    figure = new_figure(2.35 * columns, 2.1 * lines + 0.5)
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.06)
    hits = sum(window[0] <= row.gap_verified <= window[1] for row in shown)
    figure.suptitle(
        f"Wanted {window[0]:.2f} to {window[1]:.2f} eV: {hits} of the {len(shown)} shown verified inside "
        "(GFN2-xTB orbital gap)"
        if shown
        else f"Wanted {window[0]:.2f} to {window[1]:.2f} eV: no design was verified",
        fontsize=13,
        color=INK,
    )
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for axes, row in zip(grid.flat, shown, strict=False):
        hit = window[0] <= row.gap_verified <= window[1]
        colour = HIT if hit else MISS
        axes.imshow(molecule_image(row.smiles))
        axes.spines[:].set_visible(True)
        axes.spines[:].set(color=colour, linewidth=2.0 if hit else 1.0, linestyle="-" if hit else (0, (4, 3)))
        # The mark says it again without colour.
        mark = "✓" if hit else "✗"
        axes.set_title(
            f"{mark} xTB {row.gap_verified:.2f} eV", fontsize=11, color=colour, pad=4, weight="bold"
        )
        axes.set_xlabel(f"predicted {row.gap_predicted:.2f} ± {row.gap_std:.2f}", fontsize=9.5, color=INK)
    save(figure, path)


def draw_descent(
    history: np.ndarray,
    window: tuple[float, float],
    verified: np.ndarray,
    reference: np.ndarray,
    path: str | Path,
) -> None:
    """The descent from noise, and where the verified designs ended up.

    Args:
        history: ``[steps, starts]`` relaxed predictions, eV; a start that diverged may be NaN.
        window: values that count as a hit, eV.
        verified: ``[m]`` verified values of the designs, eV.
        reference: ``[n]`` values of the training molecules, eV; may be empty.
        path: PNG file.
    """
    history = np.asarray(history, float)
    history = history[:, np.isfinite(history).all(axis=0)]
    figure = new_figure(11, 4.4)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    steps = np.arange(1, len(history) + 1)
    if history.size:
        for low, high, strength in ((5, 95, 0.15), (25, 75, 0.3)):
            band = np.percentile(history, (low, high), axis=1)
            label = f"{low} to {high} % of starts"
            left.fill_between(steps, *band, color=HIT, alpha=strength, lw=0, label=label)
        traces = history[:, :: max(1, history.shape[1] // 8)]
        left.plot(steps, traces, color=HIT, lw=0.6, alpha=0.55)
        left.plot(steps, np.median(history, axis=1), color=INK, lw=1.8, label="median")
        # Most of the way is made in the first steps; a linear axis would hide it.
        left.set_xscale("log")
        left.xaxis.set_major_formatter("{x:g}")
        left.set_xlim(1, max(2, len(history)))
    left.set(xlabel="gradient step", ylabel="gap of the relaxed molecule (eV)")
    values = np.concatenate([verified, reference, history.ravel(), window])
    low, high = np.percentile(values, (0.5, 99.5))
    # Bin edges fall on the window's ends: no bar is half a hit.
    span = window[1] - window[0]
    width = span / max(1, round(span / BIN)) if span else BIN
    first = np.floor((min(low, window[0]) - window[0]) / width) - 1
    last = np.ceil((max(high, window[1]) - window[0]) / width) + 1
    bins = window[0] + width * np.arange(first, last + 1)
    for data, colour, strength, label in (
        (reference, NEUTRAL, 0.5, "training molecules"),
        (verified, HIT, 0.85, "designs, verified"),
    ):
        if len(data):
            share = np.full(len(data), 100 / len(data))
            right.hist(data, bins, weights=share, orientation="horizontal", color=colour, alpha=strength,
                       label=f"{label} ({len(data):,})")  # fmt: skip
    right.set(xlabel=f"share per {width:.2f} eV (%)", ylim=(bins[0], bins[-1]))
    tidy(left, "Noise follows the gradient of the predictor")
    tidy(right, "What quantum chemistry says (GFN2-xTB)")
    for axes in (left, right):
        _mark_window(axes, window)
        axes.legend(fontsize=9, frameon=False, loc="upper right", labelcolor=INK)
    save(figure, path)


def draw_parity(rows: Sequence[DesignRow], window: tuple[float, float], path: str | Path) -> None:
    """Predicted against verified values of the designs, with the wanted window.

    Args:
        rows: designs; those without a verified value are left out.
        window: values that count as a hit, eV.
        path: PNG file.
    """
    done = [row for row in rows if row.gap_verified is not None]
    columns = [(row.gap_predicted, row.gap_verified, row.gap_std) for row in done]
    predicted, verified, spread = np.array(columns, float).reshape(-1, 3).T
    figure = new_figure(5.2, 5.0)
    axes = figure.subplots()
    _mark_window(axes, window)
    hit = (verified >= window[0]) & (verified <= window[1])
    for chosen, colour, shape, label in ((hit, HIT, "o", "hit"), (~hit, MISS, "X", "miss")):
        axes.errorbar(
            predicted[chosen], verified[chosen], xerr=spread[chosen], fmt=shape, ms=5, mec="white", mew=0.5,
            elinewidth=0.7, alpha=0.9, color=colour, label=f"{label} ({chosen.sum()})", zorder=5,
        )  # fmt: skip
    inside = np.concatenate([predicted, verified, window])
    margin = 0.06 * np.ptp(inside)
    ends = (inside.min() - margin, inside.max() + margin)
    axes.plot(ends, ends, color=INK, lw=0.9, ls="--", label="predicted = verified")
    axes.set(
        xlabel="predicted gap (eV)",
        ylabel="verified gap, GFN2-xTB (eV)",
        xlim=ends,
        ylim=ends,
        aspect="equal",
    )
    tidy(axes)
    # Above the axes: inside, a line or a point would always cross it.
    axes.legend(fontsize=9, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, labelcolor=INK)
    save(figure, path)
