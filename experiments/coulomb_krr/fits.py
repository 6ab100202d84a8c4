"""One fit: hyperparameters inside the training part, then the test part, once."""

from __future__ import annotations

import time
from typing import Any

import jax
import numpy as np

from experiments.coulomb_krr.variants import Variant, represent
from mlmat.learners.cholesky import factorise, solve
from mlmat.learners.gram import cross, gram
from mlmat.learners.kernel_grid import search_grid
from mlmat.learners.kernels import apply_profile, distances_for
from mlmat.metrics import mae, rmse

TARGETS = ("energy", "delta")
"""Columns of the targets, as far as there are."""


def measure(
    variant: Variant,
    data: tuple[np.ndarray, np.ndarray, np.ndarray],
    train: np.ndarray,
    test: np.ndarray,
    rows: int,
    check_rows: int,
    seed: int,
    copies: int,
) -> dict[str, Any]:
    """Choose σ and λ, fit, predict.

    Args:
        variant: what to fit.
        data: numbers ``[m, n]``, positions ``[m, n, 3]`` Å, targets ``[m, P]`` kcal/mol.
        train: molecules to train with; the first `rows` fit the grid, the last `check_rows` judge
            it (fewer if there are fewer).
        test: molecules to predict.
        rows: molecules that fit the grid.
        check_rows: molecules that judge it.
        seed: of the random order of rows.
        copies: of each molecule, where the representation is random.

    Returns:
        ``targets``: name → hyperparameters and errors (kcal/mol); counts and seconds.
    """
    began = time.perf_counter()
    numbers, positions, values = data
    x = represent(variant.representation, numbers, positions, seed, copies)
    copies = len(x)
    columns = [TARGETS.index(name) for name in variant.targets if TARGETS.index(name) < values.shape[1]]
    y = values[:, columns]

    def stack(part: np.ndarray) -> np.ndarray:
        return x[:, part].reshape(copies * len(part), -1)

    fit, check = train[:rows], train[max(rows, len(train) - check_rows) :]
    best, _ = search_grid(
        stack(fit), np.tile(y[fit], (copies, 1)), stack(check), y[check],
        profile=variant.profile, metric=variant.metric, widths=variant.widths,
        regularisations=variant.regularisations, copies=copies,
    )  # fmt: skip

    distances = distances_for(variant.profile, variant.metric)
    inside, outside = gram(distances, stack(train)), cross(distances, stack(test), stack(train))
    settings = [(choice.width, choice.regularisation) for choice in best]
    predicted = np.empty((len(test), len(columns)))
    for setting in dict.fromkeys(settings):
        # Targets with the same hyperparameters share the factor.
        mine = [k for k, other in enumerate(settings) if other == setting]
        mean = y[train][:, mine].mean(axis=0)
        with jax.enable_x64(True):
            matrix, towards = (
                np.array(apply_profile(variant.profile, d, setting[0])) for d in (inside, outside)
            )
        factor = factorise(matrix, setting[1], overwrite=True)
        weights = solve(factor, np.tile(y[train][:, mine] - mean, (copies, 1)))
        predicted[:, mine] = (towards @ weights).reshape(copies, len(test), -1).mean(axis=0) + mean
    rows_by_target = {
        TARGETS[column]: {
            "width": best[k].width,
            "regularisation": best[k].regularisation,
            "check_mae": best[k].error,
            "mae": mae(predicted[:, k], y[test, k]),
            "rmse": rmse(predicted[:, k], y[test, k]),
        }
        for k, column in enumerate(columns)
    }
    return {
        "targets": rows_by_target,
        "copies": copies,
        "n_train": len(train),
        "n_test": len(test),
        "seconds": time.perf_counter() - began,
    }
