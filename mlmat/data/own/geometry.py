"""Can these atoms be a structure, and which structures are the same?"""

from __future__ import annotations

import hashlib

import ase
import numpy as np
from ase.data import covalent_radii
from vesin import ase_neighbor_list

CLOSEST = 0.5
"""Å; no two nuclei of a real structure come so close (H2: 0.74)."""

REACH = 4.0
"""Å; distances up to here tell one crystal from another."""

DENSE = 200
"""Atoms of a molecule up to which all its distances are computed."""


def check_structure(atoms: ase.Atoms) -> str | None:
    """Why these atoms cannot be a three-dimensional structure, or None if they can.

    Flat molecules pass; a drawing is flat too, but leaves out hydrogens, crowds four
    neighbours into the plane, or makes all bonds equally long.
    """
    if len(atoms) == 0:
        return "it holds no atoms"
    if (atoms.numbers < 1).any():
        return f"unknown element {atoms.symbols[int(np.argmin(atoms.numbers))]!r}"
    if not np.isfinite(atoms.positions).all() or not np.isfinite(atoms.cell.array).all():
        return "a coordinate is NaN or infinite"
    if atoms.pbc.any() and abs(np.linalg.det(atoms.cell.complete().array)) < 1e-3:
        return "its cell has no volume"
    if atoms.pbc.any() and not all(atoms.cell.lengths()[atoms.pbc] > 0):
        return "it is periodic without a cell"
    i, j, distance = _pairs(atoms, CLOSEST)
    if len(distance):
        k = int(distance.argmin())
        return f"atoms {i[k]} and {j[k]} overlap ({distance[k]:.2f} Å apart)"
    return _drawing(atoms)


def _drawing(atoms: ase.Atoms) -> str | None:
    if atoms.pbc.any() or len(atoms) < 5 or np.ptp(atoms.positions[:, 2]) > 1e-6:
        return None
    text = "all atoms lie in one plane like a drawing ({}): give three-dimensional coordinates"
    i, j, distance = _pairs(atoms, 2.2)
    nearest = np.full(len(atoms), np.inf)
    np.minimum.at(nearest, i, distance)
    hydrogens, symbols = atoms.numbers == 1, set(atoms.symbols)
    if hydrogens.any() and (nearest[hydrogens] > 1.3).all():
        return text.format("bonds of hydrogen as long as the others")
    bare = "C" in symbols and len(symbols) > 1 and not symbols & {"H", "F", "Cl", "Br", "I"}
    if bare and np.ptp(nearest) < 0.02 * nearest.min():
        return text.format("hydrogens are missing and all bonds equally long")
    radii = covalent_radii[atoms.numbers]
    bonds = np.bincount(i[distance < 1.25 * (radii[i] + radii[j])], minlength=len(atoms))
    if set(atoms.symbols[bonds >= 4]) & {"C", "Si", "N", "P", "S"}:
        return text.format("four neighbours around one atom")
    return None


def _pairs(atoms: ase.Atoms, cutoff: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices and distance (Å) of all ordered pairs nearer than `cutoff`, images included."""
    if atoms.pbc.any() or len(atoms) > DENSE:
        return ase_neighbor_list("ijd", atoms, cutoff)
    # A few atoms need no list of neighbours; building one takes ten times longer.
    distance = np.linalg.norm(atoms.positions[:, None] - atoms.positions, axis=-1)
    np.fill_diagonal(distance, np.inf)
    i, j = np.nonzero(distance < cutoff)
    return i, j, distance[i, j]


def identity_of_structure(atoms: ase.Atoms) -> str:
    """Composition and a hash of the sorted distances, to 0.01 Å, by pair of elements.

    It does not change when atoms are renumbered, rotated or shifted. Distances are all
    of them in a molecule, those up to `REACH` where the structure is periodic. Mirror
    images share it; a supercell does not share that of its cell.
    """
    if atoms.pbc.any():
        i, j, distance = _pairs(atoms, REACH)
    else:
        i, j = np.triu_indices(len(atoms), 1)
        distance = np.linalg.norm(atoms.positions[i] - atoms.positions[j], axis=1)
    low, high = np.minimum(atoms.numbers[i], atoms.numbers[j]), np.maximum(atoms.numbers[i], atoms.numbers[j])
    pair = low * 128 + high
    order = np.lexsort((distance, pair))
    rounded = np.round(distance[order] * 100).astype(np.int32)
    digest = hashlib.sha256(pair[order].astype(np.int32).tobytes() + rounded.tobytes()).hexdigest()[:16]
    return f"{atoms.get_chemical_formula()} {digest}"
