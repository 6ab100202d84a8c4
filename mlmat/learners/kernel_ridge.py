"""Kernel ridge regression: the closed-form learner every network has to beat.

α = (K + λ 1)⁻¹ (y − ȳ),  f(x) = ȳ + Σ_i α_i k(x, x_i).  The Cholesky solve is in
float64. Kernels are pure functions ``k(x [N, D], y [M, D]) → [N, M]``: those of this file,
or `mlmat.learners.kernels.kernel`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.errors import InputError
from mlmat.learners.cholesky import factorise, solve
from mlmat.learners.gram import cross, gram
from mlmat.metrics import mae
from mlmat.typing import Array


class KernelRidgeState(NamedTuple):
    """A fit: what `predict` needs.

    Attributes:
        x: ``[N, D]`` training descriptors.
        weights: ``[N]`` or ``[N, P]`` dual coefficients α, float64.
        mean: training mean of each target, float64.
    """

    x: Array
    weights: Array
    mean: Array


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


def fit(x: Array, y: np.ndarray, *, kernel: Callable, regularisation: float) -> KernelRidgeState:
    """Fit kernel ridge regression.

    Args:
        x: ``[N, D]`` descriptors; the kernel is computed in their precision.
        y: ``[N]`` targets, or ``[N, P]``: several share one factorisation.
        kernel: ``k(x, y)``.
        regularisation: λ, added to the diagonal of the kernel matrix.

    Raises:
        InputError: the kernel matrix is too ill-conditioned for this λ.
    """
    x, y = np.asarray(x), np.asarray(y, np.float64)
    mean = y.mean(axis=0)
    factor = factorise(gram(kernel, x), regularisation, overwrite=True)
    return KernelRidgeState(x, solve(factor, y - mean), mean)


def predict(state: KernelRidgeState, x: jax.Array, *, kernel: Callable) -> jax.Array:
    """Predict ``[N]`` or ``[N, P]`` for descriptors ``[N, D]``; differentiable in `x`.

    In the precision of `x`. Weights of a small λ are large and cancel: then take float64
    descriptors, inside ``jax.enable_x64(True)``.
    """
    matrix = kernel(x, jnp.asarray(state.x))
    return matrix @ jnp.asarray(state.weights, matrix.dtype) + jnp.asarray(state.mean, matrix.dtype)


def predict_stream(
    state: KernelRidgeState, x: np.ndarray, *, kernel: Callable, rows: int = 2000
) -> np.ndarray:
    """`predict` of many on the host, in float64, so many rows at a time."""
    parts = [
        cross(kernel, x[start : start + rows], state.x) @ state.weights for start in range(0, len(x), rows)
    ]
    return np.concatenate(parts) + state.mean if parts else np.zeros((0, *state.weights.shape[1:]))


def tune(
    x: Array,
    y: np.ndarray,
    x_validation: Array,
    y_validation: np.ndarray,
    *,
    kernel: Callable,
    regularisations: Sequence[float],
) -> tuple[float, dict[float, float]]:
    """Choose λ on a validation set; the kernel matrices are computed once.

    Returns:
        The best λ and the validation MAE of each.

    Raises:
        InputError: the kernel matrix is too ill-conditioned for one of the λ.
    """
    matrix, outside = gram(kernel, np.asarray(x)), cross(kernel, np.asarray(x_validation), np.asarray(x))
    y = np.asarray(y, np.float64)
    errors = {}
    for regularisation in regularisations:
        weights = solve(factorise(matrix, regularisation), y - y.mean())
        errors[regularisation] = mae(outside @ weights + y.mean(), y_validation)
    return min(errors, key=errors.get), errors
