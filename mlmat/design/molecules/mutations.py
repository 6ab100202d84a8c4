"""Mutations of Kekulé graphs for the genetic algorithm.

After the graph genetic algorithm of J. H. Jensen (Chem. Sci. 10, 3567 (2019), section 2.1):
an atom changes its element, a bond its order, an atom or a ring comes or goes, a part moves.
Every product respects the valences and is connected; whether it is a member of the space is
for the caller to ask.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlmat.data.small_organics.sample import ELEMENT_WEIGHTS
from mlmat.design.molecules.graph_cuts import cut_chain, join, part
from mlmat.design.molecules.kekule import Graph, draw, pairs, pick
from mlmat.graphs.chemistry import MAX_BOND_ORDER, VALENCES

_VALENCES = np.asarray(VALENCES)
RING_DISTANCES = 2, 6
"""Topological distances between which a ring is closed: rings of three to seven atoms."""

ORDER_WEIGHTS = np.array([6.0, 3.0, 1.0])
"""Of the bond to a new end atom: single, double, triple."""

INSERT_SHARE = 0.4
"""Share of new atoms that go into a bond; the others take the place of a hydrogen."""


def _with_bond(graph: Graph, i: int, j: int, order: int) -> Graph:
    bonds = graph.bonds.copy()
    bonds[i, j] = bonds[j, i] = order
    return Graph(graph.types, bonds)


def _element(rng: np.random.Generator, least: int, other: int = -1) -> int | None:
    """An element of at least this valence, drawn as in the sampling of the space."""
    weights = np.where(least <= _VALENCES, ELEMENT_WEIGHTS, 0.0)
    if other >= 0:
        weights[other] = 0.0
    return draw(rng, weights) if weights.any() else None


def change_atom(rng: np.random.Generator, graph: Graph) -> Graph | None:
    """Another element on one atom."""
    atom = int(rng.integers(len(graph.types)))
    kind = _element(rng, int(graph.bonds[atom].sum()), int(graph.types[atom]))
    if kind is None:
        return None
    types = graph.types.copy()
    types[atom] = kind
    return Graph(types, graph.bonds)


def change_bond(rng: np.random.Generator, graph: Graph) -> Graph | None:
    """One order more or less on one bond."""
    free = graph.free_valences
    choices = []
    for i, j in graph.pairs:
        order = int(graph.bonds[i, j])
        if order < MAX_BOND_ORDER and free[i] and free[j]:
            choices.append((i, j, order + 1))
        if order > 1:
            choices.append((i, j, order - 1))
    choice = pick(rng, choices)
    return None if choice is None else _with_bond(graph, *choice)


def shift_bond(rng: np.random.Generator, graph: Graph) -> Graph | None:
    """A double or triple bond gives one order to a neighbouring bond."""
    free = graph.free_valences
    multiple = [(i, j) for i, j in np.argwhere(graph.bonds > 1)]
    pair = pick(rng, multiple)
    if pair is None:
        return None
    i, j = pair
    targets = [k for k in np.flatnonzero(graph.bonds[j]) if k != i and free[k] and graph.bonds[j, k] < 3]
    k = pick(rng, targets)
    if k is None:
        return None
    lowered = _with_bond(graph, i, j, int(graph.bonds[i, j]) - 1)
    return _with_bond(lowered, j, k, int(graph.bonds[j, k]) + 1)


def add_atom(rng: np.random.Generator, graph: Graph) -> Graph | None:
    """A new atom on a free valence, or inside a bond."""
    n = len(graph.types)
    bonds = np.zeros((n + 1, n + 1), graph.bonds.dtype)
    bonds[:n, :n] = graph.bonds
    bonded = graph.pairs
    if len(bonded) and rng.random() < INSERT_SHARE:
        i, j = pick(rng, bonded)
        kind = _element(rng, 2)
        bonds[i, j] = bonds[j, i] = 0
        bonds[n, [i, j]] = bonds[[i, j], n] = 1
    else:
        open_atoms = np.flatnonzero(graph.free_valences)
        atom = pick(rng, open_atoms)
        if atom is None:
            return None
        kind = _element(rng, 1)
        room = min(int(graph.free_valences[atom]), int(_VALENCES[kind]), MAX_BOND_ORDER)
        order = 1 + draw(rng, ORDER_WEIGHTS[:room])
        bonds[n, atom] = bonds[atom, n] = order
    return Graph(np.append(graph.types, kind).astype(graph.types.dtype), bonds)


def delete_atom(rng: np.random.Generator, graph: Graph) -> Graph | None:
    """One atom less: an end atom goes, or the two neighbours of a middle one are joined."""
    degree = (graph.bonds > 0).sum(axis=1)
    atom = pick(rng, np.flatnonzero(degree <= 2))
    if atom is None or len(graph.types) < 2:
        return None
    bonds = graph.bonds.copy()
    if degree[atom] == 2:
        i, j = np.flatnonzero(graph.bonds[atom])
        if bonds[i, j]:
            return None
        bonds[i, j] = bonds[j, i] = 1
    rest = np.arange(len(graph.types)) != atom
    return part(Graph(graph.types, bonds), np.flatnonzero(rest))


def add_ring(rng: np.random.Generator, graph: Graph) -> Graph | None:
    """A bond between two atoms with free valences closes a ring."""
    free = graph.free_valences > 0
    far = graph.distances
    close = (far >= RING_DISTANCES[0]) & (far <= RING_DISTANCES[1]) & np.outer(free, free)
    pair = pick(rng, pairs(close))
    return None if pair is None else _with_bond(graph, *pair, 1)


def delete_ring(rng: np.random.Generator, graph: Graph) -> Graph | None:
    """One ring bond is cut."""
    pair = pick(rng, graph.ring_bonds)
    return None if pair is None else _with_bond(graph, *pair, 0)


def move_part(rng: np.random.Generator, graph: Graph) -> Graph | None:
    """A part that hangs on one bond is moved to another atom."""
    cut = cut_chain(rng, graph)
    if cut is None:
        return None
    kept, moved = cut
    free = kept.graph.free_valences
    places = np.flatnonzero((free > 0) & (np.arange(len(free)) != kept.ends[0]))
    place = pick(rng, places)
    if place is None:
        return None
    order = min(moved.orders[0], int(free[place]))
    return join(kept.graph, moved.graph, [(int(place), moved.ends[0], order)])


MUTATIONS: tuple[tuple[Callable, float], ...] = (
    (change_atom, 0.2),
    (change_bond, 0.15),
    (shift_bond, 0.1),
    (add_atom, 0.15),
    (delete_atom, 0.12),
    (add_ring, 0.08),
    (delete_ring, 0.05),
    (move_part, 0.15),
)
"""Mutations and their weights."""


def mutate(rng: np.random.Generator, graph: Graph) -> Graph | None:
    """One random edit; None if the one drawn does not apply."""
    edits, weights = zip(*MUTATIONS, strict=True)
    return edits[draw(rng, weights)](rng, graph)
