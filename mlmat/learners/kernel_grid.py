"""Hyperparameters of kernel ridge regression by grid, on a part held out of the training set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from mlmat.errors import InputError
from mlmat.learners.cholesky import factorise, solve
from mlmat.learners.gram import cross, gram
from mlmat.learners.kernels import apply_profile, distances_for


class Choice(NamedTuple):
    """The best point of a grid for one target.

    Attributes:
        width: σ.
        regularisation: λ.
        error: mean absolute error on the held-out part.
    """

    width: float
    regularisation: float
    error: float


def search_grid(
    x: np.ndarray,
    y: np.ndarray,
    x_check: np.ndarray,
    y_check: np.ndarray,
    *,
    profile: str,
    metric: str,
    widths: Sequence[float],
    regularisations: Sequence[float],
    copies: int = 1,
) -> tuple[list[Choice], np.ndarray]:
    """Try all pairs of σ and λ: distances once, a factor for each pair, all targets from it.

    Args:
        x: ``[N, D]`` descriptors to fit; several copies of an item are so many rows.
        y: ``[N, P]`` targets.
        x_check: ``[copies · M, D]``: all items of the first copy, then of the second, …
        y_check: ``[M, P]``.
        profile: of `mlmat.learners.kernels.PROFILES`.
        metric: ``"l1"`` or ``"l2"``.
        widths: σ to try.
        regularisations: λ to try.
        copies: predictions are averaged over so many copies of each held-out item.

    Returns:
        The best pair for each target, and all errors ``[σ, λ, P]``; infinite where the matrix is
        too ill-conditioned.

    Raises:
        InputError: unknown kernel, or no pair of the grid can be solved.
    """
    measure = distances_for(profile, metric)
    inside, outside = gram(measure, x), cross(measure, x_check, x)
    y, y_check = np.asarray(y, float), np.asarray(y_check, float)
    mean = y.mean(axis=0)
    errors = np.full((len(widths), len(regularisations), y.shape[1]), math.inf)
    for i, width in enumerate(widths):
        with jax.enable_x64(True):
            matrix, towards = (np.asarray(apply_profile(profile, d, width)) for d in (inside, outside))
        for j, regularisation in enumerate(regularisations):
            try:
                weights = solve(factorise(matrix, regularisation), y - mean)
            except InputError:
                continue
            found = (towards @ weights).reshape(copies, -1, y.shape[1]).mean(axis=0) + mean
            errors[i, j] = np.abs(found - y_check).mean(axis=0)
    if np.isinf(errors).all():
        raise InputError("no kernel matrix of the grid can be solved: raise the regularisations")
    best = []
    for target in range(y.shape[1]):
        i, j = np.unravel_index(errors[..., target].argmin(), errors.shape[:2])
        best.append(Choice(float(widths[i]), float(regularisations[j]), float(errors[i, j, target])))
    return best, errors
