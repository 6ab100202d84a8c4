"""Kernels of molecules summed over atoms: size-extensive by construction.

    K(A, B) = Σ_{a ∈ A} Σ_{b ∈ B} δ(Z_a, Z_b) k(x_a, x_b)

A. P. Bartók, R. Kondor, G. Csányi, Phys. Rev. B 87, 184115 (2013). A prediction is then a sum of
atomic energies, E(A) = Σ_a [ e(Z_a) + Σ_b w_B(b) δ(Z_a, Z_b) k(x_a, x_b) ], and two molecules far
apart have the sum of their energies, which no kernel of whole molecules gives. The energies
e(Z) of single elements, fitted linearly, take the place of the mean of the targets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.errors import InputError
from mlmat.learners.cholesky import factorise, solve
from mlmat.learners.gram import run_blocks
from mlmat.typing import Array

ATOMS = 2000
"""Atoms in a block of the kernel matrix."""


class Atoms(NamedTuple):
    """The atoms of a set of molecules, molecule after molecule.

    Attributes:
        x: ``[A, D]`` descriptor of each atom.
        numbers: ``[A]`` atomic numbers.
        n_atoms: ``[m]`` atoms of each molecule.
    """

    x: Array
    numbers: Array
    n_atoms: Array


class LocalState(NamedTuple):
    """A fit: what `predict` needs.

    Attributes:
        x: ``[A, D]`` descriptors of the training atoms.
        numbers: ``[A]`` their atomic numbers.
        weights: ``[A, P]`` weight of each atom: that of its molecule.
        elements: ``[E]`` atomic numbers.
        energies: ``[E, P]`` e(Z).
    """

    x: Array
    numbers: Array
    weights: Array
    elements: Array
    energies: Array


def local_gram(kernel: Callable, atoms: Atoms, others: Atoms | None = None) -> np.ndarray:
    """Kernel matrix ``[m, m']`` of molecules, in float64; `others` default to `atoms` themselves.

    Args:
        kernel: ``k(x, y)`` of atoms, computed in their precision.
        atoms: first molecules.
        others: second molecules.
    """
    same = others is None
    others = atoms if others is None else others
    total = np.zeros((len(atoms.n_atoms), len(others.n_atoms)))
    for element in np.intersect1d(atoms.numbers, others.numbers):
        left = _blocks(atoms, element)
        right = left if same else _blocks(others, element)

        def part(i: int, j: int, left: list = left, right: list = right) -> tuple:
            (x, rows), (y, columns) = left[i], right[j]
            values = np.asarray(kernel(x, y), np.float64)[: len(rows), : len(columns)]
            return _runs(rows), _runs(columns), values

        places = [(i, j) for i in range(len(left)) for j in range(i + 1 if same else len(right))]
        for (i, j), (rows, columns, values) in zip(places, run_blocks(part, places), strict=True):
            # Atoms of one molecule are neighbours, so sums over runs are sums over molecules.
            summed = np.add.reduceat(np.add.reduceat(values, rows[1], axis=0), columns[1], axis=1)
            total[np.ix_(rows[0], columns[0])] += summed
            if same and i != j:
                total[np.ix_(columns[0], rows[0])] += summed.T
    return total


def fit(
    kernel_matrix: np.ndarray, atoms: Atoms, y: np.ndarray, *, regularisation: float, overwrite: bool = False
) -> LocalState:
    """Fit by kernel ridge regression.

    Args:
        kernel_matrix: ``[m, m]`` of `local_gram`, made once for many λ.
        atoms: the training molecules.
        y: ``[m, P]`` energies.
        regularisation: λ.
        overwrite: use the memory of `kernel_matrix`.

    Raises:
        InputError: targets not ``[m, P]``, or too ill-conditioned a matrix for this λ.
    """
    y = np.asarray(y, np.float64)
    if y.ndim != 2 or len(y) != len(atoms.n_atoms):
        raise InputError(f"{len(atoms.n_atoms)} molecules need targets [m, P], not {y.shape}: reshape them")
    elements = np.unique(atoms.numbers)
    counts = composition(atoms, elements)
    energies = np.linalg.lstsq(counts, y, rcond=None)[0]
    factor = factorise(kernel_matrix, regularisation, overwrite=overwrite)
    weights = solve(factor, y - counts @ energies)
    return LocalState(
        np.asarray(atoms.x),
        np.asarray(atoms.numbers),
        np.repeat(weights, atoms.n_atoms, axis=0),
        elements,
        energies,
    )


def composition(atoms: Atoms, elements: np.ndarray) -> np.ndarray:
    """How often each element occurs, ``[m, E]``; other elements are not counted."""
    molecule = np.repeat(np.arange(len(atoms.n_atoms)), atoms.n_atoms)
    counts = np.zeros((len(atoms.n_atoms), len(elements)))
    np.add.at(counts, molecule, np.asarray(atoms.numbers)[:, None] == elements)
    return counts


def atomic_energies(state: LocalState, x: jax.Array, numbers: jax.Array, *, kernel: Callable) -> jax.Array:
    """Contribution ``[A, P]`` of each atom; their sum is the energy. Differentiable in `x`.

    Args:
        state: from `fit`.
        x: ``[A, D]``.
        numbers: ``[A]``; an atom of an element never seen, padding among them, contributes 0.
        kernel: as in `local_gram`.
    """
    matrix = kernel(x, jnp.asarray(state.x))
    same = (numbers[:, None] == jnp.asarray(state.numbers)).astype(matrix.dtype)
    known = (numbers[:, None] == jnp.asarray(state.elements)).astype(matrix.dtype)
    weights, energies = (jnp.asarray(part, matrix.dtype) for part in (state.weights, state.energies))
    return (matrix * same) @ weights + known @ energies


def predict_molecules(
    state: LocalState, kernel_matrix: np.ndarray, atoms: Atoms, weights: np.ndarray
) -> np.ndarray:
    """Energies ``[m, P]`` from a kernel matrix ``[m, training molecules]`` and the weights of molecules.

    For many molecules on the host: `kernel_matrix` is ``local_gram(kernel, atoms, training)``.
    """
    return kernel_matrix @ weights + composition(atoms, state.elements) @ state.energies


def _blocks(atoms: Atoms, element: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Atoms of an element in blocks of one size: descriptors (filled up), molecules (not)."""
    molecule = np.repeat(np.arange(len(atoms.n_atoms)), atoms.n_atoms)
    chosen = np.flatnonzero(np.asarray(atoms.numbers) == element)
    x, blocks = np.asarray(atoms.x), []
    for start in range(0, len(chosen), ATOMS):
        rows = chosen[start : start + ATOMS]
        size = ATOMS if len(chosen) > ATOMS else len(rows)
        blocks.append((x[np.take(rows, np.arange(size), mode="clip")], molecule[rows]))
    return blocks


def _runs(molecules: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Molecules of a sorted list, and where each begins."""
    return np.unique(molecules, return_index=True)
