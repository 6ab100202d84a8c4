"""Figures of a classification run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlmat.analysis.figure import DENSITY, INK, new_figure, save, shades, tidy
from mlmat.errors import InputError


def draw_confusion(
    observed: np.ndarray, predicted: np.ndarray, classes: Sequence[str], path: str | Path
) -> None:
    """Confusion matrix: counts, coloured by the share of each observed class.

    Args:
        observed: class numbers ``[n]``.
        predicted: class numbers ``[n]``.
        classes: name of each class.
        path: PNG file.

    Raises:
        InputError: lengths differ, nothing given, or a number without a name.
        OutputError: the file cannot be written.
    """
    observed, predicted = np.asarray(observed, int), np.asarray(predicted, int)
    count = len(classes)
    both = np.concatenate([observed, predicted])
    if observed.shape != predicted.shape or not len(both) or both.min() < 0 or both.max() >= count:
        raise InputError(f"a confusion matrix needs pairs of class numbers from 0 to {count - 1}")
    matrix = np.zeros((count, count), int)
    np.add.at(matrix, (observed, predicted), 1)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = max(3.6, 0.75 * count + 1.8)
    figure = new_figure(side, side)
    axes = figure.subplots()
    axes.imshow(share, cmap=shades(("#ffffff", *DENSITY)), vmin=0, vmax=1)
    for (row, column), items in np.ndenumerate(matrix):
        dark = share[row, column] > 0.55
        axes.text(column, row, f"{items:,}\n{100 * share[row, column]:.0f} %", ha="center", va="center",
                  fontsize=9, color="white" if dark else INK)  # fmt: skip
    axes.set(xticks=range(count), yticks=range(count), xlabel="predicted", ylabel="observed")
    axes.set_xticklabels(classes, rotation=45 if max(map(len, classes)) > 6 else 0)
    axes.set_yticklabels(classes)
    right = np.trace(matrix) / matrix.sum()
    tidy(axes, f"{100 * right:.1f} % of {matrix.sum():,} right")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    save(figure, path)
