"""Reader of the ANI-1 conformations: several geometries of each molecule, with total energies."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlmat.data.readers import load_npz
from mlmat.errors import DataError
from mlmat.units import HARTREE


def read_ani1(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Conformations, molecule after molecule: ``energy`` (eV) and ``group``, the molecule.

    Args:
        paths: files with ``Z_name [n]``, ``R_name [m, n, 3]`` (Å) and ``E_name [m]`` (hartree) of each
            molecule.

    Raises:
        DataError: a molecule without geometries or energies, or with unequal numbers of them.
    """
    parts: dict[str, list[np.ndarray]] = {
        name: [] for name in ("n_atoms", "numbers", "positions", "energy", "group")
    }
    for path in paths:
        raw = load_npz(path, ())
        for name in sorted(key.removeprefix("Z_") for key in raw if key.startswith("Z_")):
            numbers, places, energies = (raw.get(f"{letter}_{name}") for letter in "ZRE")
            if places is None or energies is None or places.shape != (len(energies), len(numbers), 3):
                raise DataError(f"{path}: {name} lacks geometries or energies: fetch the file again")
            parts["n_atoms"].append(np.full(len(energies), len(numbers), np.int64))
            parts["numbers"].append(np.tile(numbers, len(energies)))
            parts["positions"].append(places.reshape(-1, 3))
            parts["energy"].append(energies * HARTREE)
            parts["group"].append(np.full(len(energies), name))
    if not parts["energy"]:
        raise DataError(f"{', '.join(str(path) for path in paths)}: no molecule in it")
    return {name: np.concatenate(values) for name, values in parts.items()}
