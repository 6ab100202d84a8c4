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

ROWS, COLUMNS = 200, 128
"""Of a tile: in float64 its running sum and a step's columns stay in the second-level cache, and the
columns in the first (measured)."""

UNROLLED = 24
"""Features per step of the loop: enough that the running sum stays in registers (measured: fewer than
16 take four times as long)."""


def _summed(term: Callable, x: jax.Array, y: jax.Array) -> jax.Array:
    """Σ_d term(x_nd, y_md), ``[N, M]``, feature by feature over tiles of the matrix."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    if not (len(x) and len(y)):
        return jnp.zeros((len(x), len(y)), jnp.result_type(x, y))
    unrolled = max(1, min(UNROLLED, x.shape[1]))
    left, right = _tiles(x, ROWS, unrolled), _tiles(y, COLUMNS, unrolled)

    # Recomputed for the derivative, so that no array of [N, M, D] is ever kept for it.
    @jax.checkpoint
    def some_features(a, b):
        return sum(term(a[k][:, None], b[k][None, :]) for k in range(unrolled))

    def tile(place):
        rows, columns = left[place // len(right)], right[place % len(right)]
        start = jnp.zeros((rows.shape[-1], columns.shape[-1]), jnp.result_type(x, y))
        return jax.lax.scan(lambda total, ab: (total + some_features(*ab), None), start, (rows, columns))[0]

    tiles = jax.lax.map(tile, jnp.arange(len(left) * len(right)))
    tiles = tiles.reshape(len(left), len(right), left.shape[-1], right.shape[-1])
    whole = tiles.transpose(0, 2, 1, 3).reshape(len(left) * left.shape[-1], -1)
    return whole[: len(x), : len(y)]


def _tiles(x: jax.Array, rows: int, unrolled: int) -> jax.Array:
    """``[N, D]`` → ``[tiles, steps, unrolled, rows]``, filled up with zeros; `rows` at most."""
    count, size = x.shape
    tiles = -(-count // rows)
    # Several tiles share the rows evenly, whole vectors of eight numbers each: little is filling.
    rows = count if tiles == 1 else 8 * -(-count // (8 * tiles))
    filled = jnp.pad(x, ((0, -count % rows), (0, -size % unrolled)))
    steps = filled.shape[1] // unrolled
    return filled.reshape(-1, rows, steps, unrolled).transpose(0, 2, 3, 1)


@jax.jit
def l1_distances(x: jax.Array, y: jax.Array) -> jax.Array:
    """Σ_d |x_nd − y_md|: ``[N, D]``, ``[M, D]`` → ``[N, M]``; in float32 exact near zero.

    In float64 as 2 Σ max(x, y) − Σ x − Σ y, two operations for a feature instead of three, which
    is rounded by about ε Σ |x − ȳ|, ȳ the mean of `y`.
    """
    return _l1(jnp.asarray(x), jnp.asarray(y))


@jax.custom_jvp
def _l1(x: jax.Array, y: jax.Array) -> jax.Array:
    if jnp.result_type(x, y) != jnp.float64:
        return _l1_direct(x, y)
    centre = y.mean(axis=0)
    x, y = x - centre, y - centre
    # Not jnp.maximum, whose care for NaN costs the third operation again.
    larger = _summed(lambda a, b: jnp.where(a > b, a, b), x, y)
    return jnp.maximum(2 * larger - x.sum(1)[:, None] - y.sum(1), 0.0)


@_l1.defjvp
def _l1_jvp(primals, tangents):
    return _l1(*primals), jax.jvp(_l1_direct, primals, tangents)[1]


def _l1_direct(x: jax.Array, y: jax.Array) -> jax.Array:
    return _summed(lambda a, b: jnp.abs(a - b), x, y)


@jax.jit
def l2_distances(x: jax.Array, y: jax.Array) -> jax.Array:
    """Euclidean distances ``[N, M]``, exact near zero; derivative 0 where rows are equal."""
    squared = _summed(lambda a, b: jnp.square(a - b), x, y)
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
