"""The installed jaxlib multiplies batches of small matrices correctly.

jaxlib 0.10.2 silently miscompiles, on the CPU, a jitted batch of 3×3 matrix-vector products that is
squared and summed: the last row of 16,385 (float64) or 32,769 (float32) comes out wrong
(https://github.com/jax-ml/jax/issues/39103). Rotations of atomic positions have this very form.
"""

import importlib.metadata

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from packaging.requirements import Requirement  # comes with pytest

MATRIX = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
"""A rotation, so that the squared length of every row has to stay what it was."""


def squared_lengths(matrix, rows):
    return jax.vmap(lambda row: jnp.sum((matrix @ row) ** 2))(rows)


@pytest.mark.parametrize(("dtype", "n"), [("float64", 16_385), ("float32", 32_769)])
def test_jit_of_batched_matrix_vector_products_agrees_with_eager_and_numpy(dtype, n):
    rows = np.random.default_rng(0).normal(size=(n, 3)) + np.arange(n)[:, None] % 97
    # An accelerator multiplies float32 with fewer bits, and is not what was miscompiled.
    with jax.default_device(jax.devices("cpu")[0]), jax.enable_x64(dtype == "float64"):
        matrix, batch = jnp.asarray(MATRIX, dtype), jnp.asarray(rows, dtype)
        assert batch.dtype == dtype
        eager = np.asarray(squared_lengths(matrix, batch))
        compiled = np.asarray(jax.jit(squared_lengths)(matrix, batch))
    exact = np.sum((rows @ MATRIX.T) ** 2, axis=1)
    tolerance = {"rtol": 1e-12 if dtype == "float64" else 2e-5, "atol": 0}
    np.testing.assert_allclose(eager, exact, **tolerance)
    np.testing.assert_allclose(compiled, exact, **tolerance)
    np.testing.assert_allclose(compiled, eager, **tolerance)


def jax_requirement():
    found = [Requirement(line) for line in importlib.metadata.requires("mlmat")]
    return next(r for r in found if r.name == "jax" and r.marker is None)


@pytest.mark.parametrize("version", ["0.7.2", "0.9.0", "0.9.0.1", "0.10.2", "0.11.0", "0.13.0"])
def test_broken_and_untested_versions_of_jax_are_excluded(version):
    assert version not in jax_requirement().specifier


@pytest.mark.parametrize("version", ["0.8.0", "0.9.1", "0.10.1", "0.11.1", "0.12.0"])
def test_good_versions_of_jax_are_allowed(version):
    assert version in jax_requirement().specifier


def test_the_installed_jax_is_an_allowed_one():
    assert jax.__version__ in jax_requirement().specifier
    assert importlib.metadata.version("jaxlib") in jax_requirement().specifier
