"""Gaussian process regression: kernel ridge with an error bar, and hyperparameters by gradient.

C. E. Rasmussen and C. K. I. Williams, *Gaussian Processes for Machine Learning* (2006). The
prior of a target is  y ~ N(ȳ, s² (K + λ1)),  so λ is the noise relative to the signal, and
s² = (y − ȳ)ᵀ (K + λ1)⁻¹ (y − ȳ) / N  maximises the likelihood in closed form. Then

    mean(x) = ȳ + kᵀ (K + λ1)⁻¹ (y − ȳ)                          eq. 2.25
    var(x)  = s² (k(x, x) − kᵀ (K + λ1)⁻¹ k)                     eq. 2.26
    ln p    = −½ N (ln 2π s² + 1) − ½ ln det(K + λ1)             eq. 2.30 at the best s²
    yᵢ − ŷ₋ᵢ = αᵢ / [(K + λ1)⁻¹]ᵢᵢ                               eq. 5.12, leave one out

Several targets share kernel and factor; each has its own mean and s².
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize

from mlmat.errors import InputError
from mlmat.learners.cholesky import factorise, solve
from mlmat.learners.gram import gram
from mlmat.learners.kernels import apply_profile, distances_for
from mlmat.typing import Array

LOG_REGULARISATION = (np.log(1e-12), np.log(10.0))
"""Bounds of ln λ while fitting."""

WIDER = 1e3
"""How far from its start the width may go."""


class GaussianProcessState(NamedTuple):
    """A fit: what `predict` needs; all in float64.

    Attributes:
        x: ``[N, D]`` training descriptors.
        weights: ``[N, P]`` (K + λ1)⁻¹ (y − ȳ).
        mean: ``[P]`` ȳ.
        amplitude: ``[P]`` s, in the unit of the target.
        upper: ``[N, N]`` U of K + λ1 = Uᵀ U.
        regularisation: λ.
    """

    x: Array
    weights: Array
    mean: Array
    amplitude: Array
    upper: Array
    regularisation: float


def fit(x: np.ndarray, y: np.ndarray, *, kernel: Callable, regularisation: float) -> GaussianProcessState:
    """Fit with given hyperparameters.

    Args:
        x: ``[N, D]`` descriptors.
        y: ``[N, P]`` targets.
        kernel: ``k(x, y)``, e.g. `mlmat.learners.kernels.kernel`.
        regularisation: λ, noise variance relative to the signal's.

    Raises:
        InputError: targets not ``[N, P]``, or a kernel matrix too ill-conditioned for this λ.
    """
    x, y = np.asarray(x), np.asarray(y, np.float64)
    if y.ndim != 2 or len(y) != len(x):
        raise InputError(f"{len(x)} items need targets [{len(x)}, P], not {y.shape}: reshape them")
    mean = y.mean(axis=0)
    factor = factorise(gram(kernel, x), regularisation, overwrite=True)
    weights = solve(factor, y - mean)
    amplitude = np.sqrt(((y - mean) * weights).mean(axis=0))
    return GaussianProcessState(x, weights, mean, amplitude, np.triu(factor.upper), regularisation)


def predict(
    state: GaussianProcessState, x: jax.Array, *, kernel: Callable, noise: bool = False
) -> tuple[jax.Array, jax.Array]:
    """Mean and standard deviation, each ``[M, P]``, for ``[M, D]``; differentiable in `x`.

    Call it inside ``jax.enable_x64(True)``: in float32 the variance drowns in rounding.

    Args:
        state: from `fit`.
        x: descriptors.
        kernel: as in `fit`.
        noise: whether the deviation is that of a new measurement (λ added) or of the function.
    """
    towards = kernel(x, jnp.asarray(state.x))
    mean = towards @ jnp.asarray(state.weights) + state.mean
    half = solve_triangular(jnp.asarray(state.upper), towards.T, trans=1, lower=False)
    here = jax.vmap(lambda one: kernel(one[None], one[None])[0, 0])(x)
    variance = here - (half**2).sum(axis=0) + (state.regularisation if noise else 0.0)
    # Rounding can make the variance at a training item slightly negative.
    std = jnp.sqrt(jnp.maximum(variance, jnp.finfo(variance.dtype).eps))
    return mean, std[:, None] * state.amplitude


def log_likelihood(
    distances: jax.Array, y: jax.Array, profile: str, width: Array, regularisation: Array
) -> jax.Array:
    """Log marginal likelihood at the best s², summed over targets; NaN if ill-conditioned.

    Args:
        distances: ``[N, N]`` of the training set, as `distances_for` the profile measures them.
        y: ``[N, P]`` targets.
        profile: of the kernel.
        width: σ.
        regularisation: λ.
    """
    lower, weights, centred = _solved(distances, y, profile, width, regularisation)
    variance = (centred * weights).mean(axis=0)
    log_determinant = 2 * jnp.log(jnp.diagonal(lower)).sum()
    return (-0.5 * len(y) * (jnp.log(2 * jnp.pi * variance) + 1) - 0.5 * log_determinant).sum()


def leave_one_out(
    distances: jax.Array, y: jax.Array, profile: str, width: Array, regularisation: Array
) -> jax.Array:
    """Residuals ``[N, P]`` of each item when it is left out of the fit (but not of ȳ), without refits.

    Arguments as of `log_likelihood`.
    """
    lower, weights, _ = _solved(distances, y, profile, width, regularisation)
    inverse = cho_solve((lower, True), jnp.eye(len(y), dtype=lower.dtype))
    return weights / jnp.diagonal(inverse)[:, None]


def _solved(
    distances: jax.Array, y: jax.Array, profile: str, width: Array, regularisation: Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    centred = y - y.mean(axis=0)
    matrix = apply_profile(profile, distances, width) + regularisation * jnp.eye(len(y))
    lower = jnp.linalg.cholesky(matrix)
    return lower, cho_solve((lower, True), centred), centred


@partial(jax.jit, static_argnames=("profile", "objective"))
def _cost(
    logs: jax.Array, distances: jax.Array, y: jax.Array, profile: str, objective: str
) -> tuple[jax.Array, jax.Array]:
    def cost(logs):
        width, regularisation = jnp.exp(logs)
        if objective == "likelihood":
            return -log_likelihood(distances, y, profile, width, regularisation) / y.size
        residuals = leave_one_out(distances, y, profile, width, regularisation)
        # The logarithm, so that targets of any unit and spread count alike.
        return jnp.log((residuals**2).mean(axis=0)).mean()

    return jax.value_and_grad(cost)(logs)


class Optimum(NamedTuple):
    """Hyperparameters found by gradient.

    Attributes:
        width: σ.
        regularisation: λ.
        cost: −ln p per value, or the mean log of the squared leave-one-out error.
        evaluations: of cost and gradient.
    """

    width: float
    regularisation: float
    cost: float
    evaluations: int


def optimise(
    x: np.ndarray,
    y: np.ndarray,
    *,
    profile: str,
    metric: str,
    width: float,
    regularisation: float,
    objective: str = "likelihood",
    evaluations: int = 60,
) -> Optimum:
    """Find σ and λ by the gradient (L-BFGS in ln σ, ln λ) of one of two objectives.

    An evaluation takes a few Cholesky factorisations of ``[N, N]``: give a random part of a large
    training set, 500 to 2,000 items.

    Args:
        x: ``[N, D]`` descriptors.
        y: ``[N, P]`` targets.
        profile: of the kernel.
        metric: of the kernel.
        width: where σ starts.
        regularisation: where λ starts.
        objective: ``"likelihood"`` or ``"leave-one-out"``.
        evaluations: most evaluations.

    Raises:
        InputError: an unknown objective or kernel, or a start where the kernel matrix is
            ill-conditioned.
    """
    if objective not in ("likelihood", "leave-one-out"):
        raise InputError(f"unknown objective {objective!r}: choose likelihood or leave-one-out")
    distances = gram(distances_for(profile, metric), x)
    y = np.asarray(y, np.float64).reshape(len(distances), -1)

    def cost(logs: np.ndarray) -> tuple[float, np.ndarray]:
        with jax.enable_x64(True):
            value, slope = _cost(jnp.asarray(logs), distances, y, profile, objective)
            value, slope = float(value), np.asarray(slope)
        # A finite wall where the factorisation fails turns the line search back.
        return (value, slope) if np.isfinite(value) and np.isfinite(slope).all() else (1e10, np.zeros(2))

    start = np.log([width, regularisation])
    if cost(start)[0] == 1e10:
        raise InputError(
            f"the kernel matrix is ill-conditioned at width {width:g}, regularisation {regularisation:g}: "
            "start from a larger regularisation"
        )
    bounds = [tuple(start[0] + np.log(WIDER) * np.array([-1, 1])), LOG_REGULARISATION]
    found = minimize(cost, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxfun": evaluations})
    width, regularisation = np.exp(found.x)
    return Optimum(float(width), float(regularisation), float(found.fun), int(found.nfev))
