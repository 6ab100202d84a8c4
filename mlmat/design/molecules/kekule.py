"""Kekulé graphs as arrays, with what the edits of a search ask of them again and again."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np

from mlmat.graphs.chemistry import VALENCES

_VALENCES = np.asarray(VALENCES)


class _Arrays(NamedTuple):
    types: np.ndarray
    bonds: np.ndarray


class Graph(_Arrays):
    """A Kekulé graph; its arrays are not changed, so what follows from them is found once.

    Sets of atoms are the bits of Python integers: walks over small graphs are fastest so.

    Attributes:
        types: ``[n]`` indices into `ELEMENTS`.
        bonds: ``[n, n]`` symmetric integer bond orders.
    """

    @cached_property
    def free_valences(self) -> np.ndarray:
        """Hydrogens on each atom ``[n]``."""
        return _VALENCES[self.types] - self.bonds.sum(axis=1)

    @cached_property
    def linked(self) -> list[int]:
        """Neighbours of each atom, as bits."""
        linked = [0] * len(self.bonds)
        for i, j in zip(*(side.tolist() for side in self.bonds.nonzero()), strict=True):
            linked[i] |= 1 << j
        return linked

    @cached_property
    def pairs(self) -> np.ndarray:
        """Bonded pairs ``[bonds, 2]``, each once."""
        return pairs(self.bonds)

    @cached_property
    def distances(self) -> np.ndarray:
        """Topological distances ``[n, n]``; n where there is no path."""
        n = len(self.types)
        found = np.full((n, n), n)
        for start in range(n):
            seen = front = 1 << start
            step = 0
            while front:
                shell, front = front, 0
                for atom in atoms_of(shell):
                    found[start, atom] = step
                    front |= self.linked[atom]
                front &= ~seen
                seen |= front
                step += 1
        return found

    @cached_property
    def ring_bonds(self) -> list[tuple[int, int]]:
        """Bonds whose removal leaves the graph connected: all but the bridges.

        A bond of the depth-first tree is a bridge if nothing below it reaches back above it
        (R. E. Tarjan, Inf. Process. Lett. 2, 160 (1974)).
        """
        bridges = set(self.chain_bonds)
        return [bond for bond in _bonds(self.linked) if bond not in bridges]

    @cached_property
    def chain_bonds(self) -> list[tuple[int, int]]:
        """Bonds outside rings: the bridges."""
        linked = self.linked
        order, lowest, bridges = [-1] * len(linked), [0] * len(linked), set()
        count = 0

        def visit(atom: int, parent: int) -> None:
            nonlocal count
            order[atom] = low = count
            count += 1
            for other in atoms_of(linked[atom]):
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
        return [bond for bond in _bonds(linked) if bond in bridges]


def pairs(linked: np.ndarray) -> np.ndarray:
    """Pairs ``[k, 2]`` of a symmetric matrix that are not zero, each once."""
    one, two = np.nonzero(linked)
    return np.stack([one, two], axis=1)[one < two]


def reached(linked: list[int], atom: int) -> int:
    """The atoms connected with one, as bits."""
    found = front = 1 << atom
    while front:
        lowest = front & -front
        fresh = linked[lowest.bit_length() - 1] & ~found
        found |= fresh
        front = (front ^ lowest) | fresh
    return found


def atoms_of(bits: int) -> Iterator[int]:
    """The numbers of the bits that are set, ascending."""
    while bits:
        lowest = bits & -bits
        bits ^= lowest
        yield lowest.bit_length() - 1


def _bonds(linked: list[int]) -> list[tuple[int, int]]:
    """Bonded pairs, each once, in the order of `pairs`."""
    return [(i, j + i + 1) for i, bits in enumerate(linked) for j in atoms_of(bits >> i + 1)]


def pick(rng: np.random.Generator, options):
    """One of a sequence, each as likely; None of an empty one."""
    return options[rng.integers(len(options))] if len(options) else None


def draw(rng: np.random.Generator, weights: np.ndarray) -> int:
    """Index drawn by weight; as ``rng.choice`` with probabilities, in a third of its time."""
    cumulative = np.cumsum(weights)
    return int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
