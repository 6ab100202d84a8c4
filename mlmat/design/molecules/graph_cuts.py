"""How two Kekulé graphs exchange parts: cut, join, crossover.

The crossover of the graph genetic algorithm of J. H. Jensen (Chem. Sci. 10, 3567 (2019),
section 2.1): both parents are cut at one chain bond, or at two bonds of a ring, and the
parts are joined at the open ends. Every product respects the valences; whether it is a
member of the space is for the caller to ask.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlmat.design.molecules.kekule import Graph, atoms_of, pick, reached

RING_SHARE = 0.5
"""Probability that a crossover tries to cut rings before it cuts chains."""


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


def _pieces(graph: Graph, cuts: list[tuple[int, int]]) -> tuple[Piece, Piece] | None:
    """Remove bonds; the two parts, or None if that does not make exactly two."""
    linked = graph.linked.copy()
    for i, j in cuts:
        linked[i] &= ~(1 << j)
        linked[j] &= ~(1 << i)
    first = reached(linked, cuts[0][0])
    if any((first >> i ^ first >> j ^ 1) & 1 for i, j in cuts):
        return None
    second = reached(linked, next(atoms_of(~first)))
    if (first | second).bit_count() < len(linked):
        return None
    orders = tuple(int(graph.bonds[i, j]) for i, j in cuts)
    found = []
    for side in (first, second):
        atoms = list(atoms_of(side))
        # Every cut leads from one part to the other: the bonds within a part are as they were.
        ends = tuple(atoms.index(i if side >> i & 1 else j) for i, j in cuts)
        found.append(Piece(part(graph, np.array(atoms)), ends, orders))
    return found[0], found[1]


def cut_chain(rng: np.random.Generator, graph: Graph) -> tuple[Piece, Piece] | None:
    """Cut one bond outside rings; the two parts come in random order."""
    bond = pick(rng, graph.chain_bonds)
    pieces = None if bond is None else _pieces(graph, [bond])
    return pieces if pieces is None or rng.random() < 0.5 else pieces[::-1]


def cut_ring(rng: np.random.Generator, graph: Graph) -> tuple[Piece, Piece] | None:
    """Cut two bonds of one ring; the two parts come in random order."""
    rings = graph.ring_bonds
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
    return joined if (joined.free_valences >= 0).all() and bonds.max(initial=0) <= 3 else None


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
