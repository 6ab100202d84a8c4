"""Text of a CIF → ASE atoms, quickly where there is no symmetry to expand."""

from __future__ import annotations

import io
import warnings

import ase
from ase.io.cif import CIFBlock, parse_cif
from scipy.spatial import cKDTree

SAME = 1e-3
"""Sites are one if no fractional coordinate differs by more, as in ASE."""


def read_cif(text: str) -> list[ase.Atoms]:
    """Every structure of a CIF, as ``ase.io.read(..., index=":")`` gives it.

    Raises:
        Exception: whatever ASE's parser raises at what is no CIF.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        blocks = parse_cif(io.StringIO(text))
        return [_plain(block) or block.get_atoms() for block in blocks if block.has_structure()]


def _plain(block: CIFBlock) -> ase.Atoms | None:
    """The sites as they are listed, if they are all there is; None: ASE shall work it out.

    ASE compares every site with every other in Python, twenty seconds for a cell of 2,000 atoms, also
    where the identity is the only operation.
    """
    sites = block.get_unsymmetrized_structure()
    if sites.cell.rank < 3 or len(block.get_spacegroup(True).get_symop()) > 1:
        return None
    occupancies = block.get("_atom_site_occupancy", [])
    if not all(isinstance(share, int | float) and share == 1 for share in occupancies):
        return None
    # Twice: a coordinate a hair below 0 is 1 after the first time.
    fractions = sites.get_scaled_positions() % 1.0 % 1.0
    if cKDTree(fractions, boxsize=1.0).query_pairs(SAME, p=float("inf")):
        return None
    return ase.Atoms(sites.get_chemical_symbols(), scaled_positions=fractions, cell=sites.cell, pbc=True)
