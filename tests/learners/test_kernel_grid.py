"""The grid against a loop of fits, and averaging over copies."""

import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.learners.kernel_grid import search_grid

RNG = np.random.default_rng(0)
X, CHECK = RNG.normal(size=(30, 2)), RNG.normal(size=(8, 2))


def truth(x):
    return np.stack([np.sin(x[:, 0]), 5 + x[:, 1]], axis=1)


def reference(width, regularisation, check):
    def k(a, b):
        return np.exp(-np.abs(a[:, None] - b[None]).sum(-1) / width)

    y = truth(X)
    weights = np.linalg.solve(k(X, X) + regularisation * np.eye(30), y - y.mean(0))
    return k(check, X) @ weights + y.mean(0)


def test_errors_are_those_of_separate_fits_and_the_best_is_the_smallest():
    widths, regularisations = (1.0, 10.0), (1e-6, 1e-1)
    best, errors = search_grid(
        X, truth(X), CHECK, truth(CHECK),
        profile="laplacian", metric="l1", widths=widths, regularisations=regularisations,
    )  # fmt: skip
    for i, width in enumerate(widths):
        for j, regularisation in enumerate(regularisations):
            expected = np.abs(reference(width, regularisation, CHECK) - truth(CHECK)).mean(0)
            np.testing.assert_allclose(errors[i, j], expected, rtol=1e-8)
    for target in range(2):
        assert best[target].error == errors[..., target].min()
        i, j = widths.index(best[target].width), regularisations.index(best[target].regularisation)
        assert errors[i, j, target] == best[target].error


def test_predictions_are_averaged_over_copies():
    both = np.concatenate([CHECK, CHECK + 0.3])
    best, _ = search_grid(
        X, truth(X), both, truth(CHECK),
        profile="laplacian", metric="l1", widths=(3.0,), regularisations=(1e-3,), copies=2,
    )  # fmt: skip
    mean = (reference(3.0, 1e-3, CHECK) + reference(3.0, 1e-3, CHECK + 0.3)) / 2
    assert best[0].error == pytest.approx(np.abs(mean - truth(CHECK))[:, 0].mean(), rel=1e-8)


def test_pairs_that_cannot_be_solved_are_passed_over_and_all_of_them_refused():
    twice = np.concatenate([X, X])
    options = {"profile": "laplacian", "metric": "l1", "widths": (3.0,)}
    best, errors = search_grid(
        twice, truth(twice), CHECK, truth(CHECK), regularisations=(0.0, 1e-3), **options
    )
    assert np.isinf(errors[0, 0]).all()
    assert best[0].regularisation == 1e-3
    with pytest.raises(InputError, match="raise"):
        search_grid(twice, truth(twice), CHECK, truth(CHECK), regularisations=(0.0,), **options)
