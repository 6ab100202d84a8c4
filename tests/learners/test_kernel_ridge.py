"""Kernel ridge regression against its formula written out in NumPy."""

import jax
import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.graphs.fingerprints import morgan_counts, nearest_similarity
from mlmat.learners import formula_mean, kernel_ridge

SMILES = ["CCO", "CCN", "c1ccccc1", "CC(=O)C", "CCCC", "OCCO", "CC#N", "CSC"]
Y = np.array([8.1, 7.9, 4.6, 4.4, 12.0, 8.3, 9.9, 5.2])


def reference_kernel(x, y):
    return np.array([[np.minimum(a, b).sum() / np.maximum(a, b).sum() for b in y] for a in x])


def test_both_kernels_are_the_formula():
    x = morgan_counts(SMILES, size=256)
    np.testing.assert_allclose(kernel_ridge.tanimoto_kernel(x, x[:3]), reference_kernel(x, x[:3]), rtol=1e-5)
    np.testing.assert_allclose(kernel_ridge.tanimoto_counts(x, x[:3]), reference_kernel(x, x[:3]), rtol=1e-5)
    with pytest.raises(InputError, match="whole"):
        kernel_ridge.tanimoto_counts(x + 0.5, x)


def test_fit_and_predict_are_the_formula():
    x = morgan_counts(SMILES, size=256)
    state = kernel_ridge.fit(x[:6], Y[:6], kernel=kernel_ridge.tanimoto_counts, regularisation=0.1)
    gram = reference_kernel(x[:6], x[:6]) + 0.1 * np.eye(6)
    weights = np.linalg.solve(gram, Y[:6] - Y[:6].mean())
    expected = reference_kernel(x[6:], x[:6]) @ weights + Y[:6].mean()
    np.testing.assert_allclose(
        kernel_ridge.predict(state, x[6:], kernel=kernel_ridge.tanimoto_kernel), expected, rtol=1e-4
    )


def test_predict_is_differentiable():
    x = morgan_counts(SMILES, size=64)
    state = kernel_ridge.fit(x, Y, kernel=kernel_ridge.tanimoto_kernel, regularisation=0.1)
    slope = jax.grad(lambda q: kernel_ridge.predict(state, q[None], kernel=kernel_ridge.tanimoto_kernel)[0])(
        x[0] + 0.5
    )
    assert np.isfinite(slope).all()
    assert np.abs(slope).max() > 0


def test_tune_returns_the_smallest_validation_error():
    x = morgan_counts(SMILES, size=256)
    best, errors = kernel_ridge.tune(
        x[:6], Y[:6], x[6:], Y[6:], kernel=kernel_ridge.tanimoto_counts, regularisations=(1e-3, 0.1, 10.0)
    )
    assert errors[best] == min(errors.values())
    state = kernel_ridge.fit(x[:6], Y[:6], kernel=kernel_ridge.tanimoto_counts, regularisation=best)
    predicted = kernel_ridge.predict(state, x[6:], kernel=kernel_ridge.tanimoto_kernel)
    assert np.abs(predicted - Y[6:]).mean() == pytest.approx(errors[best], rel=1e-4)


def test_an_ill_conditioned_kernel_is_refused():
    x = np.ones((3, 4), np.float32)
    with pytest.raises(InputError, match="ill-conditioned"):
        kernel_ridge.fit(x, Y[:3], kernel=kernel_ridge.tanimoto_counts, regularisation=-1.0)


def test_formula_mean_averages_isomers_and_falls_back():
    state = formula_mean.fit(["CCO", "COC", "CC"], np.array([8.0, 6.0, 12.0]))
    np.testing.assert_allclose(formula_mean.predict(state, ["OCC", "CC", "CCC"]), [7.0, 12.0, 26 / 3])


def test_similarity_to_itself_is_one():
    similarity = nearest_similarity(["CCO", "c1ccccc1"], ["OCC", "CCN"])
    assert similarity[0] == 1.0
    assert 0 <= similarity[1] < 0.5
