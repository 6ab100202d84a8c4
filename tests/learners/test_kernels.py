"""Kernels against loops in NumPy, their derivatives, and the blocked kernel matrices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.learners import kernels
from mlmat.learners.gram import compiled_wide, cross, gram

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(53, 47)), RNG.normal(size=(7, 47))
PROFILES = {
    "gaussian": lambda d, s: np.exp(-(d**2) / (2 * s**2)),
    "laplacian": lambda d, s: np.exp(-d / s),
    "matern32": lambda d, s: (1 + np.sqrt(3) * d / s) * np.exp(-np.sqrt(3) * d / s),
    "matern52": lambda d, s: (1 + np.sqrt(5) * d / s + 5 * d**2 / (3 * s**2)) * np.exp(-np.sqrt(5) * d / s),
    "cauchy": lambda d, s: 1 / (1 + d**2 / s**2),
}


def distances(x, y, metric):
    difference = x[:, None] - y[None]
    return np.abs(difference).sum(-1) if metric == "l1" else np.linalg.norm(difference, axis=-1)


@pytest.mark.parametrize("metric", ["l1", "l2"])
@pytest.mark.parametrize("profile", kernels.PROFILES)
def test_kernels_are_the_formulas(profile, metric):
    """53 rows and 47 features: neither fills its tiles."""
    expected = PROFILES[profile](distances(X, Y, metric), 9.0)
    with jax.enable_x64(True):
        np.testing.assert_allclose(kernels.kernel(profile, metric, 9.0)(X, Y), expected, rtol=1e-10)


@pytest.mark.parametrize("metric", ["l1", "l2"])
@pytest.mark.parametrize("profile", ["gaussian", "laplacian", "matern52"])
def test_gradients_are_finite_differences_and_finite_for_equal_rows(profile, metric):
    with jax.enable_x64(True):
        k = kernels.kernel(profile, metric, 9.0)
        # Few features: the unrolled loop takes seconds to compile otherwise.
        y = np.concatenate([Y, X[:1]])[:, :5]

        @jax.jit
        def scalar(x):
            return (k(x, jnp.asarray(y)) ** 2).sum()

        x = jnp.asarray(X[1:4, :5])
        slopes = jax.jit(jax.grad(scalar))
        gradient = slopes(x)
        step = np.zeros((3, 5))
        step[2, 4] = 1e-5
        slope = (scalar(x + step) - scalar(x - step)) / 2e-5
        assert float(gradient[2, 4]) == pytest.approx(float(slope), rel=1e-6)
        assert np.isfinite(slopes(jnp.asarray(X[[0, 1, 0], :5]))).all()


def test_the_width_has_a_gradient():
    with jax.enable_x64(True):
        d = jnp.asarray(distances(X, Y, "l2"))
        slope = jax.grad(lambda s: kernels.apply_profile("matern32", d, s).sum())(9.0)
        expected = (PROFILES["matern32"](d, 9.001) - PROFILES["matern32"](d, 8.999)).sum() / 0.002
        assert float(slope) == pytest.approx(float(expected), rel=1e-5)


def test_blocks_make_the_whole_matrix():
    """Blocks of 20 of 53 rows: the last is partly filled."""
    k = kernels.kernel("laplacian", "l1", 9.0)
    whole = gram(k, X, block=20)
    np.testing.assert_allclose(whole, PROFILES["laplacian"](distances(X, X, "l1"), 9.0), rtol=1e-12)
    np.testing.assert_array_equal(whole, whole.T)
    np.testing.assert_allclose(cross(k, X, Y, block=20), PROFILES["laplacian"](distances(X, Y, "l1"), 9.0))
    assert whole.dtype == np.float64
    assert cross(k, X[:0], Y).shape == (0, 7)


def test_memory_of_a_gradient_does_not_grow_with_features_times_pairs():
    """The largest temporary of the compiled gradient stays far below [N, M, D]."""
    x, y = jnp.zeros((50, 800), jnp.float32), jnp.zeros((500, 800), jnp.float32)
    compiled = jax.jit(jax.grad(lambda x: kernels.l1_distances(x, y).sum())).lower(x).compile()
    analysis = compiled.memory_analysis()
    if analysis is None:
        pytest.skip("this backend does not report memory")
    assert analysis.temp_size_in_bytes < 50 * 500 * 800 * 4 / 4


def test_mistakes_are_named():
    with pytest.raises(InputError, match="laplacian"):
        kernels.kernel("exponential", "l1", 1.0)
    with pytest.raises(InputError, match="l1, l2"):
        kernels.kernel("gaussian", "l3", 1.0)
    with pytest.raises(InputError, match="positive"):
        kernels.kernel("gaussian", "l2", 0.0)


def test_blocks_of_other_widths_are_not_compiled_again():
    traces = []

    @jax.jit
    def measure(x, y):
        traces.append(x.shape)
        return kernels.l1_distances(x, y)

    found = [gram(kernels.ProfiledKernel("laplacian", measure, width), X, block=20) for width in (5.0, 9.0)]
    assert traces == [(20, 47)]
    np.testing.assert_allclose(found[1], np.exp(-distances(X, X, "l1") / 9.0), rtol=1e-12)


def test_kernels_that_are_no_programs_of_jax_stay_as_they_are():
    def dot(x, y):
        return x @ y.T

    assert compiled_wide(dot) is dot
    np.testing.assert_allclose(gram(dot, X, block=20), X @ X.T, rtol=1e-12, atol=1e-12)
