"""Figures of an inverse design: the molecules, the descent, predicted against verified."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rdkit import Chem
from rdkit.Chem.Draw import rdMolDraw2D

from mlmat.analysis.design_table import DesignRow
from mlmat.files import atomic_write

HIT = "#0072B2"
MISS = "#D55E00"
NEUTRAL = "#8a8f98"
INK = "#22262e"
"""Colours after Okabe and Ito: distinct for colour-blind readers, too."""


def _figure(width: float, height: float):
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _tidy(axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)


def _save(figure, path: str | Path) -> None:
    with atomic_write(path) as stream:
        figure.savefig(stream, format="png", facecolor="white")


def molecule_image(smiles: str, width: int = 460, height: int = 320) -> np.ndarray:
    """Drawing of a molecule as RGB ``[height, width, 3]``."""
    from matplotlib.image import imread

    drawer = rdMolDraw2D.MolDraw2DCairo(width, height)
    options = drawer.drawOptions()
    options.bondLineWidth = 3
    options.fixedBondLength = 60
    options.minFontSize = 26
    rdMolDraw2D.PrepareAndDrawMolecule(drawer, Chem.MolFromSmiles(smiles))
    drawer.FinishDrawing()
    return imread(io.BytesIO(drawer.GetDrawingText()), format="png")[..., :3]


def draw_molecules(
    rows: Sequence[DesignRow], window: tuple[float, float], path: str | Path, columns: int = 6, limit: int = 24
) -> None:
    """Grid of the first verified designs, framed by whether they hit the window.

    Args:
        rows: designs; those without a verified value are left out.
        window: values that count as a hit, eV.
        path: PNG file.
        columns: of the grid.
        limit: most molecules shown.
    """
    shown = [row for row in rows if row.gap_verified is not None][:limit]
    lines = max(1, -(-len(shown) // columns))
    figure = _figure(2.35 * columns, 2.05 * lines + 0.45)
    hits = sum(window[0] <= row.gap_verified <= window[1] for row in shown)
    figure.suptitle(
        f"Designs for a gap of {window[0]:.2f} to {window[1]:.2f} eV: {hits} of the {len(shown)} shown "
        "verified inside (GFN2-xTB orbital gap)",
        fontsize=12,
        color=INK,
    )
    grid = figure.subplots(lines, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
    for axes, row in zip(grid.flat, shown, strict=False):
        hit = window[0] <= row.gap_verified <= window[1]
        axes.imshow(molecule_image(row.smiles))
        axes.spines[:].set_visible(True)
        axes.spines[:].set(color=HIT if hit else MISS, linewidth=1.6 if hit else 1.2)
        axes.set_title(
            f"xTB {row.gap_verified:.2f} eV", fontsize=10, color=HIT if hit else MISS, pad=4, weight="bold"
        )
        axes.set_xlabel(f"predicted {row.gap_predicted:.2f} ± {row.gap_std:.2f}", fontsize=8.5, color=INK)
    _save(figure, path)


def draw_descent(
    history: np.ndarray,
    window: tuple[float, float],
    verified: np.ndarray,
    reference: np.ndarray,
    path: str | Path,
) -> None:
    """The descent from noise, and where the verified designs ended up.

    Args:
        history: ``[steps, starts]`` relaxed predictions, eV.
        window: values that count as a hit, eV.
        verified: ``[m]`` verified values of the designs, eV.
        reference: ``[n]`` values of the training molecules, eV; may be empty.
        path: PNG file.
    """
    figure = _figure(11, 4.2)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    steps = np.arange(1, len(history) + 1)
    for low, high, strength in ((5, 95, 0.15), (25, 75, 0.3)):
        band = np.percentile(history, (low, high), axis=1)
        left.fill_between(steps, *band, color=HIT, alpha=strength, lw=0, label=f"{low}-{high} % of starts")
    left.plot(steps, history[:, :: max(1, history.shape[1] // 12)], color=HIT, lw=0.6, alpha=0.6)
    left.plot(steps, np.median(history, axis=1), color=INK, lw=1.6, label="median")
    left.set(xlabel="gradient step", ylabel="gap of the relaxed molecule (eV)", xlim=(1, len(history)))
    left.set_title("Noise follows the gradient", loc="left", fontsize=11, color=INK)
    values = np.concatenate([verified, reference, history.ravel()])
    low, high = np.percentile(values, (0.5, 99.5)) if len(values) else window
    bins = np.linspace(min(low, window[0]), max(high, window[1]), 50)
    if len(reference):
        right.hist(reference, bins, density=True, orientation="horizontal", color=NEUTRAL, alpha=0.45, label="training set")
    if len(verified):
        right.hist(verified, bins, density=True, orientation="horizontal", color=HIT, alpha=0.85, label="designs, verified")
    right.set(xlabel="density (1/eV)", ylim=(bins[0], bins[-1]))
    right.set_title("What quantum chemistry says (GFN2-xTB)", loc="left", fontsize=11, color=INK)
    for axes in (left, right):
        axes.axhspan(*window, color=MISS, alpha=0.18, lw=0, label="wanted")
        axes.legend(fontsize=8.5, frameon=False, loc="upper right")
        _tidy(axes)
    _save(figure, path)


def draw_parity(rows: Sequence[DesignRow], window: tuple[float, float], path: str | Path) -> None:
    """Predicted against verified values of the designs, with the wanted window."""
    done = [row for row in rows if row.gap_verified is not None]
    predicted = np.array([row.gap_predicted for row in done])
    verified = np.array([row.gap_verified for row in done])
    figure = _figure(4.8, 4.4)
    axes = figure.subplots()
    axes.axhspan(*window, color=MISS, alpha=0.18, lw=0, label="wanted")
    hit = (verified >= window[0]) & (verified <= window[1])
    spread = np.array([row.gap_std for row in done])
    for chosen, colour, label in ((hit, HIT, "hit"), (~hit, MISS, "miss")):
        axes.errorbar(
            predicted[chosen], verified[chosen], xerr=spread[chosen], fmt="o", ms=3.5, lw=0.7, color=colour, label=label
        )
    ends = np.array([min(predicted.min(initial=window[0]), window[0]), max(predicted.max(initial=window[1]), window[1])])
    axes.plot(ends, ends, color=INK, lw=0.8, ls="--")
    axes.set(xlabel="predicted gap (eV)", ylabel="verified gap, GFN2-xTB (eV)")
    axes.legend(fontsize=8.5, frameon=False)
    _tidy(axes)
    _save(figure, path)
