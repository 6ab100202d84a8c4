import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.nn.radial import cosine_cutoff, gaussian_basis, safe_norm


def test_norm_and_its_gradient():
    vectors = np.array([[3.0, 0.0, 4.0], [0.0, 0.0, 0.0], [1e-3, 0.0, 0.0]], np.float32)
    np.testing.assert_allclose(safe_norm(vectors), [5.0, 0.0, 1e-3], rtol=1e-6)
    gradient = jax.grad(lambda v: safe_norm(v).sum())(vectors)
    np.testing.assert_allclose(gradient, [[0.6, 0, 0.8], [0, 0, 0], [1, 0, 0]], atol=1e-6)
    assert np.isfinite(jax.jit(jax.hessian(lambda v: safe_norm(v).sum()))(vectors)).all()


def test_gaussians_peak_at_their_centres():
    centres = np.linspace(0.0, 5.0, 11, dtype=np.float32)
    basis = np.asarray(gaussian_basis(centres, 11, 5.0))
    np.testing.assert_allclose(np.diag(basis), 1.0, rtol=1e-6)
    # One spacing away is one standard deviation away.
    np.testing.assert_allclose(np.diag(basis, 1), np.exp(-0.5), rtol=1e-4)
    with pytest.raises(InputError, match="at least 2"):
        gaussian_basis(centres, 1, 5.0)


def test_cutoff_is_smooth_and_ends():
    values = cosine_cutoff(jnp.array([0.0, 2.5, 5.0, 7.0, 10.0]), 5.0)
    np.testing.assert_allclose(values, [1.0, 0.5, 0.0, 0.0, 0.0], atol=1e-6)
    slope = jax.vmap(jax.grad(lambda d: cosine_cutoff(d, 5.0)))(jnp.array([0.0, 2.5, 4.9999, 6.0]))
    np.testing.assert_allclose(slope, [0.0, -np.pi / 10, 0.0, 0.0], atol=1e-4)
