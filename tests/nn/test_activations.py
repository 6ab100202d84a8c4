"""Activations against their definitions, to the third derivative, and far from zero."""

import jax
import numpy as np
import pytest

from mlmat.nn.activations import shifted_softplus, softplus

X = np.array([-200.0, -20.0, -3.0, 0.0, 0.5, 20.0, 200.0], np.float32)


@pytest.mark.parametrize(("activation", "zero"), [(softplus, np.log(2.0)), (shifted_softplus, 0.0)])
def test_activations_are_exact_to_third_order(activation, zero):
    exact = np.logaddexp(X.astype(float), 0.0) - np.log(2.0) + zero
    np.testing.assert_allclose(activation(X), exact, rtol=1e-6, atol=1e-7)
    first = jax.grad(activation)
    second = jax.grad(first)
    s = 1 / (1 + np.exp(-X.astype(float)))
    np.testing.assert_allclose(jax.jit(jax.vmap(first))(X), s, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(jax.jit(jax.vmap(second))(X), s * (1 - s), rtol=1e-5, atol=1e-7)
    third = jax.jit(jax.vmap(jax.grad(second)))(X)
    np.testing.assert_allclose(third, s * (1 - s) * (1 - 2 * s), rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(jax.jvp(activation, (X,), (np.ones_like(X),))[1], s, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("activation", [softplus, shifted_softplus])
def test_activations_keep_double_precision(activation):
    with jax.enable_x64(True):
        x = np.linspace(-30.0, 30.0, 61)
        offset = np.log(2.0) if activation is shifted_softplus else 0.0
        np.testing.assert_allclose(activation(x), np.logaddexp(x, 0.0) - offset, rtol=1e-14, atol=3e-16)
