"""The design space of small organic molecules, as free variables of an optimisation.

Every start carries a random spanning tree that stays fixed: its edges are at least
single bonds, so the molecule is connected by construction. Element logits are masked
by the tree's degrees, and what is added to the tree (double and triple bonds, ring
closures) is scaled to the valence that is left, so no atom ever has too many bonds:
Σ_j b_ij ≤ Σ_t p_it V_t holds for every relaxed molecule. The rest of the valence is
implicit hydrogen. Constraints are further fixed entries: bonds of a kept substructure
belong to the tree with their orders, elements are masked, and only ring closures of the
allowed sizes are open. Gradient inversion of a graph network with hard valence rules and
sloped rounding follows DIDgen (F. Therrien, E. Sargent, O. Voznyy, Nat. Commun. 2025).
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.data.small_organics.sample import ELEMENT_WEIGHTS
from mlmat.design.molecules.constraints import Constraints
from mlmat.design.molecules.frame import Frame, make_frame
from mlmat.graphs.chemistry import MAX_BOND_ORDER, VALENCES
from mlmat.typing import Key, SoftGraph

RING_LOGIT = -3.0
"""Mean start logit of a ring closure: rings are few before the gradient speaks."""

RAISE_LOGIT = -1.5
"""Mean start logit of a higher bond order on a tree edge."""

START_LOGIT = 3.0
"""Start logit that speaks for an element or a bond order of the molecule to start from."""

START_NOISE = 0.5
"""Standard deviation of the noise on the logits of the molecule to start from."""


class MoleculeVariables(NamedTuple):
    """Variables of one start; all but the logits are fixed (their gradient is zero).

    Attributes:
        types: ``[n, T]`` element logits.
        bonds: ``[n, n]`` logits of bond order beyond the tree (upper triangle counts).
        tree: ``[n, n]`` bond orders that are always there: a spanning tree of single bonds,
            and the bonds of a kept substructure.
        mask: ``[n]`` atoms of this start.
        allowed: ``[n, T]`` 1 for the elements each atom may be.
        open: ``[n, n]`` 1 for the pairs whose bond may grow beyond the tree.
    """

    types: jax.Array
    bonds: jax.Array
    tree: jax.Array
    mask: jax.Array
    allowed: jax.Array
    open: jax.Array


def random_tree(
    noise: jax.Array, mask: jax.Array, base: jax.Array | None = None, room: jax.Array | None = None
) -> jax.Array:
    """Random spanning tree with degrees up to four over the atoms of `mask`.

    Atom i hangs on an earlier atom, drawn in proportion to its free valence as carbon
    (the largest of log free valence + Gumbel noise).

    Args:
        noise: ``[n, n]`` standard Gumbel noise.
        mask: ``[n]`` atoms.
        base: ``[n, n]`` bond orders to grow from, over the first atoms; default: none.
        room: ``[n]`` valence each atom has beyond `base`; default: four.

    Returns:
        ``[n, n]`` symmetric bond orders.
    """
    n = mask.shape[0]
    base = jnp.zeros((n, n)) if base is None else base
    degrees = base.sum(axis=1) + (jnp.full(n, 4.0) if room is None else room)

    def attach(tree, inputs):
        atom, noise = inputs
        free = jnp.maximum(degrees - tree.sum(axis=1), 0.0) * (jnp.arange(n) < atom)
        parent = jnp.where(free > 0, jnp.log(jnp.maximum(free, 1e-9)) + noise, -jnp.inf).argmax()
        lonely = tree[atom].sum() == 0
        edge = mask[atom] * lonely * jax.nn.one_hot(parent, n, dtype=tree.dtype)
        return tree.at[atom].add(edge).at[:, atom].add(edge), None

    return jax.lax.scan(attach, base, (jnp.arange(1, n), noise[1:]))[0]


def open_pairs(tree: jax.Array, mask: jax.Array, frame: Frame) -> jax.Array:
    """Pairs whose bond may grow: tree edges, and closures of the allowed ring sizes.

    The ring that a closure forms has one atom more than the tree's path between its ends.

    Returns:
        ``[n, n]`` symmetric, ones and zeros.
    """
    linked = (tree > 0).astype(tree.dtype)
    reached = jnp.eye(len(tree), dtype=tree.dtype)
    grows = linked
    for length in range(1, max(frame.closures, default=1)):
        further = jnp.minimum(reached + reached @ linked, 1.0)
        if length + 1 in frame.closures:
            grows = jnp.maximum(grows, further - reached)
        reached = further
    grows = jnp.maximum(grows, jnp.minimum(jnp.asarray(frame.bonds, tree.dtype), 1.0))
    kept = jnp.asarray(frame.kept)
    # A kept atom without room is closed to every bond.
    shut = kept * (jnp.asarray(frame.room) == 0)
    fixed = jnp.maximum(jnp.outer(kept, kept), jnp.maximum(shut[:, None], shut))
    return grows * (1 - fixed) * jnp.outer(mask, mask) * (1 - jnp.eye(len(tree)))


def init_variables(key: Key, capacity: int, frame: Frame | None = None) -> MoleculeVariables:
    """Noise, or the molecule to start from with noise on it: one random start.

    Args:
        key: randomness.
        capacity: padded number of atoms.
        frame: constraints as arrays; None: no constraints.
    """
    frame = make_frame(Constraints(), capacity) if frame is None else frame
    n, kinds_of = capacity, len(VALENCES)
    # One draw for everything: every call of the generator costs seconds of compilation.
    edges = [0, *np.cumsum([n * n, n * kinds_of, n * kinds_of, n * n, 2])]
    draw = jax.random.uniform(key, (edges[-1],), minval=1e-6, maxval=1 - 1e-6)
    parts = [draw[low:high] for low, high in pairwise(edges)]
    gumbel = [-jnp.log(-jnp.log(part)) for part in parts[:2]]
    shake = [jnp.sqrt(2.0) * jax.scipy.special.erfinv(2 * part - 1) for part in parts[2:4]]

    size = jnp.asarray(frame.sizes)[(parts[4][0] > np.cumsum(frame.weights)[:-1]).sum()]
    mask = (jnp.arange(n) < size).astype(jnp.float32)
    trees = jnp.asarray(frame.trees)
    base = trees[(parts[4][1] * len(trees)).astype(int)]
    tree = random_tree(gumbel[0].reshape(n, n), mask, base, jnp.asarray(frame.room))

    kinds = jnp.log(jnp.asarray(ELEMENT_WEIGHTS)) + gumbel[1].reshape(n, kinds_of)
    noise = shake[1].reshape(n, n)
    level = jnp.where(tree > 0, RAISE_LOGIT, RING_LOGIT)
    bonds = level + noise
    given = jnp.asarray(frame.types) >= 0
    if (frame.types >= 0).any():
        sure = START_LOGIT * jax.nn.one_hot(jnp.asarray(frame.types), len(VALENCES))
        shaken = sure + START_NOISE * shake[0].reshape(n, kinds_of)
        kinds = jnp.where(given[:, None], shaken, kinds)
        # Orders 0, 1 and 2 beyond the tree are the logits −3, 0 and 3.
        beyond = jnp.asarray(frame.bonds) - jnp.minimum(tree, jnp.asarray(frame.bonds))
        bonds = jnp.where(jnp.outer(given, given), START_LOGIT * (beyond - 1) + START_NOISE * noise, bonds)
    return MoleculeVariables(
        kinds, bonds, tree, mask, jnp.asarray(frame.allowed), open_pairs(tree, mask, frame)
    )


def sample_variables(x: MoleculeVariables, key: Key, temperature: float) -> MoleculeVariables:
    """A draw from what the logits of a start stand for, on the same tree.

    Gumbel noise on element logits and logistic noise on bond logits: at temperature one the largest
    element logit is a draw from their softmax, and a bond logit above zero one from its sigmoid
    (the Gumbel-max trick; C. J. Maddison, A. Mnih, Y. W. Teh, ICLR 2017).

    Args:
        x: variables of one start.
        key: randomness.
        temperature: factor on the noise; towards 0 the draw is `x` itself.
    """
    kinds, orders = jax.random.split(key)
    return x._replace(
        types=x.types + temperature * jax.random.gumbel(kinds, x.types.shape),
        bonds=x.bonds + temperature * jax.random.logistic(orders, x.bonds.shape),
    )


def decode_variables(x: MoleculeVariables, sharpness: jax.Array) -> SoftGraph:
    """Variables → relaxed molecule; connected and within valence for any input.

    Args:
        x: variables of one start.
        sharpness: ≥ 1; element mixtures are softmax(sharpness · logits), bond orders
            are rounded by the share 1 − 1/sharpness with a straight-through slope.

    Returns:
        ``SoftGraph [n, ·]``.
    """
    tree, mask, allowed, grows = jax.lax.stop_gradient((x.tree, x.mask, x.allowed, x.open))
    valences = jnp.asarray(VALENCES, x.types.dtype)
    degree = tree.sum(axis=1)
    possible = (allowed > 0) & (valences >= degree[:, None])
    types = jax.nn.softmax(jnp.where(possible, sharpness * x.types, -1e9), axis=-1) * mask[:, None]
    left = jnp.maximum(types @ valences - degree, 0.0) * mask

    order = (MAX_BOND_ORDER - 1) * jax.nn.sigmoid(x.bonds) * jnp.triu(grows, 1)
    order = order + (1 - 1 / sharpness) * jax.lax.stop_gradient(jnp.round(order) - order)
    order = order + order.T
    wanted = order.sum(axis=1)
    share = jnp.minimum(1.0, left / jnp.maximum(wanted, 1e-6))
    return SoftGraph(types, tree + order * jnp.minimum(share[:, None], share), mask)
