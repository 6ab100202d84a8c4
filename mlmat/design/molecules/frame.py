"""What all starts of a search share, as arrays: constraints, kept atoms, the molecule to start from.

Made once on the host; `mlmat.design.molecules.space` draws and decodes within it. Kept atoms come
first in the order of atoms, then those of the molecule to start from.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from mlmat.design.molecules.constraints import Constraints
from mlmat.design.molecules.keep import Core, keep_core
from mlmat.errors import InputError
from mlmat.graphs.chemistry import ELEMENTS, VALENCES, graph_from_molecule, parse_smiles

CLOSURES = (3, 4, 5, 6, 7, 8)
"""Rings that a start may close over its spanning tree when the constraints leave them free."""

TREES = 16
"""Spanning trees of the molecule to start from that starts choose among."""

MORE_ATOMS = {0: 0.6, 1: 0.25, 2: 0.15}
"""Probabilities of atoms added to the molecule to start from."""


class Frame(NamedTuple):
    """Arrays padded to the capacity n.

    Attributes:
        constraints: of which the frame is made.
        sizes: ``[S]`` numbers of heavy atoms to draw from.
        weights: ``[S]`` their probabilities.
        allowed: ``[n, T]`` 1 for the elements an atom may be.
        core: the kept atoms, the first k; k = 0 without a substructure.
        kept: ``[n]`` 1 for the kept atoms.
        types: ``[n]`` elements of the molecule to start from, −1 beyond it (and without one).
        bonds: ``[n, n]`` its bond orders.
        trees: ``[R, n, n]`` base bond orders of a start: the core's, and a spanning tree at order one.
        room: ``[n]`` valence for atoms hung on it: 0 for closed kept atoms.
        closures: ring sizes that may be closed over the tree.
    """

    constraints: Constraints
    sizes: np.ndarray
    weights: np.ndarray
    allowed: np.ndarray
    core: Core
    kept: np.ndarray
    types: np.ndarray
    bonds: np.ndarray
    trees: np.ndarray
    room: np.ndarray
    closures: tuple[int, ...]


def make_frame(constraints: Constraints, capacity: int) -> Frame:
    """Frame of constraints for graphs of `capacity` atoms.

    Raises:
        CapacityError, InputError: see `Constraints.check`, and a substructure without room
            for the atoms that the sizes ask for.
    """
    constraints.check(capacity)
    start = None if constraints.start is None else parse_smiles(constraints.start)
    none = np.zeros(0, int)
    core, match = Core(none, np.zeros((0, 0), int), none), ()
    if constraints.keep is not None:
        core, match = keep_core(constraints.keep, start)
    k = len(core.types)
    types, bonds = np.full(capacity, -1), np.zeros((capacity, capacity), int)
    types[:k], bonds[:k, :k] = core.types, core.bonds
    count = k
    if start is not None:
        order = [*match, *(i for i in range(start.GetNumAtoms()) if i not in match)]
        kinds, orders = graph_from_molecule(start)
        count = len(order)
        types[:count], bonds[:count, :count] = kinds[order], orders[np.ix_(order, order)]
    room = np.full(capacity, max(VALENCES))
    room[:count] = np.asarray(VALENCES)[types[:count]] - bonds.sum(axis=1)[:count]
    room[:k] = core.room
    sizes, weights = _sizes(constraints, capacity, count, start is not None)
    if count and not room[:count].any() and sizes.max() > count:
        if constraints.sizes is not None and constraints.sizes[0] > count:
            raise InputError(
                f"nothing can be attached to {constraints.keep}: it has no replaceable hydrogen. "
                f"Set the size to {count}, or keep less"
            )
        sizes, weights = np.array([count]), np.ones(1)
    allowed = np.tile([float(element in constraints.elements) for element in ELEMENTS], (capacity, 1))
    allowed[:k] = np.eye(len(ELEMENTS))[core.types]
    return Frame(
        constraints,
        sizes,
        weights,
        allowed.astype(np.float32),
        core,
        (np.arange(capacity) < k).astype(np.float32),
        types if start is not None else np.full(capacity, -1),
        bonds,
        _trees(bonds, k, count),
        room.astype(np.float32),
        CLOSURES if constraints.rings is None else tuple(constraints.rings),
    )


def _sizes(
    constraints: Constraints, capacity: int, count: int, started: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Sizes to draw and their probabilities: the largest three times as likely as the smallest."""
    low, high = constraints.sizes or (math.ceil(0.6 * capacity), capacity)
    low, high = max(low, count), min(high, capacity)
    if started:
        sizes = np.array([count + more for more in MORE_ATOMS if low <= count + more <= high] or [low])
        weights = np.array([MORE_ATOMS.get(int(size) - count, 1.0) for size in sizes])
    else:
        sizes = np.arange(low, max(low, high) + 1)
        weights = np.linspace(1.0, 3.0, len(sizes))
    return sizes, weights / weights.sum()


def _trees(bonds: np.ndarray, k: int, count: int) -> np.ndarray:
    """Random spanning trees of a graph that contain the bonds among its first k atoms."""
    rng = np.random.default_rng(0)
    edges = [(i, j) for i, j in zip(*np.nonzero(np.triu(bonds, 1)), strict=True) if j >= k]
    trees = np.zeros((TREES if edges else 1, *bonds.shape), np.float32)
    for tree in trees:
        tree[:k, :k] = bonds[:k, :k]
        part = np.arange(count)
        part[:k] = 0
        for number in rng.permutation(len(edges)):
            i, j = edges[number]
            if part[i] != part[j]:
                part[part == part[j]] = part[i]
                tree[i, j] = tree[j, i] = 1
    return trees
