"""Relaxed crystals and the variables they are made of.

A relaxed crystal is a mixture of fillings on each group of sites (a softmax of logits) and amplitudes
of deformations, each within `LIMIT`. A real crystal is the corner of the simplex.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.design.crystals.space import CrystalSpace
from mlmat.typing import Key

LIMIT = 0.05
"""Largest amplitude of a deformation: strain, or displacement in lattice constants."""

QUANTUM = 0.002
"""Step in which amplitudes of real crystals are counted."""

SPREAD = 1.0
"""Standard deviation of the logits of a start."""

CLOSED = -1e9
"""Logit of what is no filling."""


class CrystalVariables(NamedTuple):
    """Free variables of one start.

    Attributes:
        logits: ``[G, F]``.
        modes: ``[m]`` before they are bounded.
    """

    logits: jax.Array
    modes: jax.Array


class SoftCrystal(NamedTuple):
    """A crystal between crystals.

    Attributes:
        weights: ``[G, F]`` each row on a simplex.
        modes: ``[m]`` amplitudes of the deformations.
    """

    weights: jax.Array
    modes: jax.Array


def open_fillings(space: CrystalSpace) -> np.ndarray:
    """``[G, F]`` True for the fillings of each group, False for padding."""
    counts = [len(group) for group in space.fillings]
    return np.arange(max(counts)) < np.array(counts)[:, None]


def init_variables(key: Key, groups: tuple[int, int], modes: int) -> CrystalVariables:
    """Gaussian noise on the logits of ``groups = (G, F)``, no deformation."""
    return CrystalVariables(SPREAD * jax.random.normal(key, groups), jnp.zeros(modes))


def decode_variables(x: CrystalVariables, sharpness: jax.Array, opened: np.ndarray) -> SoftCrystal:
    """Variables → relaxed crystal: softmax(sharpness · logits), amplitudes by a hyperbolic tangent."""
    weights = jax.nn.softmax(jnp.where(opened, sharpness * x.logits, CLOSED), axis=-1)
    return SoftCrystal(weights, LIMIT * jnp.tanh(x.modes / LIMIT))


def corner(space: CrystalSpace, member: tuple[int, ...], amplitudes: tuple[int, ...] = ()) -> SoftCrystal:
    """The real crystal as a relaxed one.

    Args:
        space: of the member.
        member: number of each group's filling.
        amplitudes: of the deformations, in `QUANTUM`.
    """
    width = max(len(group) for group in space.fillings)
    weights = np.eye(width, dtype=np.float32)[list(member)]
    return SoftCrystal(weights, QUANTUM * np.array(amplitudes, np.float32))


def full_name(space: CrystalSpace, member: tuple[int, ...], amplitudes: tuple[int, ...] = ()) -> str:
    """``"Ca/Ti/O3"``; with deformations ``"Ca/Ti/O3@-3,0"``, amplitudes in `QUANTUM`."""
    name = space.name(member)
    return f"{name}@{','.join(map(str, amplitudes))}" if any(amplitudes) else name


def parse_name(space: CrystalSpace, name: str, modes: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Member and amplitudes of a `full_name`.

    Raises:
        InputError: no member of the space.
    """
    head, _, tail = name.partition("@")
    amplitudes = tuple(map(int, tail.split(","))) if tail else (0,) * modes
    return space.parse(head), amplitudes


def amplitudes_of(modes: np.ndarray) -> tuple[int, ...]:
    """Amplitudes in whole `QUANTUM`."""
    return tuple(np.rint(np.asarray(modes, float) / QUANTUM).astype(int).tolist())
