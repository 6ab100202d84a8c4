"""Kernel ridge regression: the closed-form learner every network has to beat.

α = (K + λ 1)⁻¹ (y − ȳ),  f(x) = ȳ + Σ_i α_i k(x, x_i).  The Cholesky solve is in
float64. Kernels are pure functions ``k(x [N, D], y [M, D]) → [N, M]``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.errors import InputError
from mlmat.metrics import mae


class KernelRidgeState(NamedTuple):
    """A fit: what `predict` needs.

    Attributes:
        x: ``[N, D]`` training descriptors.
        weights: ``[N]`` dual coefficients α.
        mean: training mean of the target.
    """

    x: jax.Array
    weights: jax.Array
    mean: jax.Array


@jax.jit
def tanimoto_kernel(x: jax.Array, y: jax.Array) -> jax.Array:
    """Tanimoto (min-max) kernel of counts: Σ min(x, y) / Σ max(x, y).

    L. Ralaivola et al., Neural Networks 18, 1093 (2005), eq. 5.

    Args:
        x: ``[N, D]`` non-negative counts.
        y: ``[M, D]``.

    Returns:
        ``[N, M]``; 1 for equal rows.
    """
    sum_x, sum_y = x.sum(axis=1), y.sum(axis=1)

    def row(one, total):
        common = jnp.minimum(one, y).sum(axis=1)
        return common / jnp.maximum(total + sum_y - common, 1e-12)

    return jax.lax.map(lambda pair: row(*pair), (x, sum_x), batch_size=16)


def tanimoto_counts(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """`tanimoto_kernel` of whole-numbered counts, as matrix products: the fast way to fit.

    Σ min(x, y) = Σ_k [x ≥ k] · [y ≥ k], and few features reach a high count k, so each
    product runs over the columns that do. Not differentiable; same values.

    Raises:
        InputError: counts that are not whole numbers.
    """
    x, y = np.asarray(x, np.float32), np.asarray(y, np.float32)
    if (x % 1).any() or (y % 1).any():
        raise InputError(
            "tanimoto_counts needs whole-numbered counts: use tanimoto_kernel for other features"
        )
    common = np.zeros((len(x), len(y)), np.float32)
    for level in range(1, int(min(x.max(initial=0), y.max(initial=0))) + 1):
        columns = (x >= level).any(axis=0) & (y >= level).any(axis=0)
        common += (x[:, columns] >= level).astype(np.float32) @ (y[:, columns] >= level).astype(np.float32).T
    return common / np.maximum(x.sum(axis=1)[:, None] + y.sum(axis=1) - common, 1e-12)


def fit(x: jax.Array, y: jax.Array, *, kernel: Callable, regularisation: float) -> KernelRidgeState:
    """Fit kernel ridge regression.

    Args:
        x: ``[N, D]`` descriptors.
        y: ``[N]`` targets.
        kernel: ``k(x, y)``.
        regularisation: λ, added to the diagonal of the kernel matrix.

    Raises:
        InputError: the kernel matrix is too ill-conditioned for this λ.
    """
    weights, mean = _solve(np.asarray(kernel(x, x), np.float64), np.asarray(y, np.float64), regularisation)
    return KernelRidgeState(jnp.asarray(x), jnp.asarray(weights, jnp.float32), jnp.asarray(mean, jnp.float32))


def _solve(matrix: np.ndarray, y: np.ndarray, regularisation: float) -> tuple[np.ndarray, float]:
    mean = float(y.mean())
    with jax.enable_x64(True):
        lifted = jnp.asarray(matrix) + regularisation * jnp.eye(len(y))
        weights = np.asarray(
            jax.scipy.linalg.cho_solve((jnp.linalg.cholesky(lifted), True), jnp.asarray(y - mean))
        )
    if not np.isfinite(weights).all():
        raise InputError(
            f"the kernel matrix is ill-conditioned at regularisation {regularisation:g}: raise it"
        )
    return weights, mean


def predict(state: KernelRidgeState, x: jax.Array, *, kernel: Callable) -> jax.Array:
    """Predict ``[N]`` for descriptors ``[N, D]``; differentiable in `x`."""
    return kernel(x, state.x) @ state.weights + state.mean


def tune(
    x: jax.Array,
    y: np.ndarray,
    x_validation: jax.Array,
    y_validation: np.ndarray,
    *,
    kernel: Callable,
    regularisations: Sequence[float],
) -> tuple[float, dict[float, float]]:
    """Choose λ on a validation set; the kernel matrices are computed once.

    Returns:
        The best λ and the validation MAE of each.
    """
    matrix = np.asarray(kernel(x, x), np.float64)
    cross = np.asarray(kernel(x_validation, x), np.float64)
    errors = {}
    for regularisation in regularisations:
        weights, mean = _solve(matrix, np.asarray(y, np.float64), regularisation)
        errors[regularisation] = mae(cross @ weights + mean, y_validation)
    return min(errors, key=errors.get), errors
