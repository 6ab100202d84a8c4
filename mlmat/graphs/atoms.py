"""Structures of other libraries → `ase.Atoms`, by what they offer and without importing them."""

from __future__ import annotations

from typing import Any

import ase
import numpy as np

from mlmat.errors import InputError


def as_atoms(structure: Any) -> ase.Atoms:
    """`ase.Atoms` of a structure of ASE or pymatgen.

    Args:
        structure: `ase.Atoms`, which comes back as it is; a `Structure` (with a lattice: periodic
            in all directions) or a `Molecule` of pymatgen.

    Raises:
        InputError: something else, or a crystal with sites that several elements share.
    """
    if isinstance(structure, ase.Atoms):
        return structure
    if not (hasattr(structure, "cart_coords") and hasattr(structure, "is_ordered")):
        raise InputError(
            f"{type(structure).__name__} is no structure: give ase.Atoms, or pymatgen's Structure or Molecule"
        )
    if not structure.is_ordered:
        raise InputError("some sites are partly occupied: give an ordered cell")
    numbers = [int(site.specie.Z) for site in structure]
    positions = np.asarray(structure.cart_coords, float).reshape(-1, 3)
    if not hasattr(structure, "lattice"):
        return ase.Atoms(numbers, positions)
    pbc = getattr(structure.lattice, "pbc", True)
    return ase.Atoms(numbers, positions, cell=np.asarray(structure.lattice.matrix, float), pbc=pbc)
