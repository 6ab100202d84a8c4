"""The design space of small organic molecules, as free variables of an optimisation.

Every start carries a random spanning tree that stays fixed: its edges are at least
single bonds, so the molecule is connected by construction. Element logits are masked
by the tree's degrees, and what is added to the tree (double and triple bonds, ring
closures) is scaled to the valence that is left, so no atom ever has too many bonds:
Σ_j b_ij ≤ Σ_t p_it V_t holds for every relaxed molecule. The rest of the valence is
implicit hydrogen. Gradient inversion of a graph network with hard valence rules and
sloped rounding follows DIDgen (F. Therrien, E. Sargent, O. Voznyy, Nat. Commun. 2025).
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from mlmat.data.small_organics.sample import ELEMENT_WEIGHTS
from mlmat.graphs.chemistry import MAX_BOND_ORDER, VALENCES
from mlmat.typing import Key, SoftGraph

SIZE_WEIGHTS = {6: 0.1, 7: 0.15, 8: 0.2, 9: 0.25, 10: 0.3}
"""Probabilities of the number of heavy atoms of a start."""

RING_LOGIT = -3.0
"""Mean start logit of a ring closure: rings are few before the gradient speaks."""

RAISE_LOGIT = -1.5
"""Mean start logit of a higher bond order on a tree edge."""


class MoleculeVariables(NamedTuple):
    """Variables of one start; `tree` and `mask` are fixed (their gradient is zero).

    Attributes:
        types: ``[n, T]`` element logits.
        bonds: ``[n, n]`` logits of bond order beyond the tree (upper triangle counts).
        tree: ``[n, n]`` adjacency of the spanning tree.
        mask: ``[n]`` atoms of this start.
    """

    types: jax.Array
    bonds: jax.Array
    tree: jax.Array
    mask: jax.Array


def random_tree(key: Key, mask: jax.Array) -> jax.Array:
    """Random spanning tree with degrees up to four over the atoms of `mask`.

    Atom i hangs on an earlier atom, drawn in proportion to its free valence as carbon.

    Returns:
        ``[n, n]`` symmetric adjacency.
    """
    n = mask.shape[0]

    def attach(tree, inputs):
        atom, key = inputs
        free = jnp.maximum(4.0 - tree.sum(axis=1), 0.0) * (jnp.arange(n) < atom)
        parent = jax.random.categorical(key, jnp.where(free > 0, jnp.log(jnp.maximum(free, 1e-9)), -jnp.inf))
        edge = mask[atom] * jax.nn.one_hot(parent, n)
        return tree.at[atom].add(edge).at[:, atom].add(edge), None

    keys = jax.random.split(key, n - 1)
    return jax.lax.scan(attach, jnp.zeros((n, n)), (jnp.arange(1, n), keys))[0]


def init_variables(key: Key, capacity: int) -> MoleculeVariables:
    """Noise: one random start with up to `capacity` atoms."""
    size_key, tree_key, type_key, bond_key = jax.random.split(key, 4)
    sizes = [size for size in SIZE_WEIGHTS if size <= capacity] or [capacity]
    weights = jnp.array([SIZE_WEIGHTS.get(size, 1.0) for size in sizes])
    size = jax.random.choice(size_key, jnp.array(sizes), p=weights / weights.sum())
    mask = (jnp.arange(capacity) < size).astype(jnp.float32)
    tree = random_tree(tree_key, mask)
    kinds = jnp.log(jnp.asarray(ELEMENT_WEIGHTS)) + jax.random.gumbel(type_key, (capacity, len(VALENCES)))
    level = jnp.where(tree > 0, RAISE_LOGIT, RING_LOGIT)
    return MoleculeVariables(kinds, level + jax.random.normal(bond_key, tree.shape), tree, mask)


def decode_variables(x: MoleculeVariables, sharpness: jax.Array) -> SoftGraph:
    """Variables → relaxed molecule; connected and within valence for any input.

    Args:
        x: variables of one start.
        sharpness: ≥ 1; element mixtures are softmax(sharpness · logits), bond orders
            are rounded by the share 1 − 1/sharpness with a straight-through slope.

    Returns:
        ``SoftGraph [n, ·]``.
    """
    tree = jax.lax.stop_gradient(x.tree)
    mask = jax.lax.stop_gradient(x.mask)
    valences = jnp.asarray(VALENCES, x.types.dtype)
    degree = tree.sum(axis=1)
    logits = jnp.where(valences >= degree[:, None], sharpness * x.types, -1e9)
    types = jax.nn.softmax(logits, axis=-1) * mask[:, None]
    left = jnp.maximum(types @ valences - degree, 0.0) * mask

    pairs = jnp.triu(jnp.outer(mask, mask), 1)
    order = (MAX_BOND_ORDER - 1) * jax.nn.sigmoid(x.bonds) * pairs
    order = order + (1 - 1 / sharpness) * jax.lax.stop_gradient(jnp.round(order) - order)
    order = order + order.T
    wanted = order.sum(axis=1)
    share = jnp.minimum(1.0, left / jnp.maximum(wanted, 1e-6))
    return SoftGraph(types, tree + order * jnp.minimum(share[:, None], share), mask)
