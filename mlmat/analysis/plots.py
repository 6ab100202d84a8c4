"""Figures of an inverse design: the molecules, the descent, predicted against verified."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mlmat.analysis.design_table import DesignRow
from mlmat.analysis.drawing import molecule_image
from mlmat.analysis.figure import HIT, INK, MISS, NEUTRAL, WANTED, new_figure, save, tidy, with_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 80
"""Histograms have about this many bins from the lowest to the highest value."""


class Wanted(NamedTuple):
    """The want a figure is about.

    Attributes:
        name: property.
        unit: of its values.
        window: values that count as a hit; an end may be infinite.
        oracle: whose values are called verified.
    """

    name: str
    unit: str
    window: tuple[float, float]
    oracle: str = "GFN2-xTB"

    @property
    def label(self) -> str:
        """``"gap (eV)"``."""
        return with_unit(self.name, self.unit)

    @property
    def text(self) -> str:
        """``"gap 3.70 to 4.30 eV"``."""
        low, high = self.window
        unit = "" if self.unit in ("", "1") else f" {self.unit}"
        if np.isinf(low) and np.isinf(high):
            return f"{self.name}: the best"
        if np.isinf(low):
            return f"{self.name} up to {high:.2f}{unit}"
        return (
            f"{self.name} from {low:.2f}{unit}"
            if np.isinf(high)
            else f"{self.name} {low:.2f} to {high:.2f}{unit}"
        )

    @property
    def edges(self) -> list[float]:
        """Ends of the window that are not open."""
        return [edge for edge in self.window if np.isfinite(edge)]


def _mark_window(axes: Axes, want: Wanted) -> None:
    """Shade the wanted values under the data, with edges that stay visible through it."""
    if want.edges:
        low, high = np.clip(want.window, *sorted(axes.get_ylim()))
        axes.axhspan(low, high, color=WANTED, alpha=0.16, lw=0, zorder=0, label="wanted")
    for edge in want.edges:
        axes.axhline(edge, color=WANTED, lw=0.9, zorder=4)


def draw_molecules(
    rows: Sequence[DesignRow], want: Wanted, path: str | Path, columns: int = 6, limit: int = 24
) -> None:
    """Grid of the first verified designs, framed and ticked by whether they are hits.

    Args:
        rows: designs; those without a verified value are left out.
        want: the first want.
        path: PNG file.
        columns: of the grid.
        limit: most molecules shown.
    """
    shown = [row for row in rows if row.verified][:limit]
    lines = max(1, -(-len(shown) // columns))
    several = max((len(row.judged) for row in shown), default=1)
    figure = new_figure(2.35 * columns, (2.1 + 0.35 * (several - 1)) * lines + 0.5)
    figure.get_layout_engine().set(w_pad=0.05, h_pad=0.06)
    hits = sum(bool(row.hit) for row in shown)
    wanted = want.text if several == 1 else f"{want.text}, and {several - 1} more"
    figure.suptitle(
        f"Wanted {wanted}: {hits} of the {len(shown)} shown verified inside ({want.oracle})"
        if shown
        else f"Wanted {want.text}: no design was verified",
        fontsize=13,
        color=INK,
    )
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    for axes, row in zip(grid.flat, shown, strict=False):
        # The mark says it again without colour.
        colour, mark, style = {
            True: (HIT, "✓ ", "-"),
            False: (MISS, "✗ ", (0, (4, 3))),
            None: (INK, "", "-"),
        }[row.hit]
        axes.imshow(molecule_image(row.smiles))
        axes.spines[:].set_visible(True)
        axes.spines[:].set(color=colour, linewidth=2.0 if row.hit else 1.0, linestyle=style)
        values = [f"{name} {judged.verified:.2f}" for name, judged in row.judged.items()]
        axes.set_title(mark + "\n".join(values), fontsize=11, color=colour, pad=4, weight="bold")
        predicted = [f"{judged.predicted:.2f} ± {judged.std:.2f}" for judged in row.judged.values()]
        axes.set_xlabel("predicted " + "\n".join(predicted), fontsize=9.5, color=INK)
    save(figure, path)


def draw_descent(
    history: np.ndarray, want: Wanted, verified: np.ndarray, reference: np.ndarray, path: str | Path
) -> None:
    """The descent from noise, and where the verified designs ended up.

    Args:
        history: ``[steps, starts]`` relaxed predictions; a start that diverged may be NaN.
        want: the want that is shown.
        verified: ``[m]`` verified values of the designs.
        reference: ``[n]`` values of the training molecules; may be empty.
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
        if len(history) > 30:  # most of a long way is made in the first steps
            left.set_xscale("log")
        left.xaxis.set_major_formatter("{x:g}")
        left.set_xlim(1, max(2, len(history)))
    left.set(xlabel="gradient step", ylabel=f"{want.label}, relaxed molecule")
    bins = draw_values(right, want, verified, reference, history.ravel())
    tidy(left, "Noise follows the gradient of the predictor")
    tidy(right, f"What the oracle says ({want.oracle})")
    for axes in (left, right):
        axes.set_ylim(bins[0], bins[-1])
        _mark_window(axes, want)
        axes.legend(fontsize=9, frameon=False, loc="upper right", labelcolor=INK)
    save(figure, path)


def draw_values(
    axes: Axes, want: Wanted, verified: np.ndarray, reference: np.ndarray, others: np.ndarray
) -> np.ndarray:
    """Horizontal histograms of verified and training values; returns the edges of the bins."""
    values = np.concatenate([verified, reference, others, want.edges])
    low, high = np.percentile(values, (0.5, 99.5)) if len(values) else (0.0, 1.0)
    edges = want.edges or [low]
    low, high = min(low, *edges), max(high, *edges)
    # Bin edges fall on the window's ends: no bar is half a hit.
    width = (high - low) / BINS or 1.0
    if len(edges) == 2 and edges[0] < edges[1]:
        width = (edges[1] - edges[0]) / max(1, round((edges[1] - edges[0]) / width))
    first = np.floor((low - edges[0]) / width) - 1
    last = np.ceil((high - edges[0]) / width) + 1
    bins = edges[0] + width * np.arange(first, last + 1)
    for data, colour, strength, label in (
        (reference, NEUTRAL, 0.5, "training molecules"),
        (verified, HIT, 0.85, "designs, verified"),
    ):
        if len(data):
            share = np.full(len(data), 100 / len(data))
            axes.hist(data, bins, weights=share, orientation="horizontal", color=colour, alpha=strength,
                      label=f"{label} ({len(data):,})")  # fmt: skip
    axes.set(xlabel=f"share per {width:.2g} {want.unit} (%)")
    return bins


def draw_parity(rows: Sequence[DesignRow], want: Wanted, path: str | Path) -> None:
    """Predicted against verified values of the designs, with the wanted window.

    Args:
        rows: designs; those without a verified value are left out.
        want: the want that is shown.
        path: PNG file.
    """
    done = [row.judged[want.name] for row in rows if row.judged[want.name].verified is not None]
    columns = [(one.predicted, one.verified, one.std) for one in done]
    predicted, verified, spread = np.array(columns, float).reshape(-1, 3).T
    figure = new_figure(5.2, 5.0)
    axes = figure.subplots()
    hit = (verified >= want.window[0]) & (verified <= want.window[1])
    for chosen, colour, shape, label in ((hit, HIT, "o", "inside"), (~hit, MISS, "X", "outside")):
        axes.errorbar(
            predicted[chosen], verified[chosen], xerr=spread[chosen], fmt=shape, ms=5, mec="white", mew=0.5,
            elinewidth=0.7, alpha=0.9, color=colour, label=f"{label} ({chosen.sum()})", zorder=5,
        )  # fmt: skip
    inside = np.concatenate([predicted, verified, want.edges])
    inside = inside if len(inside) else np.array([0.0, 1.0])
    margin = 0.06 * np.ptp(inside) or 0.5
    ends = (inside.min() - margin, inside.max() + margin)
    axes.plot(ends, ends, color=INK, lw=0.9, ls="--", label="predicted = verified")
    axes.set(
        xlabel=f"predicted {want.label}",
        ylabel=f"verified {want.label}, {want.oracle}",
        xlim=ends,
        ylim=ends,
        aspect="equal",
    )
    _mark_window(axes, want)
    tidy(axes)
    # Above the axes: inside, a line or a point would always cross it.
    axes.legend(fontsize=9, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, labelcolor=INK)
    save(figure, path)
