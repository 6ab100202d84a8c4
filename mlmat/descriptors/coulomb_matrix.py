"""The Coulomb matrix, and four ways to make it blind to the order of atoms.

M. Rupp, A. Tkatchenko, K.-R. Müller, O. A. von Lilienfeld, Phys. Rev. Lett. 108, 058301
(2012), eq. 2:

    M_II = ½ Z_I^2.4,   M_IJ = Z_I Z_J / |R_I − R_J|        in atomic units: lengths in bohr

Positions come in Å, as everywhere, and are converted here. The unit is part of the
representation: with lengths in Å by mistake the off-diagonal entries are half as large, the
matrix is no longer nearly positive definite, and the order of eigenvalues by magnitude
scrambles between similar molecules (three times the error on QM7).

All functions are pure and differentiable, and take leading batch axes. Padding is atomic
number 0; its rows and columns are zero, which is also how a matrix knows its padding.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from mlmat.units import BOHR

EXPONENT = 2.4
"""Of the diagonal, fitted by Rupp et al. to energies of free atoms."""


def coulomb_matrix(numbers: jax.Array, positions: jax.Array) -> jax.Array:
    """The raw matrix.

    Args:
        numbers: ``[..., n]`` atomic numbers, 0 is padding.
        positions: ``[..., n, 3]`` Å; of padding anything.

    Returns:
        ``[..., n, n]`` hartree.
    """
    # Whole numbers times float32 positions would otherwise promote to float64 under x64.
    charges = jnp.asarray(numbers).astype(jnp.asarray(positions).dtype)
    n = charges.shape[-1]
    pair = (numbers[..., :, None] > 0) & (numbers[..., None, :] > 0) & ~jnp.eye(n, dtype=bool)
    difference = (positions[..., :, None, :] - positions[..., None, :, :]) / BOHR
    # Twice where, so that the square root has a finite derivative where there is no pair.
    squared = jnp.where(pair, (difference**2).sum(-1), 1.0)
    repulsion = charges[..., :, None] * charges[..., None, :] / jnp.sqrt(squared)
    return jnp.where(
        pair, repulsion, 0.5 * charges[..., :, None] ** EXPONENT * jnp.eye(n, dtype=charges.dtype)
    )


def eigenspectrum(matrix: jax.Array) -> jax.Array:
    """Eigenvalues by falling magnitude: Rupp's descriptor.

    Padding adds zeros at the end. Not injective: other molecules can share a spectrum. The
    derivative is the Hellmann-Feynman one, v_kᵀ (∂M) v_k, finite for degenerate eigenvalues;
    do not differentiate twice.

    Args:
        matrix: ``[..., n, n]``.

    Returns:
        ``[..., n]`` hartree.
    """
    _, vectors = jnp.linalg.eigh(jax.lax.stop_gradient(matrix))
    values = jnp.einsum("...ik,...ij,...jk->...k", vectors, matrix, vectors)
    order = jnp.argsort(-jnp.abs(values), axis=-1, stable=True)
    return jnp.take_along_axis(values, order, axis=-1)


def row_norms(matrix: jax.Array) -> jax.Array:
    """Euclidean norms of the rows ``[..., n]``; −∞ for padding, so that it sorts last."""
    real = jnp.diagonal(matrix, axis1=-2, axis2=-1) > 0
    squared = jnp.where(real, (matrix**2).sum(-1), 1.0)
    return jnp.where(real, jnp.sqrt(squared), -jnp.inf)


def sort_rows(matrix: jax.Array) -> jax.Array:
    """Rows and columns permuted together, by falling norm of the row.

    Rupp et al.; the order jumps where two norms cross, so a prediction does, too. Ties keep
    the order of the atoms.

    Args:
        matrix: ``[..., n, n]``.
    """
    return _permuted(matrix, jnp.argsort(-row_norms(matrix), axis=-1, stable=True))


def sort_rows_randomly(matrix: jax.Array, key: jax.Array, noise: float = 1.0) -> jax.Array:
    """Rows and columns sorted by norm plus Gaussian noise: one draw of a random Coulomb matrix.

    G. Montavon et al., New J. Phys. 15, 095003 (2013): several copies of each molecule smooth
    the jumps of the sorted matrix. Train on all copies; predict the mean over copies of the
    *predictions*; keep all copies of a molecule on one side of a split.

    Args:
        matrix: ``[..., n, n]``.
        key: random key; other copies come from other keys.
        noise: standard deviation, hartree.
    """
    norms = row_norms(matrix)
    noisy = norms + noise * jax.random.normal(key, norms.shape, norms.dtype)
    return _permuted(matrix, jnp.argsort(-noisy, axis=-1, stable=True))


def upper_triangle(matrix: jax.Array) -> jax.Array:
    """Each entry once: ``[..., n, n]`` → ``[..., n (n + 1) / 2]``, diagonal included."""
    rows, columns = jnp.triu_indices(matrix.shape[-1])
    return matrix[..., rows, columns]


def _permuted(matrix: jax.Array, order: jax.Array) -> jax.Array:
    rows = jnp.take_along_axis(matrix, order[..., :, None], axis=-2)
    return jnp.take_along_axis(rows, order[..., None, :], axis=-1)
