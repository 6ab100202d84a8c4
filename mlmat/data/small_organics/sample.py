"""Sampling the space of small organic molecules by growing graphs under valence rules.

A random tree is grown atom by atom, rings are closed, bonds are raised, and what
breaks a rule of `mlmat.graphs.chemistry` is rejected. The space so sampled (3 to
10 heavy atoms of C, N, O, F, S) is far larger than any set drawn from it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from mlmat.graphs.chemistry import ELEMENTS, VALENCES, canonical_smiles, molecule_from_graph, silence_rdkit
from mlmat.graphs.stability import stability_violations

ELEMENT_WEIGHTS = (0.66, 0.14, 0.14, 0.03, 0.03)
"""Draw probabilities of C, N, O, F and S while a graph grows."""

RING_WEIGHTS = (0.35, 0.40, 0.20, 0.05)
"""Probabilities of trying 0, 1, 2 and 3 ring closures."""

RING_SIZE_WEIGHTS = {3: 0.5, 4: 0.5, 5: 2.0, 6: 2.0, 7: 0.5, 8: 0.2}
"""Relative weight of closing a ring of this size."""

AROMATIC_SEED = 0.2
"""Probability that a graph of six or more atoms starts from a conjugated five- or six-ring."""

CONJUGATED_GROWTH = 0.6
"""Probability that a raised bond is chosen two bonds from an earlier one (conjugation)."""


@dataclass(frozen=True)
class Sample:
    """Molecules of the space and what the sampling rejected.

    Attributes:
        smiles: canonical SMILES, in the order found.
        drawn: number of graphs grown.
        rejected: how often each rule rejected a graph (first rule that fired).
    """

    smiles: tuple[str, ...]
    drawn: int
    rejected: dict[str, int]


def grow_graph(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Grow one random integer graph that respects every valence.

    Args:
        rng: source of randomness.
        size: number of heavy atoms.

    Returns:
        ``types [size]`` and ``bonds [size, size]``; chemically possible, not yet
        filtered for stability.

    Raises:
        ValueError: the draw came to nothing: draw again.
    """
    valences = np.asarray(VALENCES)
    types = np.zeros(size, np.int8)
    bonds = np.zeros((size, size), np.int8)
    if size >= 6 and rng.random() < AROMATIC_SEED:
        start = _conjugated_ring(rng, types, bonds)
    else:
        types[0] = rng.choice(len(ELEMENTS), p=ELEMENT_WEIGHTS)
        start = 1
    for atom in range(start, size):
        free = valences[types[:atom]] - bonds[:atom, :atom].sum(axis=1)
        if free.max() == 0:  # the tree is closed (F-F, say): turn its first atom into carbon
            types[0], free[0] = 0, valences[0] - bonds[0, :atom].sum()
        if free.sum() == 0:
            raise ValueError("the seed ring asks for more valences than its atoms have")
        parent = rng.choice(atom, p=free / free.sum())
        types[atom] = rng.choice(len(ELEMENTS), p=ELEMENT_WEIGHTS)
        bonds[atom, parent] = bonds[parent, atom] = 1
    for _ in range(rng.choice(len(RING_WEIGHTS), p=RING_WEIGHTS)):
        _close_ring(rng, types, bonds)
    _raise_bonds(rng, types, bonds, int(rng.integers(0, size // 2 + 2)))
    return types, bonds


def _conjugated_ring(rng: np.random.Generator, types: np.ndarray, bonds: np.ndarray) -> int:
    """Write an aromatic ring of C and N (and one N, O or S in a five-ring); returns its size."""
    length = int(rng.choice((5, 6)))
    types[:length] = rng.random(length) < 0.2
    if length == 5:
        types[0] = ELEMENTS.index(rng.choice(("N", "O", "S")))
    for atom in range(length):
        following = (atom + 1) % length
        bonds[atom, following] = bonds[following, atom] = 1 + atom % 2
    return length


def _free_valences(types: np.ndarray, bonds: np.ndarray) -> np.ndarray:
    return np.asarray(VALENCES)[types] - bonds.sum(axis=1)


def _distances(bonds: np.ndarray) -> np.ndarray:
    """Topological distances ``[n, n]`` by breadth-first expansion."""
    linked = bonds > 0
    distances = np.where(np.eye(len(bonds), dtype=bool), 0, len(bonds))
    reach = np.eye(len(bonds), dtype=bool)
    for step in range(1, len(bonds)):
        reach = (reach.astype(int) @ linked.astype(int)) > 0
        distances = np.where(reach & (distances > step), step, distances)
    return distances


def _close_ring(rng: np.random.Generator, types: np.ndarray, bonds: np.ndarray) -> None:
    free = _free_valences(types, bonds) > 0
    distances = _distances(bonds)
    weights = np.zeros(bonds.shape)
    for ring_size, weight in RING_SIZE_WEIGHTS.items():
        weights[distances == ring_size - 1] = weight
    weights *= np.outer(free, free) * np.triu(np.ones_like(weights), 1)
    if weights.sum() > 0:
        i, j = divmod(int(rng.choice(weights.size, p=(weights / weights.sum()).ravel())), len(types))
        bonds[i, j] = bonds[j, i] = 1


def _raise_bonds(rng: np.random.Generator, types: np.ndarray, bonds: np.ndarray, times: int) -> None:
    for _ in range(times):
        free = _free_valences(types, bonds) > 0
        candidates = np.argwhere(np.triu((bonds > 0) & (bonds < 3) & np.outer(free, free), 1))
        if len(candidates) == 0:
            return
        unsaturated = (bonds > 1).any(axis=1)
        if unsaturated.any() and rng.random() < CONJUGATED_GROWTH:
            neighbours = (bonds[unsaturated] > 0).any(axis=0)
            conjugated = [
                pair for pair in candidates if neighbours[pair].any() and not unsaturated[pair].any()
            ]
            candidates = np.array(conjugated) if conjugated else candidates
        i, j = candidates[rng.integers(len(candidates))]
        bonds[i, j] = bonds[j, i] = bonds[i, j] + 1


def random_member(rng: np.random.Generator, size: int, rejected: Counter | None = None) -> Chem.Mol:
    """Draw one molecule of the space with `size` heavy atoms (grow, filter, repeat).

    Args:
        rng: source of randomness.
        size: number of heavy atoms.
        rejected: counter of the reasons of rejection, updated in place.
    """
    rejected = Counter() if rejected is None else rejected
    with silence_rdkit():
        while True:
            try:
                molecule = molecule_from_graph(*grow_graph(rng, size))
            except (ValueError, Chem.KekulizeException, Chem.AtomValenceException):
                rejected["valence or kekulisation"] += 1
                continue
            reasons = stability_violations(molecule)
            if not reasons:
                return molecule
            rejected[reasons[0]] += 1


def sample_space(counts: dict[int, int], seed: int, exclude: frozenset[str] = frozenset()) -> Sample:
    """Draw distinct molecules, so many of each size.

    Args:
        counts: heavy atoms → number of molecules wanted. A size whose space is
            smaller gives what it has: it ends when 200 members in a row were known.
        seed: of the random generator.
        exclude: canonical SMILES that must not be drawn.

    Returns:
        The molecules, size by size, and the counts of rejections.
    """
    rng = np.random.default_rng(seed)
    rejected: Counter = Counter()
    found: dict[str, None] = {}
    accepted = 0
    for size, wanted in counts.items():
        of_size = stale = 0
        while of_size < wanted and stale < 200:
            smiles = canonical_smiles(random_member(rng, size, rejected))
            accepted += 1
            if smiles in found or smiles in exclude:
                stale += 1
                continue
            found[smiles] = None
            of_size, stale = of_size + 1, 0
    return Sample(tuple(found), accepted + sum(rejected.values()), dict(rejected.most_common()))
