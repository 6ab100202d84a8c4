"""Breeding of molecules: crossover and mutation of Kekulé graphs, until a child is a member of the space.

J. H. Jensen, "A graph-based genetic algorithm and generative model/Monte Carlo tree search
for the exploration of chemical space", Chem. Sci. 10, 3567 (2019).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence

import numpy as np
from rdkit import Chem

from mlmat.design.members import is_new
from mlmat.design.molecules.graph_cuts import crossover
from mlmat.design.molecules.kekule import Graph
from mlmat.design.molecules.mutations import mutate
from mlmat.design.searchers.genetic import ATTEMPTS, GeneticConfig
from mlmat.graphs.chemistry import (
    canonical_smiles,
    graph_from_molecule,
    molecule_from_graph,
    parse_smiles,
    silence_rdkit,
)
from mlmat.graphs.stability import first_violation


def as_member(graph: Graph | None, capacity: int, seen: Collection[str] = ()) -> str:
    """Canonical SMILES of a graph that is a member of the space, and new.

    Args:
        graph: what an edit made; None if it does not apply.
        capacity: most heavy atoms.
        seen: canonical SMILES of members that do not count as new.

    Raises:
        ValueError: it is not; the message is the reason.
    """
    if graph is None:
        raise ValueError("edit does not apply")
    if not 1 <= len(graph.types) <= capacity:
        raise ValueError("size")
    try:
        molecule = molecule_from_graph(*graph)
    except (ValueError, Chem.MolSanitizeException) as error:
        raise ValueError("not a molecule") from error
    smiles = canonical_smiles(molecule)
    if smiles in seen:  # asked first: the rules of the space take longer
        raise ValueError("found before")
    violation = first_violation(molecule)
    if violation is not None:
        raise ValueError(violation)
    return smiles


def graph_of(smiles: str) -> Graph:
    """Kekulé graph of a SMILES, always in the same atom order."""
    return Graph(*graph_from_molecule(parse_smiles(smiles)))


def breed(
    rng: np.random.Generator,
    graphs: Sequence[Graph],
    count: int,
    capacity: int,
    seen: Collection[str],
    lost: Counter,
    allowed: Callable[[str], bool] | None = None,
    config: GeneticConfig | None = None,
) -> list[str]:
    """New members of the space from parents.

    Args:
        rng: source of randomness.
        graphs: parents, best first.
        count: children wanted.
        capacity: most heavy atoms.
        seen: canonical SMILES that do not count as new.
        lost: counter of the reasons why a child was dropped, updated in place.
        allowed: whether a canonical SMILES may be submitted.
        config: mutation rate and selection pressure.

    Returns:
        Distinct canonical SMILES, fewer than `count` if the parents have no more to give.
    """
    config = config or GeneticConfig()

    def parent() -> Graph:
        return graphs[int(rng.integers(len(graphs), size=config.pressure).min())]

    found: dict[str, None] = {}
    with silence_rdkit():
        for _ in range(ATTEMPTS * count):
            if len(found) == count:
                break
            mutated = rng.random() < config.mutation
            # Half of the mutants have one parent: a small step from a good molecule.
            child = parent() if mutated and rng.random() < 0.5 else crossover(rng, parent(), parent())
            if mutated and child is not None:
                child = mutate(rng, child)
            try:
                smiles = as_member(child, capacity, seen)
            except ValueError as reason:
                lost[str(reason)] += 1
                continue
            if is_new(smiles, found, allowed, lost):
                found[smiles] = None
    return list(found)
