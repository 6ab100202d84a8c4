"""Kekulé graphs as arrays, and how two of them exchange parts: cut, join, crossover.

The crossover of the graph genetic algorithm of J. H. Jensen (Chem. Sci. 10, 3567 (2019),
section 2.1): both parents are cut at one chain bond, or at two bonds of a ring, and the
parts are joined at the open ends. Every product respects the valences; whether it is a
member of the space is for the caller to ask.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    linked = [0] * len(bonds)
    for i, j in zip(*(side.tolist() for side in bonds.nonzero()), strict=True):
        linked[i] |= 1 << j
    return linked


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
    reached = _reached(neighbours(bonds), int(atom))
    return np.array([bool(reached >> k & 1) for k in range(len(bonds))])


def _reached(linked: list[int], atom: int) -> int:
    """The atoms connected with one, as bits."""
    reached = front = 1 << atom
    while front:
        lowest = front & -front
        fresh = linked[lowest.bit_length() - 1] & ~reached
        reached |= fresh
        front = (front ^ lowest) | fresh
    return reached


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
    return _ring_bonds(neighbours(bonds))


def _ring_bonds(linked: list[int]) -> list[tuple[int, int]]:
    order, lowest, bridges = [-1] * len(linked), [0] * len(linked), set()
    count = 0

    def visit(atom: int, parent: int) -> None:
        nonlocal count
        order[atom] = low = count
        count += 1
        for other in _atoms(linked[atom]):
            if order[other] < 0:
                visit(other, atom)
                low = min(low, lowest[other])
                if lowest[other] > order[atom]:
                    bridges.add((atom, other) if atom < other else (other, atom))
            elif other != parent:
                low = min(low, order[other])
        lowest[atom] = low

    for atom in range(len(linked)):
        if order[atom] < 0:
            visit(atom, -1)
    return [bond for bond in _bonds(linked) if bond not in bridges]


def _bonds(linked: list[int]) -> list[tuple[int, int]]:
    """Bonded pairs, each once, in the order of `pairs`."""
    return [(i, j + i + 1) for i, bits in enumerate(linked) for j in _atoms(bits >> i + 1)]


def _atoms(bits: int) -> Iterator[int]:
    """The numbers of the bits that are set, ascending."""
    while bits:
        lowest = bits & -bits
        bits ^= lowest
        yield lowest.bit_length() - 1


def part(graph: Graph, atoms: np.ndarray) -> Graph:
    """The graph of some atoms, in the order given."""
    return Graph(graph.types[atoms], graph.bonds[atoms[:, None], atoms])


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


def _pieces(graph: Graph, linked: list[int], cuts: list[tuple[int, int]]) -> tuple[Piece, Piece] | None:
    """Remove bonds; the two parts, or None if that does not make exactly two."""
    linked = linked.copy()
    for i, j in cuts:
        linked[i] &= ~(1 << j)
        linked[j] &= ~(1 << i)
    first = _reached(linked, cuts[0][0])
    if any((first >> i ^ first >> j ^ 1) & 1 for i, j in cuts):
        return None
    second = _reached(linked, next(_atoms(~first)))
    if (first | second).bit_count() < len(linked):
        return None
    orders = tuple(int(graph.bonds[i, j]) for i, j in cuts)
    found = []
    for side in (first, second):
        atoms = list(_atoms(side))
        # Every cut leads from one part to the other: the bonds within a part are as they were.
        ends = tuple(atoms.index(i if side >> i & 1 else j) for i, j in cuts)
        found.append(Piece(part(graph, np.array(atoms)), ends, orders))
    return found[0], found[1]


def cut_chain(rng: np.random.Generator, graph: Graph) -> tuple[Piece, Piece] | None:
    """Cut one bond outside rings; the two parts come in random order."""
    linked = neighbours(graph.bonds)
    rings = set(_ring_bonds(linked))
    bond = pick(rng, [bond for bond in _bonds(linked) if bond not in rings])
    pieces = None if bond is None else _pieces(graph, linked, [bond])
    return pieces if pieces is None or rng.random() < 0.5 else pieces[::-1]


def cut_ring(rng: np.random.Generator, graph: Graph) -> tuple[Piece, Piece] | None:
    """Cut two bonds of one ring; the two parts come in random order."""
    linked = neighbours(graph.bonds)
    rings = _ring_bonds(linked)
    for _ in range(6 if len(rings) > 2 else 0):
        one, two = rng.choice(len(rings), 2, replace=False)
        pieces = _pieces(graph, linked, [rings[one], rings[two]])
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
