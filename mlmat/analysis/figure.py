"""The look that all figures of mlmat share: colours, size, axes, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlmat.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

HIT = "#0072B2"
MISS = "#D55E00"
WANTED = "#009E73"
NEUTRAL = "#8a8f98"
INK = "#22262e"
"""Colours after Okabe and Ito: distinct for colour-blind readers, too."""

DENSITY = ("#cfe3f2", "#5aa2d3", "#0072b2", "#0b2e4f")
"""Light to dark as points get denser; the lightest still shows on white."""

DPI = 192
"""Twice the 96 pixels per inch of a browser, so that figures stay crisp on dense screens."""


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, inches, outside of pyplot."""
    # The object-oriented interface: pyplot would keep every figure in a global list.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def tidy(axes: Axes, title: str = "") -> None:
    """Give axes the house style: two spines, small ticks, the title at the left."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(NEUTRAL)
    axes.tick_params(colors=INK, color=NEUTRAL, labelsize=9)
    axes.set_title(title, loc="left", fontsize=11, color=INK, pad=8)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set(color=INK, fontsize=10)


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG on white, atomically.

    Raises:
        OutputError: the folder cannot be written.
    """
    with atomic_write(path) as stream:
        figure.savefig(stream, format="png", facecolor="white")


def shades(colours: Sequence[str]) -> LinearSegmentedColormap:
    """A colour map through the given colours."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("house", list(colours))


def plain_ticks(axis: Axis) -> None:
    """Logarithmic ticks at powers of ten as plain numbers; over few decades, at 2 and 5, too."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,), numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())


def note(axes: Axes, text: str, place: tuple[float, float], va: str, ha: str, color: str = INK) -> None:
    """A few words inside the axes, at a place in their coordinates."""
    box = {"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 3}
    axes.text(*place, text, transform=axes.transAxes, va=va, ha=ha, fontsize=10, color=color, bbox=box,
              zorder=6, linespacing=1.4)  # fmt: skip


def with_unit(name: str, unit: str) -> str:
    """``"gap (eV)"``; the name alone where there is no unit."""
    return name if unit in ("", "1") else f"{name} ({unit})"


def number_text(value: float, unit: str) -> str:
    """Three significant digits with the unit."""
    number = f"{value:#.3g}".rstrip(".") if 0 < abs(value) < 1000 else f"{value:,.0f}"
    return (number if unit in ("", "1") else f"{number} {unit}").replace("-", "−", 1)
