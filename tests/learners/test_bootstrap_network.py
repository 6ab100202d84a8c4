"""Small networks: what they learn, that out of bag is honest, and that error bars cover."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.learners.bootstrap_network import each, fit, out_of_bag, predict, predict_with_std

RANDOM = np.random.default_rng(0)
X = RANDOM.uniform(-2, 2, (800, 2)) * [1.0, 50.0] + [0.0, 1000.0]
NOISE = 0.3
CLEAN = 100 + 2 * np.sin(X[:, 0]) + 0.02 * (X[:, 1] - 1000)
Y = CLEAN + NOISE * RANDOM.normal(size=800)
TRAIN, TEST = slice(0, 300), slice(300, 800)


@pytest.fixture(scope="module")
def state():
    return fit(X[TRAIN], Y[TRAIN], members=12, steps=800)


def test_it_learns_a_curve_that_a_line_cannot(state):
    line = np.column_stack([X, np.ones(800)])
    straight = line[TEST] @ np.linalg.lstsq(line[TRAIN], Y[TRAIN], rcond=None)[0]
    found = np.asarray(predict(state, X[TEST]))
    assert np.abs(found - CLEAN[TEST]).mean() < 0.15 < np.abs(straight - CLEAN[TEST]).mean() / 1.5


def test_one_network_written_out(state):
    w = jax.tree.map(lambda leaf: np.asarray(leaf[3], float), state.variables)["params"]
    h = np.tanh((X[:5] - state.centre) / state.spread @ w["Dense_0"]["kernel"] + w["Dense_0"]["bias"])
    y = (h @ w["Dense_1"]["kernel"] + w["Dense_1"]["bias"])[:, 0] * state.scale + state.mean
    np.testing.assert_allclose(each(state, X[:5])[3], y, rtol=1e-5)


def test_error_bars_cover_with_the_noise_and_not_without(state):
    mean, std = predict_with_std(state, X[TEST])
    _, alone = predict_with_std(state, X[TEST], noise=False)
    error = np.abs(np.asarray(mean) - Y[TEST])
    assert 0.58 < (error < std).mean() < 0.8
    assert (error < alone).mean() < 0.5
    assert state.noise == pytest.approx(NOISE, rel=0.3)


def test_out_of_bag_leaves_out_what_a_network_saw(state):
    mean, std = out_of_bag(state, X[TRAIN])
    outputs = np.asarray(each(state, X[TRAIN]))
    item = int(np.flatnonzero((state.drawn == 0).sum(axis=0) >= 2)[7])
    unseen = outputs[state.drawn[:, item] == 0, item]
    assert mean[item] == pytest.approx(unseen.mean(), rel=1e-6)
    assert std[item] == pytest.approx(unseen.std(ddof=1), rel=1e-3)
    assert (state.drawn.sum(axis=1) == 300).all()


def test_gradient_against_finite_differences(state):
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), state)
        x, step = jnp.asarray(X[:1]), 1e-5
        slope = jax.grad(lambda x: predict(wide, x).sum())(x)
        for k in range(2):
            shift = jnp.zeros((1, 2)).at[0, k].set(step)
            numeric = (predict(wide, x + shift) - predict(wide, x - shift))[0] / (2 * step)
            assert slope[0, k] == pytest.approx(float(numeric), rel=1e-6)


def test_decay_flattens():
    stiff = fit(X[TRAIN], Y[TRAIN], members=3, steps=300, decay=1e4)
    assert np.asarray(predict(stiff, X[TEST])).std() < 0.2 * Y.std()


def test_too_little():
    with pytest.raises(InputError, match="at least 10"):
        fit(X[:5], Y[:5])
