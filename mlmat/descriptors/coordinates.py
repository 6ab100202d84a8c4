"""From SMILES to nuclear charges and coordinates: what the geometric descriptors start from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rdkit import Chem

from mlmat.descriptors.padding import dense_molecules
from mlmat.errors import SmilesError
from mlmat.oracles.conformers import SEED, start_geometry


def coordinates_with_charges(
    smiles: Sequence[str], size: int | None = None, seed: int = SEED
) -> tuple[np.ndarray, np.ndarray]:
    """Force-field geometries of molecules, hydrogens included, padded to rows.

    Args:
        smiles: molecules.
        size: atoms of a row; default: those of the largest molecule.
        seed: of the conformer search.

    Returns:
        Nuclear charges ``[m, size]``, 0 is padding; positions ``[m, size, 3]`` Å.

    Raises:
        SmilesError: a SMILES that RDKit cannot read or embed.
        CapacityError: a molecule is larger than `size`.
    """
    charges, positions = [], []
    for text in smiles:
        molecule = Chem.MolFromSmiles(text)
        if molecule is None:
            raise SmilesError(text)
        found = start_geometry(molecule, seed)
        if found is None:
            raise SmilesError(text, "RDKit finds no geometry for it")
        charges.append([atom.GetAtomicNum() for atom in found[0].GetAtoms()])
        positions.append(found[1])
    n_atoms = np.array([len(row) for row in charges])
    return dense_molecules(n_atoms, np.concatenate(charges), np.concatenate(positions), size)
