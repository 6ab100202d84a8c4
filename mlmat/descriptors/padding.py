"""The dense layout of molecules: one row each, padded with atomic number 0."""

from __future__ import annotations

import numpy as np

from mlmat.errors import CapacityError


def dense_molecules(
    n_atoms: np.ndarray, numbers: np.ndarray, positions: np.ndarray, size: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Ragged molecules, one after the other, → padded rows.

    Args:
        n_atoms: ``[m]`` atoms of each molecule.
        numbers: ``[A]`` atomic numbers of all molecules.
        positions: ``[A, 3]`` Å.
        size: atoms of a row; default: those of the largest molecule.

    Returns:
        Atomic numbers ``[m, size]``, int32, 0 is padding; positions ``[m, size, 3]`` Å, float64,
        zero for padding.

    Raises:
        CapacityError: a molecule is larger than `size`.
    """
    n_atoms = np.asarray(n_atoms, np.int64)
    largest = int(n_atoms.max(initial=0))
    size = largest if size is None else size
    if largest > size:
        raise CapacityError(f"a molecule has {largest} atoms, rows have {size}: set size={largest}")
    filled = np.arange(size) < n_atoms[:, None]
    padded = np.zeros(filled.shape, np.int32), np.zeros((*filled.shape, 3))
    padded[0][filled], padded[1][filled] = numbers, positions
    return padded
