"""Kekulé graphs as arrays, and how two of them exchange parts: cut, join, crossover.

The crossover of the graph genetic algorithm of J. H. Jensen (Chem. Sci. 10, 3567 (2019),
section 2.1): both parents are cut at one chain bond, or at two bonds of a ring, and the
parts are joined at the open ends. Every product respects the valences; whether it is a
member of the space is for the caller to ask.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlmat.graphs.chemistry import VALENCES

_VALENCES = np.asarray(VALENCES)
RING_SHARE = 0.5
"""Probability that a crossover tries to cut rings before it cuts chains."""


class Graph(NamedTuple):
    """A Kekulé graph.

    Attributes:
        types: ``[n]`` indices into `ELEMENTS`.
        bonds: ``[n, n]`` symmetric integer bond orders.
    """

    types: np.ndarray
    bonds: np.ndarray


def free_valences(graph: Graph) -> np.ndarray:
    """Hydrogens on each atom ``[n]``."""
    return _VALENCES[graph.types] - graph.bonds.sum(axis=1)


def neighbours(bonds: np.ndarray) -> list[int]:
    """Neighbours of each atom as the bits of a Python integer, for walks over small graphs."""
    return [sum(1 << k for k, order in enumerate(row) if order) for row in bonds.tolist()]


def distances(bonds: np.ndarray) -> np.ndarray:
    """Topological distances ``[n, n]``; n where there is no path."""
    n, linked = len(bonds), neighbours(bonds)
    found = np.full((n, n), n)
    for start in range(n):
        reached = front = 1 << start
        step = 0
        while front:
            shell, front = front, 0
            while shell:
                lowest = shell & -shell
                shell ^= lowest
                atom = lowest.bit_length() - 1
                found[start, atom] = step
                front |= linked[atom]
            front &= ~reached
            reached |= front
            step += 1
    return found


def component(bonds: np.ndarray, atom: int) -> np.ndarray:
    """Boolean mask ``[n]`` of the atoms connected with `atom`."""
    linked = neighbours(bonds)
    reached = front = 1 << int(atom)
    while front:
        lowest = front & -front
        fresh = linked[lowest.bit_length() - 1] & ~reached
        reached |= fresh
        front = (front ^ lowest) | fresh
    return np.array([bool(reached >> k & 1) for k in range(len(bonds))])


def pick(rng: np.random.Generator, options):
    """One of a sequence, each as likely; None of an empty one."""
    return options[rng.integers(len(options))] if len(options) else None


def pairs(bonds: np.ndarray) -> np.ndarray:
    """Bonded pairs ``[bonds, 2]``, each once."""
    one, two = np.nonzero(bonds)
    return np.stack([one, two], axis=1)[one < two]


def ring_bonds(bonds: np.ndarray) -> list[tuple[int, int]]:
    """Bonds whose removal leaves the graph connected: all but the bridges.

    A bond of the depth-first tree is a bridge if nothing below it reaches back above it
    (R. E. Tarjan, Inf. Process. Lett. 2, 160 (1974)).
    """
    linked = [[k for k, order in enumerate(row) if order] for row in bonds.tolist()]
    order, lowest, bridges = [-1] * len(bonds), [0] * len(bonds), set()
    count = 0

    def visit(atom: int, parent: int) -> None:
        nonlocal count
        order[atom] = lowest[atom] = count
        count += 1
        for other in linked[atom]:
            if order[other] < 0:
                visit(other, atom)
                lowest[atom] = min(lowest[atom], lowest[other])
                if lowest[other] > order[atom]:
                    bridges.add((min(atom, other), max(atom, other)))
            elif other != parent:
                lowest[atom] = min(lowest[atom], order[other])

    for atom in range(len(bonds)):
        if order[atom] < 0:
            visit(atom, -1)
    return [bond for i, j in pairs(bonds) if (bond := (int(i), int(j))) not in bridges]


def part(graph: Graph, atoms: np.ndarray) -> Graph:
    """The graph of some atoms, in the order given."""
    return Graph(graph.types[atoms], graph.bonds[np.ix_(atoms, atoms)])


class Piece(NamedTuple):
    """A connected part of a cut molecule.

    Attributes:
        graph: the part.
        ends: its atoms that lost a bond, one for every bond cut.
        orders: the orders of those bonds.
    """

    graph: Graph
    ends: tuple[int, ...]
    orders: tuple[int, ...]


def _pieces(graph: Graph, cuts: list[tuple[int, int]]) -> tuple[Piece, Piece] | None:
    """Remove bonds; the two parts, or None if that does not make exactly two."""
    bonds = graph.bonds.copy()
    for i, j in cuts:
        bonds[i, j] = bonds[j, i] = 0
    first = component(bonds, cuts[0][0])
    if any(first[i] == first[j] for i, j in cuts):
        return None
    if not component(bonds, int(np.flatnonzero(~first)[0]))[~first].all():
        return None
    orders = tuple(int(graph.bonds[i, j]) for i, j in cuts)
    found = []
    for side in (first, ~first):
        atoms = np.flatnonzero(side)
        ends = tuple(int(np.searchsorted(atoms, i if side[i] else j)) for i, j in cuts)
        found.append(Piece(part(Graph(graph.types, bonds), atoms), ends, orders))
    return found[0], found[1]


def cut_chain(rng: np.random.Generator, graph: Graph) -> tuple[Piece, Piece] | None:
    """Cut one bond outside rings; the two parts come in random order."""
    rings = set(ring_bonds(graph.bonds))
    bond = pick(rng, [(int(i), int(j)) for i, j in pairs(graph.bonds) if (i, j) not in rings])
    pieces = None if bond is None else _pieces(graph, [bond])
    return pieces if pieces is None or rng.random() < 0.5 else pieces[::-1]


def cut_ring(rng: np.random.Generator, graph: Graph) -> tuple[Piece, Piece] | None:
    """Cut two bonds of one ring; the two parts come in random order."""
    rings = ring_bonds(graph.bonds)
    for _ in range(6 if len(rings) > 2 else 0):
        one, two = rng.choice(len(rings), 2, replace=False)
        pieces = _pieces(graph, [rings[one], rings[two]])
        if pieces is not None:
            return pieces if rng.random() < 0.5 else pieces[::-1]
    return None


def join(one: Graph, two: Graph, links: list[tuple[int, int, int]]) -> Graph | None:
    """Two parts as one graph.

    Args:
        one: keeps its numbering.
        two: follows it.
        links: bonds (atom of `one`, atom of `two`, order).

    Returns:
        The graph, or None if a valence would be exceeded.
    """
    n = len(one.types)
    bonds = np.zeros((n + len(two.types),) * 2, one.bonds.dtype)
    bonds[:n, :n], bonds[n:, n:] = one.bonds, two.bonds
    for a, b, order in links:
        bonds[a, n + b] = bonds[n + b, a] = bonds[a, n + b] + order
    joined = Graph(np.concatenate([one.types, two.types]), bonds)
    return joined if (free_valences(joined) >= 0).all() and bonds.max(initial=0) <= 3 else None


def crossover(rng: np.random.Generator, mother: Graph, father: Graph) -> Graph | None:
    """A part of each parent, joined at the cut bonds; None if the cut drawn does not apply."""
    if rng.random() < RING_SHARE:
        one, two = cut_ring(rng, mother), cut_ring(rng, father)
        if one is not None and two is not None:
            return _graft(rng, one[0], two[0])
    one, two = cut_chain(rng, mother), cut_chain(rng, father)
    return None if one is None or two is None else _graft(rng, one[0], two[0])


def _graft(rng: np.random.Generator, one: Piece, two: Piece) -> Graph | None:
    turn = rng.permutation(len(two.ends))
    links = [
        (a, two.ends[k], min(order, two.orders[k]))
        for a, order, k in zip(one.ends, one.orders, turn, strict=True)
    ]
    return join(one.graph, two.graph, links)
