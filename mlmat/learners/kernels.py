"""Kernels: profiles of a distance between descriptors, computed in tiles.

====================  ===========================================  =========================
profile               k(d)                                         smoothness
====================  ===========================================  =========================
``gaussian``          exp(−d² / 2σ²)                               analytic
``laplacian``         exp(−d / σ)                                  kinked at d = 0
``matern32``          (1 + √3 d/σ) exp(−√3 d/σ)                    once differentiable
``matern52``          (1 + √5 d/σ + 5d²/3σ²) exp(−√5 d/σ)          twice differentiable
``cauchy``            1 / (1 + d²/σ²)                              analytic, heavy tail
====================  ===========================================  =========================

C. E. Rasmussen and C. K. I. Williams, *Gaussian Processes for Machine Learning* (2006), ch. 4.
Each takes ``"l1"`` (Manhattan) or ``"l2"`` (Euclidean) distances. In L2 all are positive
definite; in L1 the Laplacian is, the others need not be, and the solver says so when they
fail. Differences are never held as ``[N, M, D]``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from mlmat.errors import InputError

ROWS = 50
"""Rows of a tile: with 1,000 columns in float64 it stays in the second-level cache."""

UNROLLED = 24
"""Features per step of the loop: enough that the running sum stays in registers (measured: fewer than
16 take four times as long)."""


def _summed(term: Callable, x: jax.Array, y: jax.Array) -> jax.Array:
    """Σ_d term(x_nd − y_md), ``[N, M]``, feature by feature over tiles of rows."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    count, size = x.shape
    rows, unrolled = max(1, min(ROWS, count)), max(1, min(UNROLLED, size))
    spare, loose = -count % rows, -size % unrolled
    left = jnp.pad(x, ((0, spare), (0, loose))).reshape(-1, rows, (size + loose) // unrolled, unrolled)
    right = jnp.pad(y, ((0, 0), (0, loose))).T.reshape(-1, unrolled, len(y))

    # Recomputed for the derivative, so that no array of [N, M, D] is ever kept for it.
    @jax.checkpoint
    def some_features(a, b):
        return sum(term(a[k][:, None] - b[k][None, :]) for k in range(unrolled))

    def tile(rows_of_x):
        start = jnp.zeros((rows, len(y)), jnp.result_type(x, y))
        return jax.lax.scan(lambda total, ab: (total + some_features(*ab), None), start, (rows_of_x, right))[
            0
        ]

    return jax.lax.map(tile, left.transpose(0, 2, 3, 1)).reshape(-1, len(y))[:count]


@jax.jit
def l1_distances(x: jax.Array, y: jax.Array) -> jax.Array:
    """Σ_d |x_nd − y_md|: ``[N, D]``, ``[M, D]`` → ``[N, M]``."""
    return _summed(jnp.abs, x, y)


@jax.jit
def l2_distances(x: jax.Array, y: jax.Array) -> jax.Array:
    """Euclidean distances ``[N, M]``, exact near zero; derivative 0 where rows are equal."""
    squared = _summed(jnp.square, x, y)
    apart = squared > 0
    return jnp.where(apart, jnp.sqrt(jnp.where(apart, squared, 1.0)), 0.0)


@jax.jit
def squared_distances(x: jax.Array, y: jax.Array) -> jax.Array:
    """Squared Euclidean distances ``[N, M]`` by one matrix product: fast, and rounded near zero.

    The rounding is about ε |x − ȳ|², ȳ the mean of `y`: nothing to a Gaussian, but its root would
    matter to a kernel with a kink, for which there is `l2_distances`.
    """
    centre = jax.lax.stop_gradient(y.mean(axis=0))
    x, y = x - centre, y - centre
    product = jnp.matmul(x, y.T, precision="highest")
    return jnp.maximum((x**2).sum(1)[:, None] + (y**2).sum(1) - 2 * product, 0.0)


def _gaussian(squared: jax.Array, width: float) -> jax.Array:
    return jnp.exp(squared / (-2 * width**2))


def _cauchy(squared: jax.Array, width: float) -> jax.Array:
    return 1 / (1 + squared / width**2)


def _laplacian(distance: jax.Array, width: float) -> jax.Array:
    return jnp.exp(-distance / width)


def _matern32(distance: jax.Array, width: float) -> jax.Array:
    scaled = 3**0.5 * distance / width
    return (1 + scaled) * jnp.exp(-scaled)


def _matern52(distance: jax.Array, width: float) -> jax.Array:
    scaled = 5**0.5 * distance / width
    return (1 + scaled + scaled**2 / 3) * jnp.exp(-scaled)


OF_SQUARE = {"gaussian": _gaussian, "cauchy": _cauchy}
OF_DISTANCE = {"laplacian": _laplacian, "matern32": _matern32, "matern52": _matern52}
PROFILES = (*OF_SQUARE, *OF_DISTANCE)


def distances_for(profile: str, metric: str) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """The function of two descriptors that a profile is a function of: d, or d² where that is exact.

    Raises:
        InputError: unknown profile or metric.
    """
    if profile not in PROFILES or metric not in ("l1", "l2"):
        raise InputError(
            f"no kernel {profile!r} of {metric!r}: choose of {', '.join(PROFILES)} and of l1, l2"
        )
    if metric == "l1":
        return l1_distances if profile in OF_DISTANCE else _l1_squared
    return l2_distances if profile in OF_DISTANCE else squared_distances


@jax.jit
def _l1_squared(x: jax.Array, y: jax.Array) -> jax.Array:
    return l1_distances(x, y) ** 2


@partial(jax.jit, static_argnames="profile")
def apply_profile(profile: str, distances: jax.Array, width: float) -> jax.Array:
    """The kernel of what `distances_for` of that profile measured; differentiable in the width.

    For grids: the distances are measured once, and this is cheap.
    """
    return (OF_SQUARE | OF_DISTANCE)[profile](distances, width)


class ProfiledKernel(NamedTuple):
    """``k(x [N, D], y [M, D]) → [N, M]``: a profile of a distance; differentiable in both.

    Attributes:
        profile: one of `PROFILES`.
        distances: what `distances_for` gives for it.
        width: σ, in the unit of the distance.
    """

    profile: str
    distances: Callable[[jax.Array, jax.Array], jax.Array]
    width: float

    def __call__(self, x: jax.Array, y: jax.Array) -> jax.Array:
        """The kernel matrix."""
        return apply_profile(self.profile, self.distances(x, y), self.width)


def kernel(profile: str, metric: str, width: float) -> ProfiledKernel:
    """A kernel ``k(x [N, D], y [M, D]) → [N, M]``, differentiable in both.

    Args:
        profile: one of `PROFILES`.
        metric: ``"l1"`` or ``"l2"``.
        width: σ, in the unit of the distance.

    Raises:
        InputError: unknown profile or metric, or a width that is not positive.
    """
    distances = distances_for(profile, metric)
    if not isinstance(width, jax.core.Tracer) and not width > 0:
        raise InputError(f"a kernel needs a positive width, not {width}")
    return ProfiledKernel(profile, distances, width)
