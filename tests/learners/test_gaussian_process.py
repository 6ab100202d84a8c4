"""Gaussian process against dense algebra, refits, finite differences and its own prior."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from mlmat.errors import InputError
from mlmat.learners import gaussian_process as gp
from mlmat.learners.kernels import kernel

RNG = np.random.default_rng(0)
X, NEW = RNG.uniform(0, 4, size=(25, 2)), RNG.uniform(0, 4, size=(6, 2))
Y = np.stack([np.sin(X[:, 0]), 100 * X[:, 1]], axis=1)
K = kernel("gaussian", "l2", 1.3)


def reference_kernel(a, b, width=1.3):
    return np.exp(-((a[:, None] - b[None]) ** 2).sum(-1) / (2 * width**2))


SQUARED = ((X[:, None] - X[None]) ** 2).sum(-1)


def test_mean_and_deviation_are_the_formulas():
    lifted = reference_kernel(X, X) + 1e-3 * np.eye(25)
    centred = Y - Y.mean(0)
    towards = reference_kernel(NEW, X)
    mean = towards @ np.linalg.solve(lifted, centred) + Y.mean(0)
    scale = (centred * np.linalg.solve(lifted, centred)).mean(0)
    variance = 1 - (towards * np.linalg.solve(lifted, towards.T).T).sum(1)
    state = gp.fit(X, Y, kernel=K, regularisation=1e-3)
    with jax.enable_x64(True):
        found, std = gp.predict(state, jnp.asarray(NEW), kernel=K)
        _, noisy = gp.predict(state, jnp.asarray(NEW), kernel=K, noise=True)
    np.testing.assert_allclose(found, mean, rtol=1e-7)
    np.testing.assert_allclose(std, np.sqrt(variance[:, None] * scale), rtol=1e-6)
    np.testing.assert_allclose(noisy, np.sqrt((variance[:, None] + 1e-3) * scale), rtol=1e-6)


def test_far_away_the_prior_is_back_and_at_the_data_the_noise():
    state = gp.fit(X, Y, kernel=K, regularisation=1e-6)
    with jax.enable_x64(True):
        mean, std = gp.predict(state, jnp.asarray([[1e3, 1e3], X[0]]), kernel=K)
        mean, std = np.asarray(mean), np.asarray(std)
    np.testing.assert_allclose(mean[0], Y.mean(0))
    np.testing.assert_allclose(std[0], state.amplitude)
    assert (std[1] < 2e-3 * state.amplitude).all()


def test_likelihood_is_the_density_of_the_normal_distribution():
    with jax.enable_x64(True):
        found = gp.log_likelihood(jnp.asarray(SQUARED), jnp.asarray(Y), "gaussian", 1.3, 1e-3)
    expected = 0.0
    for column in Y.T:
        lifted = reference_kernel(X, X) + 1e-3 * np.eye(25)
        centred = column - column.mean()
        variance = centred @ np.linalg.solve(lifted, centred) / 25
        density = scipy.stats.multivariate_normal(cov=variance * lifted, allow_singular=True)
        expected += density.logpdf(centred)
    assert float(found) == pytest.approx(expected, rel=1e-8)


def test_leaving_one_out_is_refitting_without_it():
    with jax.enable_x64(True):
        found = gp.leave_one_out(jnp.asarray(SQUARED), jnp.asarray(Y), "gaussian", 1.3, 1e-3)
    centred = Y - Y.mean(0)
    for i in (0, 7):
        rest = np.delete(np.arange(25), i)
        lifted = reference_kernel(X[rest], X[rest]) + 1e-3 * np.eye(24)
        predicted = reference_kernel(X[i : i + 1], X[rest]) @ np.linalg.solve(lifted, centred[rest])
        np.testing.assert_allclose(found[i], centred[i] - predicted[0], rtol=1e-6)


@pytest.mark.parametrize("objective", ["likelihood", "leave-one-out"])
def test_gradients_of_the_objectives_are_finite_differences(objective):
    with jax.enable_x64(True):
        at = jnp.log(jnp.asarray([1.3, 1e-3]))
        d, y = jnp.asarray(SQUARED), jnp.asarray(Y)
        _, slope = gp._cost(at, d, y, "gaussian", objective)
        for k in range(2):
            step = jnp.zeros(2).at[k].set(1e-5)
            up, down = (gp._cost(at + sign * step, d, y, "gaussian", objective)[0] for sign in (1, -1))
            assert float(slope[k]) == pytest.approx(float(up - down) / 2e-5, rel=1e-4)


def test_the_prediction_has_a_gradient():
    state = gp.fit(X, Y, kernel=K, regularisation=1e-3)
    with jax.enable_x64(True):

        @jax.jit
        def bound(x):
            mean, std = gp.predict(state, x, kernel=K)
            return (mean + std).sum()

        x = jnp.asarray(NEW)
        slope = jax.jit(jax.grad(bound))(x)
        step = np.zeros_like(NEW)
        step[3, 1] = 1e-5
        assert float(slope[3, 1]) == pytest.approx(float(bound(x + step) - bound(x - step)) / 2e-5, rel=1e-5)


def test_the_optimum_finds_the_prior_that_made_the_data_and_its_bars_hold():
    """A draw of 200 points from a known process, half to fit."""
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 10, size=(200, 2))
    covariance = 9.0 * (reference_kernel(x, x, 1.5) + 1e-2 * np.eye(200))
    y = 50 + np.linalg.cholesky(covariance) @ rng.normal(size=(200, 1))
    found = gp.optimise(
        x[:120], y[:120], profile="gaussian", metric="l2", width=5.0, regularisation=1e-1
    )  # fmt: skip
    assert found.width == pytest.approx(1.5, rel=0.2)
    assert 3e-3 < found.regularisation < 3e-2
    k = kernel("gaussian", "l2", found.width)
    state = gp.fit(x[:120], y[:120], kernel=k, regularisation=found.regularisation)
    assert state.amplitude[0] == pytest.approx(3.0, rel=0.4)
    with jax.enable_x64(True):
        mean, std = gp.predict(state, jnp.asarray(x[120:]), kernel=k, noise=True)
    inside = np.abs(np.asarray(mean) - y[120:]) < 1.96 * np.asarray(std)
    assert 0.85 <= inside.mean() <= 1.0
    other = gp.optimise(
        x[:120], y[:120], profile="gaussian", metric="l2", width=5.0, regularisation=1e-1,
        objective="leave-one-out",
    )  # fmt: skip
    assert other.width == pytest.approx(1.5, rel=0.4)


def test_mistakes_are_named():
    with pytest.raises(InputError, match="reshape"):
        gp.fit(X, Y[:, 0], kernel=K, regularisation=1e-3)
    options = {"profile": "gaussian", "metric": "l2", "width": 1e4}
    with pytest.raises(InputError, match="leave-one-out"):
        gp.optimise(X, Y, regularisation=1e-3, objective="bayes", **options)
    with pytest.raises(InputError, match="larger regularisation"):
        gp.optimise(X, Y, regularisation=1e-30, **options)
