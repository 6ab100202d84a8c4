"""The lattice constant of a composition: atoms in contact, as Goldschmidt's spheres are.

    a = (1/K Σ_k l_k^p)^(1/p),   l_k = f_k ⟨r_i + r_j⟩_k / d_k

The contacts k of a prototype (A–X and B–X of a perovskite, say) each ask for a lattice constant l_k:
the mean of the sums of radii over the contact's length d_k in lattice constants. Tolerance factors
away from one make one of them too long; the power mean lets the longer one prevail. Radii are
covalent ones, or fitted with the factors f and the power p to the lattice constants of a training part.
Below a floor, at which two atoms are nearer than `CLOSEST` times their covalent radii, a never falls.

Everything is linear in mixtures up to the power mean and the floor, so a mixture has a lattice
constant, and a corner of the simplex that of its crystal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from mlmat.design.crystals.prototypes import Prototype, contacts, distances
from mlmat.elements import element
from mlmat.errors import InputError

POWER = 6.0
"""Of the power mean, where it is not fitted."""

CLOSEST = 0.68
"""Smallest distance, in sums of covalent radii: the smallest of 18,928 cubic perovskites is 0.679."""

STEPS, RATE = 1500, 0.03
"""Of Adam, when radii are fitted."""


class ContactLattice(NamedTuple):
    """Lattice constants of one prototype.

    Attributes:
        radii: ``[E]`` Å.
        factors: ``[K]`` of the contacts.
        power: ``[]``.
        covalent: ``[E]`` Å, for the floor.
        first: ``[c]`` sites of the contacts.
        second: ``[c]``.
        kinds: ``[c, K]`` share of each contact in its kind.
        lengths: ``[K]`` in lattice constants.
        pairs: ``[q, 2]`` sites that the floor keeps apart.
        apart: ``[q]`` their distances in lattice constants.
    """

    radii: jax.Array
    factors: jax.Array
    power: jax.Array
    covalent: jax.Array
    first: jax.Array
    second: jax.Array
    kinds: jax.Array
    lengths: jax.Array
    pairs: jax.Array
    apart: jax.Array

    def scale(self, shares: jax.Array) -> jax.Array:
        """Lattice constant ``[]`` in Å of shares of the elements on the sites ``[n, E]``."""
        radius = shares @ self.radii
        asked = self.factors * ((radius[self.first] + radius[self.second]) @ self.kinds) / self.lengths
        # Relative to the longest, so that powers do not overflow.
        longest = jax.lax.stop_gradient(asked.max())
        wanted = longest * ((asked / longest) ** self.power).mean() ** (1 / self.power)
        size = shares @ self.covalent
        floor = CLOSEST * ((size[self.pairs[:, 0]] + size[self.pairs[:, 1]]) / self.apart).max()
        return jnp.maximum(wanted, floor)


def covalent_lattice(prototype: Prototype, elements: Sequence[str]) -> ContactLattice:
    """Lattice constants from covalent radii: a guess, right to some per cent.

    Raises:
        InputError: an element without a covalent radius.
    """
    radii = np.array([element(symbol).covalent_radius for symbol in elements])
    if not np.isfinite(radii).all():
        symbol = elements[int(np.isnan(radii).argmax())]
        raise InputError(f"no covalent radius of {symbol} is known: leave it out")
    i, j, kind, lengths = contacts(prototype)
    kinds = np.eye(len(lengths))[kind]
    a, b, d = distances(prototype)
    nearest: dict[tuple[int, int], float] = {}
    for one, other, distance in zip(a.tolist(), b.tolist(), d.tolist(), strict=True):
        pair = (min(one, other), max(one, other))
        nearest[pair] = min(distance, nearest.get(pair, np.inf))
    return ContactLattice(
        *(jnp.asarray(x, jnp.float32) for x in (radii, np.ones(len(lengths)), POWER, radii)),
        jnp.asarray(i),
        jnp.asarray(j),
        *(jnp.asarray(x, jnp.float32) for x in (kinds / kinds.sum(axis=0), lengths)),
        jnp.asarray(list(nearest)),
        jnp.asarray(list(nearest.values()), jnp.float32),
    )


def fit_lattice(
    prototype: Prototype, elements: Sequence[str], shares: np.ndarray, scales: np.ndarray
) -> ContactLattice:
    """Radii, factors and power fitted to known lattice constants by least squares.

    Elements that do not occur keep their covalent radius.

    Args:
        prototype: the sites.
        elements: of the last axis of `shares`.
        shares: ``[N, n, E]`` elements on the sites of crystals of the training part.
        scales: ``[N]`` their lattice constants, Å.

    Raises:
        InputError: an element without a covalent radius, or no crystals.
    """
    if not len(scales):
        raise InputError("radii need lattice constants to be fitted to: give crystals, or take covalent ones")
    start = covalent_lattice(prototype, elements)
    shares, scales = jnp.asarray(shares, jnp.float32), jnp.asarray(scales, jnp.float32)
    free = {"radii": start.radii, "factors": start.factors, "power": start.power}
    optimiser = optax.adam(optax.cosine_decay_schedule(RATE, STEPS))

    def loss(free: dict) -> jax.Array:
        lattice = start._replace(**free)
        # A pull of no weight beside the data, for elements that do not occur.
        kept = 1e-6 * ((free["radii"] - start.radii) ** 2).sum()
        return ((jax.vmap(lattice.scale)(shares) - scales) ** 2).mean() + kept

    def step(carry, _):
        free, state = carry
        updates, state = optimiser.update(jax.grad(loss)(free), state)
        return (optax.apply_updates(free, updates), state), None

    (free, _), _ = jax.jit(lambda c: jax.lax.scan(step, c, length=STEPS))((free, optimiser.init(free)))
    return start._replace(**free)
