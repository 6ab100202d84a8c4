"""Minimisers that work on many structures at once, each with its own step: FIRE and L-BFGS.

A point is a pair of arrays, positions ``[n, 3]`` of all atoms and cell variables
``[g, 3, 3]``; sums run over the atoms of each structure, so no structure feels another.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from mlmat.graphs.segment import segment_sum

MOST = 0.2
"""Å; no atom moves further in a step."""


class Point(NamedTuple):
    """Positions and cell variables, or changes or gradients of them.

    Attributes:
        atoms: ``[n, 3]``.
        cells: ``[g, 3, 3]``.
    """

    atoms: jax.Array
    cells: jax.Array


class Minimiser(NamedTuple):
    """Pair of pure functions.

    Attributes:
        init: ``init(point) → state``.
        step: ``step(state, point, gradient) → (state, change)``.
    """

    init: Callable[[Point], Any]
    step: Callable[[Any, Point, Point], tuple[Any, Point]]


def dot(a: Point, b: Point, owner: jax.Array) -> jax.Array:
    """Inner product of each structure, ``[g]``."""
    atoms = (a.atoms * b.atoms).sum(axis=1)
    count = a.cells.shape[0]
    return segment_sum(atoms, owner, count, indices_are_sorted=True) + (a.cells * b.cells).sum(axis=(1, 2))


def scale(factors: jax.Array, a: Point, owner: jax.Array) -> Point:
    """Each structure times its factor, ``[g]``."""
    return Point(factors[owner][:, None] * a.atoms, factors[:, None, None] * a.cells)


def add(a: Point, b: Point) -> Point:
    """Sum."""
    return Point(a.atoms + b.atoms, a.cells + b.cells)


def limited(change: Point, owner: jax.Array) -> Point:
    """The change, shortened for structures where a row of it is longer than `MOST`."""
    longest = jax.ops.segment_max(
        jnp.linalg.norm(change.atoms, axis=1), owner, change.cells.shape[0], indices_are_sorted=True
    )
    longest = jnp.maximum(longest, jnp.linalg.norm(change.cells, axis=2).max(axis=1))
    return scale(jnp.minimum(1.0, MOST / jnp.maximum(longest, 1e-12)), change, owner)


class FireState(NamedTuple):
    """Velocities, and step, mixing and steps downhill of each structure."""

    velocity: Point
    step: jax.Array
    mixing: jax.Array
    downhill: jax.Array


def fire(owner: jax.Array, first_step: float = 0.1, largest_step: float = 1.0) -> Minimiser:
    """Fast inertial relaxation engine; E. Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006).

    Velocities turn towards the force, F·v > 0: v ← (1 − α) v + α |v| F/|F|, and stop when it is
    uphill; the step grows by 1.1 after five steps downhill and halves uphill.

    Args:
        owner: ``[n]`` structure of each atom.
        first_step: Å sqrt(u/eV) with all masses 1 u.
        largest_step: likewise.
    """

    def init(point: Point) -> FireState:
        each = jnp.ones(point.cells.shape[0], point.atoms.dtype)
        still = jax.tree.map(jnp.zeros_like, point)
        return FireState(still, first_step * each, 0.1 * each, jnp.zeros(each.shape, jnp.int32))

    def step(state: FireState, point: Point, gradient: Point) -> tuple[FireState, Point]:
        force = jax.tree.map(jnp.negative, gradient)
        velocity = state.velocity
        down = dot(force, velocity, owner) > 0
        speed = jnp.sqrt(dot(velocity, velocity, owner))
        strength = jnp.sqrt(jnp.maximum(dot(force, force, owner), 1e-30))
        turned = add(
            scale(1.0 - state.mixing, velocity, owner), scale(state.mixing * speed / strength, force, owner)
        )
        velocity = scale(down.astype(speed.dtype), turned, owner)
        long_enough = down & (state.downhill > 5)
        grown = jnp.minimum(1.1 * state.step, largest_step)
        time = jnp.where(down, jnp.where(long_enough, grown, state.step), 0.5 * state.step)
        mixing = jnp.where(down, jnp.where(long_enough, 0.99 * state.mixing, state.mixing), 0.1)
        velocity = add(velocity, scale(time, force, owner))
        downhill = jnp.where(down, state.downhill + 1, 0)
        return FireState(velocity, time, mixing, downhill), limited(scale(time, velocity, owner), owner)

    return Minimiser(init, step)


class LbfgsState(NamedTuple):
    """Last point and gradient, and the recent changes of both, newest last."""

    point: Point
    gradient: Point
    changes: Point
    responses: Point
    inverses: jax.Array


def lbfgs(owner: jax.Array, memory: int = 20, curvature: float = 70.0) -> Minimiser:
    """Limited-memory BFGS without line search; D. C. Liu, J. Nocedal, Math. Program. 45, 503 (1989).

    A pair of changes without positive curvature is left out, as is that before the first step
    (no change at all), and steps are limited in length.

    Args:
        owner: ``[n]`` structure of each atom.
        memory: pairs of changes that are kept.
        curvature: eV/Å² of the first guess.
    """

    def init(point: Point) -> LbfgsState:
        none = jax.tree.map(jnp.zeros_like, point)
        past = jax.tree.map(lambda leaf: jnp.zeros((memory, *leaf.shape), leaf.dtype), point)
        return LbfgsState(
            point, none, past, past, jnp.zeros((memory, point.cells.shape[0]), point.atoms.dtype)
        )

    def step(state: LbfgsState, point: Point, gradient: Point) -> tuple[LbfgsState, Point]:
        changed = jax.tree.map(jnp.subtract, point, state.point)
        response = jax.tree.map(jnp.subtract, gradient, state.gradient)
        product = dot(changed, response, owner)
        squared = dot(response, response, owner)
        inverse = jnp.where(product > 1e-12 * squared, 1.0 / jnp.where(product > 0, product, 1.0), 0.0)

        def remember(past: jax.Array, new: jax.Array) -> jax.Array:
            return jnp.concatenate([past[1:], new[None]])

        changes = jax.tree.map(remember, state.changes, changed)
        responses = jax.tree.map(remember, state.responses, response)
        inverses = remember(state.inverses, inverse)

        def backward(direction: Point, item: Any) -> tuple[Point, jax.Array]:
            s, y, rho = item
            weight = rho * dot(s, direction, owner)
            return add(direction, scale(-weight, y, owner)), weight

        def forward(direction: Point, item: Any) -> tuple[Point, None]:
            s, y, rho, weight = item
            return add(direction, scale(weight - rho * dot(y, direction, owner), s, owner)), None

        past = (changes, responses, inverses)
        direction, weights = jax.lax.scan(backward, gradient, past, reverse=True)
        stiffness = jnp.where(inverse > 0, squared * inverse, curvature)
        direction = scale(1.0 / jnp.maximum(stiffness, 1.0), direction, owner)
        direction, _ = jax.lax.scan(forward, direction, (*past, weights))
        change = limited(jax.tree.map(jnp.negative, direction), owner)
        return LbfgsState(point, gradient, changes, responses, inverses), change

    return Minimiser(init, step)


MINIMISERS = {"fire": fire, "lbfgs": lbfgs}
"""Name → maker."""
