"""Kernel ridge regression on Coulomb matrices as a subject of a law card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import ase
import jax
import jax.numpy as jnp
import numpy as np

from mlmat.analysis.laws.law import Subject
from mlmat.descriptors.coulomb_matrix import coulomb_matrix, sort_rows, upper_triangle
from mlmat.learners.kernel_ridge import fit, predict_stream
from mlmat.learners.kernels import kernel

ATOMS = 80
"""Padded size: the longest alkane of the card has 74 atoms. The matrix has no other size."""

WIDTH = 4000.0
REGULARISATION = 1e-8
ROWS = 250


def descriptors(structures: Sequence[ase.Atoms], order: Literal["given", "sorted"]) -> np.ndarray:
    """Upper triangles ``[N, D]`` of padded Coulomb matrices, float64."""
    parts = []
    with jax.enable_x64(True):
        for first in range(0, len(structures), ROWS):
            some = structures[first : first + ROWS]
            numbers, positions = np.zeros((ROWS, ATOMS), int), np.zeros((ROWS, ATOMS, 3))
            for row, atoms in enumerate(some):
                numbers[row, : len(atoms)], positions[row, : len(atoms)] = atoms.numbers, atoms.positions
            matrix = coulomb_matrix(jnp.asarray(numbers), jnp.asarray(positions))
            matrix = sort_rows(matrix) if order == "sorted" else matrix
            parts.append(np.asarray(upper_triangle(matrix))[: len(some)])
    return np.concatenate(parts)


def coulomb_subject(
    order: Literal["given", "sorted"],
    structures: Sequence[ase.Atoms],
    energies: np.ndarray,
    elements: tuple[str, ...],
) -> Subject:
    """Fit a Laplacian kernel to some molecules.

    Args:
        order: of the atoms: as they are given, or by the norm of their rows.
        structures: training molecules.
        energies: ``[N]`` eV.
        elements: that they have.
    """
    laplacian = kernel("laplacian", "l1", WIDTH)
    with jax.enable_x64(True):
        state = fit(descriptors(structures, order), energies, kernel=laplacian, regularisation=REGULARISATION)

    def values(some: Sequence[ase.Atoms]) -> np.ndarray:
        with jax.enable_x64(True):
            return np.asarray(predict_stream(state, descriptors(some, order), kernel=laplacian, rows=ROWS))

    return Subject(f"Coulomb matrix, {order} order", "energy", "eV", elements, True, values)
