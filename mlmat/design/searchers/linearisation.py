"""What linearisations of a predictor have in common: what one costs, and how known values correct it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

LENGTH = 1.5
"""Length scale of the correction: a changed element is a step of √2, a bond order one of 1."""

NOISE = 0.05
"""Variance of what the correction does not explain, in units of its own."""


def columns_of(objective: Any, predictor: Any) -> tuple[int, ...]:
    """Columns of the wants that are predicted properties."""
    return tuple(predictor.index(w.name) for w in objective.wants if w.name in predictor.properties)


def linearisation_cost(objective: Any, predictor: Any) -> int:
    """Evaluations that one linearisation counts as: a prediction, and two for each want's gradient."""
    return 1 + 2 * len(columns_of(objective, predictor))


def corrected_means(
    features: np.ndarray, linear: np.ndarray, places: Sequence[int], means: np.ndarray
) -> np.ndarray:
    """Linear predictions, corrected by a Gaussian process on their residuals.

    Args:
        features: ``[C, D]`` of the candidates; see `LENGTH` for their scale.
        linear: ``[C, W]`` linearised means.
        places: indices of those that have been predicted, at least one.
        means: ``[places, W]`` what they were predicted to be.

    Returns:
        ``[C, W]``.
    """
    known = features[list(places)]
    square = (features**2).sum(axis=1)[:, None] + (known**2).sum(axis=1) - 2 * features @ known.T
    kernel = np.exp(-square / (2 * LENGTH**2))
    residual = means - linear[list(places)]
    level = residual.mean(axis=0)
    gram = kernel[list(places)] + NOISE * np.eye(len(places))
    return linear + level + kernel @ np.linalg.solve(gram, residual - level)
