"""Deformations of a prototype that keep its symmetry.

The operations of the prototype (rotations with integer matrices in its cell, with their translations)
are found by trial; a strain or a displacement of the sites keeps the symmetry if its mean over the
operations is itself.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from mlmat.design.crystals.prototypes import Prototype

SAME = 1e-6
"""Differences of coordinates below this are none."""


def operations(prototype: Prototype) -> list[tuple[np.ndarray, np.ndarray]]:
    """Symmetry operations that map each group onto itself.

    Returns:
        Rotations ``[3, 3]`` (Cartesian, ``r' = R r``) with the site ``[n]`` that each site comes to.
    """
    cell, sites = np.array(prototype.cell), np.array(prototype.positions)
    kinds, metric = prototype.group_of, cell @ cell.T
    # Entries beyond ±1 do not occur for reduced cells.
    vectors = np.array(list(product((-1, 0, 1), repeat=3)))
    lengths = np.einsum("ni,ij,nj->n", vectors, metric, vectors)
    rows = [vectors[np.abs(lengths - metric[k, k]) < SAME] for k in range(3)]
    found = []
    for matrix in map(np.array, product(*rows)):
        if np.abs(matrix @ metric @ matrix.T - metric).max() > SAME:
            continue
        # Row k of the matrix is the image of the k-th cell vector.
        turned = sites @ matrix
        for shift in sites[kinds == kinds[0]] - turned[0]:
            away = (turned + shift)[:, None] - sites
            same = (np.abs(away - np.rint(away)) < SAME).all(axis=-1) & (kinds[:, None] == kinds)
            if same.any(axis=1).all():
                rotation = np.linalg.solve(cell, matrix @ cell).T
                found.append((rotation, same.argmax(axis=1)))
    return found


def deformations(prototype: Prototype, symmetric: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal basis of the strains and displacements of the sites.

    Args:
        prototype: the sites.
        symmetric: only those that keep the prototype's symmetry.

    Returns:
        Strains ``[m, 3, 3]`` (symmetric matrices) and displacements ``[m, n, 3]`` (Cartesian, in lattice
        constants, without a shift of the whole), one of them zero in each mode.
    """
    n = len(prototype.positions)
    six = np.zeros((6, 3, 3))
    for row, (i, j) in enumerate(((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))):
        six[row, i, j] = six[row, j, i] = 1.0 if i == j else np.sqrt(0.5)
    centred = np.kron(np.eye(n) - 1 / n, np.eye(3))
    strain, shift = np.eye(6), centred
    if symmetric:
        group = operations(prototype)
        strain = np.mean([[[np.sum(a * (r @ b @ r.T)) for b in six] for a in six] for r, _ in group], axis=0)
        moved = np.zeros((3 * n, 3 * n))
        for rotation, to in group:
            moved += np.kron(_permutation(to), rotation)
        shift = centred @ (moved / len(group)) @ centred
    strains = _kept(strain) @ six.reshape(6, 9)
    shifts = _kept(shift)
    m, k = len(strains), len(shifts)
    return (
        np.concatenate([strains.reshape(m, 3, 3), np.zeros((k, 3, 3))]),
        np.concatenate([np.zeros((m, n, 3)), shifts.reshape(k, n, 3)]),
    )


def _permutation(to: np.ndarray) -> np.ndarray:
    """Matrix that brings what is on site i to site ``to[i]``."""
    matrix = np.zeros((len(to), len(to)))
    matrix[to, np.arange(len(to))] = 1
    return matrix


def _kept(projector: np.ndarray) -> np.ndarray:
    """Orthonormal rows that span what a projector keeps."""
    values, vectors = np.linalg.eigh((projector + projector.T) / 2)
    return vectors[:, values > 0.5].T
