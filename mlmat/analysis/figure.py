"""The look that all figures of mlmat share: colours, size, axes, and how they are written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlmat.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HIT = "#0072B2"
MISS = "#D55E00"
WANTED = "#009E73"
NEUTRAL = "#8a8f98"
INK = "#22262e"
"""Colours after Okabe and Ito: distinct for colour-blind readers, too."""

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
