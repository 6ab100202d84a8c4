"""Delta-learning: the correction of a baseline, against the sum written out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.learners import additive_correction, kernel_ridge
from mlmat.learners.delta import (
    DeltaPredictor,
    WithBaseline,
    delta_learner,
    roughness_ratio,
    with_baseline,
)
from mlmat.learners.kernels import kernel
from mlmat.typing import Learner

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(60, 3))
KERNEL = kernel("gaussian", "l2", 1.5)
RIDGE = Learner(kernel_ridge.fit, kernel_ridge.predict)


def steep(x):
    """A baseline that is far from the target, but for a smooth rest."""
    return 50 * jnp.sin(8 * x[:, 0]) + 1e4


Y = np.asarray(steep(X), float) + X[:, 1] ** 2


def test_it_is_the_learner_on_the_difference_and_the_baseline_added():
    items = with_baseline(steep, X[:40])
    learner = delta_learner(RIDGE)
    state = learner.fit(items, Y[:40], kernel=KERNEL, regularisation=1e-6)
    direct = kernel_ridge.fit(X[:40], Y[:40] - np.asarray(steep(X[:40])), kernel=KERNEL, regularisation=1e-6)
    np.testing.assert_array_equal(state.weights, direct.weights)
    with jax.enable_x64(True):
        test = with_baseline(steep, jnp.asarray(X[40:]))
        found = learner.predict(state, test, kernel=KERNEL)
        expected = np.asarray(steep(jnp.asarray(X[40:]))) + np.asarray(
            kernel_ridge.predict(direct, jnp.asarray(X[40:]), kernel=KERNEL)
        )
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    # A smooth rest is learned from 40 items, the target itself is not.
    alone = kernel_ridge.fit(X[:40], Y[:40], kernel=KERNEL, regularisation=1e-6)
    assert np.abs(found - Y[40:]).mean() < 1
    assert np.abs(kernel_ridge.predict_stream(alone, X[40:], kernel=KERNEL) - Y[40:]).mean() > 10


def test_corrections_stack():
    counts = RANDOM.integers(0, 4, (60, 2)).astype(float)
    y = Y + counts @ [2.0, -3.0]
    constants = delta_learner(Learner(additive_correction.fit, additive_correction.predict))
    base = np.asarray(steep(X)) + X[:, 1] ** 2
    state = constants.fit(WithBaseline(counts, base), y)
    np.testing.assert_allclose(constants.predict(state, WithBaseline(counts, base)), y)


def test_predictor_is_a_pytree_whose_gradient_is_the_sum():
    predictor = DeltaPredictor(
        jax.tree_util.Partial(lambda a, x: a * x**2, 3.0), jax.tree_util.Partial(jnp.sin)
    )
    assert len(jax.tree.leaves(predictor)) == 1
    slope = jax.jit(lambda p, x: jax.grad(p)(x))(predictor, 0.7)
    assert slope == pytest.approx(6 * 0.7 + np.cos(0.7), rel=1e-6)


def test_differentiable_in_the_baseline():
    state = kernel_ridge.fit(X, Y, kernel=KERNEL, regularisation=1e-3)
    learner = delta_learner(RIDGE)
    slope = jax.grad(
        lambda b: learner.predict(state, WithBaseline(jnp.asarray(X[:4]), b), kernel=KERNEL).sum()
    )(jnp.zeros(4))
    np.testing.assert_allclose(slope, 1.0)


def test_roughness_ratio():
    assert roughness_ratio(np.array([0.0, 2.0]), np.array([-5.0, -4.0])) == pytest.approx(0.5)
    with pytest.raises(InputError, match="all equal"):
        roughness_ratio(np.ones(3), np.zeros(3))


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(InputError, match="differ in shape"):
        delta_learner(RIDGE).fit(WithBaseline(X, np.zeros((60, 1))), Y, kernel=KERNEL, regularisation=1.0)
