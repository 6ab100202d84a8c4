"""Pictures of what a predictor has learnt: shares of the elements, and maps of structures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlmat.analysis.attribution import ElementShare
from mlmat.analysis.figure import (
    HIT,
    INK,
    MISS,
    NEUTRAL,
    new_figure,
    save,
    shades,
    tidy,
    with_unit,
)
from mlmat.elements import property_by_number, symbols

F_ROWS = {6: 8.5, 7: 9.5}
"""Where the f elements of a period stand, in rows from the top."""


def place_of(number: int) -> tuple[float, float]:
    """Column (1 to 18) and row of an element in the periodic table, f elements in rows of their own."""
    period = int(property_by_number("period")[number])
    group = property_by_number("group")[number]
    if np.isfinite(group):
        return float(group), float(period)
    return 3.0 + number - {6: 57, 7: 89}[period], F_ROWS[period]


def draw_elements(rows: Sequence[ElementShare], column: int, name: str, unit: str, path: str | Path) -> None:
    """Periodic table coloured by the mean share of each element's atoms.

    Args:
        rows: of `by_element`.
        column: of the property.
        name: of the property.
        unit: of it.
        path: PNG file.

    Raises:
        OutputError: the file cannot be written.
    """
    from matplotlib.colors import Normalize
    from matplotlib.patches import Rectangle

    values = {row.symbol: float(row.mean[column]) for row in rows}
    # The rarest extremes would leave all others pale.
    most = float(np.quantile(np.abs(list(values.values())), 0.95)) or 1.0
    colours, norm = shades((HIT, "#f4f5f7", MISS)), Normalize(-most, most)
    figure = new_figure(9.0, 5.2)
    axes = figure.subplots()
    for number, symbol in enumerate(symbols(range(1, 104)), 1):
        x, y = place_of(number)
        known = symbol in values
        face = colours(norm(values[symbol])) if known else "white"
        axes.add_patch(
            Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, facecolor=face, edgecolor="#d9dce1", lw=0.6)
        )
        dark = known and abs(values[symbol]) > 0.7 * most
        ink = "white" if dark else INK if known else "#c3c7ce"
        axes.text(x, y - (0.12 if known else 0), symbol, ha="center", va="center", fontsize=9, color=ink)
        if known:
            text = f"{values[symbol]:.2f}" if most < 10 else f"{values[symbol]:.3g}"
            text = text.replace("-", "") if float(text) == 0 else text.replace("-", "−")
            axes.text(x, y + 0.25, text, ha="center", va="center", fontsize=5.5, color=ink)
    axes.set(xlim=(0.3, 18.7), ylim=(10.2, 0.3), aspect="equal")
    axes.axis("off")
    axes.set_title(
        f"What atoms add to {name.replace('_', ' ')}, by element", loc="left", fontsize=11, color=INK
    )
    from matplotlib.cm import ScalarMappable

    bar = figure.colorbar(ScalarMappable(norm, colours), ax=axes, shrink=0.55, extend="both", pad=0.01)
    bar.set_label(with_unit("mean share", unit), color=INK, fontsize=9)
    bar.ax.tick_params(labelsize=8, color=NEUTRAL)
    bar.outline.set_visible(False)
    save(figure, path)


def draw_map(
    maps: Sequence[tuple[str, np.ndarray]], values: np.ndarray, name: str, unit: str, path: str | Path
) -> None:
    """Maps of structures side by side, coloured by a property.

    Args:
        maps: title and coordinates ``[N, 2]`` of each.
        values: ``[N]`` of the property.
        name: of the property.
        unit: of it.
        path: PNG file.

    Raises:
        OutputError: the file cannot be written.
    """
    from matplotlib.cm import ScalarMappable

    figure = new_figure(4.6 * len(maps) + 0.9, 4.3)
    panels = figure.subplots(1, len(maps), squeeze=False)[0]
    low, high = np.quantile(values, (0.02, 0.98))
    order = np.argsort(values, kind="stable")
    colours = shades(("#0b2e4f", HIT, "#7fc8a9", "#f0c84b", MISS))
    for axes, (title, places) in zip(panels, maps, strict=True):
        points = axes.scatter(
            *places[order].T, c=values[order], s=max(5.0, min(30.0, 12_000 / len(values))), cmap=colours,
            vmin=low, vmax=high if high > low else low + 1, linewidths=0, alpha=0.85,
        )  # fmt: skip
        tidy(axes, title)
        axes.set(xticks=[], yticks=[])
    scale = ScalarMappable(points.norm, colours)  # the points themselves are translucent
    bar = figure.colorbar(scale, ax=list(panels), shrink=0.85, extend="both", pad=0.02)
    bar.set_label(with_unit(name.replace("_", " "), unit), color=INK, fontsize=9)
    bar.ax.tick_params(labelsize=8, color=NEUTRAL)
    bar.outline.set_visible(False)
    save(figure, path)
