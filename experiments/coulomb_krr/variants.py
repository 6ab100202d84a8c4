"""What the experiment compares: representations of a molecule, kernels and their grids."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np

from mlmat.descriptors import coulomb_matrix as cm
from mlmat.units import BOHR

BLOCK = 500
"""Molecules whose matrices are made at a time."""


class Variant(NamedTuple):
    """One way to learn an energy.

    Attributes:
        representation: a key of `REPRESENTATIONS`.
        profile: of the kernel.
        metric: of the kernel.
        widths: σ of the grid.
        regularisations: λ of the grid.
        targets: ``"energy"``, ``"delta"`` or both: PBE0, and PBE0 less DFTB.
        rows: molecules for the fits of the grid.
    """

    representation: str
    profile: str
    metric: str
    widths: tuple[float, ...]
    regularisations: tuple[float, ...]
    targets: tuple[str, ...] = ("energy",)
    rows: int = 2500


VARIANTS = {
    "eigenspectrum, Gaussian": Variant(
        "eigenspectrum", "gaussian", "l2", (100, 200, 300, 500, 1000), (1e-10, 1e-8, 1e-6, 1e-4)
    ),
    "eigenspectrum, Laplacian": Variant(
        "eigenspectrum", "laplacian", "l1", (250, 500, 1000, 2000, 4000), (1e-8, 1e-6, 1e-4, 1e-2)
    ),
    "eigenspectrum in Å by mistake, Gaussian": Variant(
        "eigenspectrum in Å", "gaussian", "l2", (30, 100, 300, 1000), (1e-8, 1e-6, 1e-5, 1e-4, 1e-2)
    ),
    "sorted, Gaussian": Variant(
        "sorted", "gaussian", "l2", (100, 200, 400, 800), (1e-8, 1e-6, 1e-4)
    ),
    "sorted, Laplacian": Variant(
        "sorted",
        "laplacian",
        "l1",
        (500, 1000, 2000, 4000, 8000),
        (1e-12, 1e-10, 1e-8, 1e-6),
        ("energy", "delta"),
    ),
    "randomly sorted, Laplacian": Variant(
        "randomly sorted",
        "laplacian",
        "l1",
        (2000, 4000, 8000),
        (1e-10, 1e-8, 1e-6),
        ("energy", "delta"),
        1500,
    ),
}  # fmt: skip


def _random_copies(matrix: jax.Array, seed: int, copies: int) -> jax.Array:
    """``[copies, m, D]``; a block of molecules has its own keys."""
    keys = jax.random.split(jax.random.key(seed), copies)
    return jax.vmap(lambda key: cm.upper_triangle(cm.sort_rows_randomly(matrix, key)))(keys)


REPRESENTATIONS: dict[str, Callable] = {
    "eigenspectrum": lambda z, r, seed, copies: cm.eigenspectrum(cm.coulomb_matrix(z, r))[None],
    # Å taken for bohr.
    "eigenspectrum in Å": lambda z, r, seed, copies: cm.eigenspectrum(cm.coulomb_matrix(z, r * BOHR))[None],
    "sorted": lambda z, r, seed, copies: cm.upper_triangle(cm.sort_rows(cm.coulomb_matrix(z, r)))[None],
    "randomly sorted": lambda z, r, seed, copies: _random_copies(cm.coulomb_matrix(z, r), seed, copies),
}


def represent(name: str, numbers: np.ndarray, positions: np.ndarray, seed: int, copies: int) -> np.ndarray:
    """Descriptors of padded molecules, ``[copies, m, D]`` float64; one copy unless random."""
    function = jax.jit(REPRESENTATIONS[name], static_argnames="copies")
    parts = []
    with jax.enable_x64(True):
        for block, start in enumerate(range(0, len(numbers), BLOCK)):
            rows = slice(start, start + BLOCK)
            parts.append(
                np.asarray(function(numbers[rows], positions[rows], seed=1000 * seed + block, copies=copies))
            )
    return np.concatenate(parts, axis=1)
