"""Structures in packed files: cell vectors, atoms of each structure, atomic numbers, fractional positions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mlmat.data.dataset import PER_ATOM

PACKED = ("lattice", "n_atoms", "Z", "frac")
"""Arrays of a packed file that make its structures."""


def unpacked(raw: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays of periodic structures as a `Dataset` has them, from those of a packed file."""
    cells = np.repeat(raw["lattice"], raw["n_atoms"], axis=0)
    return {
        "n_atoms": raw["n_atoms"],
        "numbers": raw["Z"].astype(np.int32),
        "positions": np.einsum("ni,nij->nj", raw["frac"].astype(float), cells),
        "cell": raw["lattice"],
        "pbc": np.ones((len(raw["n_atoms"]), 3), bool),
    }


def kept(arrays: dict[str, np.ndarray], keep: np.ndarray) -> dict[str, np.ndarray]:
    """The structures of a mask ``[m]``, with their atoms."""
    atoms = np.repeat(keep, arrays["n_atoms"])
    return {key: value[atoms if key in PER_ATOM else keep] for key, value in arrays.items()}
