"""Molecules as soft graphs: from RDKit or SMILES, to padded batches, and back.

Host code: arrays are NumPy, ready to be handed to a device in one piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from rdkit import Chem

from mlmat.errors import CapacityError, InputError
from mlmat.graphs.chemistry import (
    ELEMENTS,
    graph_from_molecule,
    kekule_forms,
    molecule_from_graph,
    parse_smiles,
)
from mlmat.typing import SoftGraph


def soft_graph(types: np.ndarray, bonds: np.ndarray, capacity: int | None = None) -> SoftGraph:
    """Integer graph → one-hot `SoftGraph`, padded to `capacity` atoms.

    Args:
        types: ``[n]`` indices into `ELEMENTS`.
        bonds: ``[n, n]`` integer bond orders.
        capacity: padded number of atoms; default: no padding.

    Raises:
        CapacityError: more atoms than `capacity`.
    """
    n = len(types)
    capacity = n if capacity is None else capacity
    if n > capacity:
        raise CapacityError(
            f"a molecule of {n} heavy atoms does not fit into {capacity}: use capacity >= {n}"
        )
    graph = SoftGraph(
        types=np.zeros((capacity, len(ELEMENTS)), np.float32),
        bonds=np.zeros((capacity, capacity), np.float32),
        mask=np.zeros(capacity, np.float32),
    )
    graph.types[np.arange(n), types] = 1
    graph.bonds[:n, :n] = bonds
    graph.mask[:n] = 1
    return graph


def from_molecule(molecule: Chem.Mol, capacity: int | None = None) -> SoftGraph:
    """RDKit molecule → `SoftGraph` of its first Kekulé form."""
    return soft_graph(*graph_from_molecule(molecule), capacity)


def from_smiles(smiles: str | Sequence[str], capacity: int | None = None) -> SoftGraph:
    """SMILES, or a list of them → `SoftGraph`; a list is stacked to one batch.

    Args:
        smiles: one string, or several.
        capacity: padded number of heavy atoms; default: the largest molecule.

    Raises:
        SmilesError, UnknownElementError, CapacityError: see `parse_smiles`.
        InputError: an empty list.
    """
    if isinstance(smiles, str):
        return from_molecule(parse_smiles(smiles), capacity)
    molecules = [parse_smiles(s) for s in smiles]
    if not molecules:
        raise InputError("no SMILES given: a batch needs at least one molecule")
    capacity = capacity or max(m.GetNumAtoms() for m in molecules)
    return stack([from_molecule(m, capacity) for m in molecules])


def all_forms(molecule: Chem.Mol, capacity: int | None = None, limit: int = 8) -> list[SoftGraph]:
    """One `SoftGraph` for every Kekulé form of a molecule, up to `limit`."""
    types, _ = graph_from_molecule(molecule)
    return [soft_graph(types, bonds, capacity) for bonds in kekule_forms(molecule, limit)]


def stack(graphs: Sequence[SoftGraph]) -> SoftGraph:
    """Stack graphs of one capacity along a new first axis."""
    return SoftGraph(*(np.stack(leaves) for leaves in zip(*graphs, strict=True)))


def to_molecule(graph: SoftGraph) -> Chem.Mol:
    """Integer `SoftGraph` → RDKit molecule, the inverse of `from_molecule`.

    Raises:
        InputError: the graph is not integer, or its molecule is impossible.
    """
    atoms = np.asarray(graph.mask) > 0
    types = np.asarray(graph.types)[atoms]
    bonds = np.asarray(graph.bonds)[atoms][:, atoms]
    if not np.allclose(types.max(axis=-1), 1, atol=1e-4) or not np.allclose(bonds, bonds.round(), atol=1e-4):
        raise InputError("the graph lies between molecules: round it first (mlmat.design realises designs)")
    return molecule_from_graph(types.argmax(axis=-1), bonds.round().astype(int))


@dataclass(frozen=True)
class SoftGraphEncoder:
    """SMILES → `SoftGraph` of its first Kekulé form: the encoder of predictors that design climbs.

    Attributes:
        capacity: padded number of heavy atoms.
    """

    capacity: int
    kind: ClassVar[str] = "smiles"
    elements: ClassVar[tuple[str, ...]] = ELEMENTS

    def __call__(self, smiles: str) -> SoftGraph:
        """Encode one molecule.

        Raises:
            SmilesError, UnknownElementError, CapacityError: see `parse_smiles`.
        """
        return from_smiles(smiles, self.capacity)
