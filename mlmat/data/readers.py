"""Readers: the files of a data set → arrays in the units of its catalogue entry.

A reader takes the paths in the order of the catalogue entry and returns arrays for a
`Dataset`: energies in eV, lengths in Å, dipoles in debye. The atomisation energy is the
energy of the molecule minus that of its free atoms: negative for a bound molecule.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from mlmat.errors import DataError
from mlmat.units import BOHR, HARTREE, KCAL_PER_MOL

QM9_ATOMS_U298 = {1: -0.498857, 6: -37.845355, 7: -54.582445, 8: -75.063163, 9: -99.717314}
"""Internal energies of the free atoms at 298.15 K in QM9's method, in hartree."""


def read_qm7(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """QM7 from ``qm7.npz`` (Å, kcal/mol): ``atomisation_energy`` (eV)."""
    raw = load_npz(paths[0], ("Z", "R", "N", "E_ae_pbe0_kcalmol"))
    return unpad(raw["Z"], raw["R"]) | {"atomisation_energy": raw["E_ae_pbe0_kcalmol"] * KCAL_PER_MOL}


def read_qm7_delta(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """PBE0 and DFTB atomisation energies (eV) at the same geometries.

    ``qm7_index`` is the row of QM7 with the same bonds, -1 where there is none.
    """
    keys = ("Z", "R", "N", "file_id", "qm7_index", "E_ae_pbe0_def2tzvp_kcalmol", "E_ae_dftb_kcalmol")
    raw = load_npz(paths[0], keys)
    return unpad(raw["Z"], raw["R"]) | {
        "file_id": raw["file_id"],
        "qm7_index": raw["qm7_index"],
        "atomisation_energy_pbe0": raw["E_ae_pbe0_def2tzvp_kcalmol"] * KCAL_PER_MOL,
        "atomisation_energy_dftb": raw["E_ae_dftb_kcalmol"] * KCAL_PER_MOL,
    }


def read_qm9(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """QM9 from its geometries, labels and SMILES, joined by GDB-9 index.

    Only items with a geometry are kept. ``homo`` and ``lumo`` are NaN where the copy has
    none (about 29 % of the items); ``gap`` and ``u298`` are complete.

    Args:
        paths: geometries (``.npz``), labels (``.npz``), SMILES (``.txt.xz``, line i is
            GDB-9 index i).
    """
    geometry = load_npz(paths[0], ("gdb", "N", "Z", "R"))
    keys = (
        "gdb",
        "U298_hartree",
        "Cv_cal_molK",
        "alpha_bohr3",
        "gap_hartree",
        "homo_hartree",
        "lumo_hartree",
    )
    labels = load_npz(paths[1], keys)
    try:
        smiles = np.array(lzma.decompress(paths[2].read_bytes()).decode("ascii").split())
    except (lzma.LZMAError, OSError, UnicodeDecodeError) as error:
        raise unreadable(paths[2], error) from error
    gdb = geometry["gdb"]
    rows = np.searchsorted(labels["gdb"], gdb)
    if gdb.max() > len(smiles) or rows.max() >= len(labels["gdb"]) or (labels["gdb"][rows] != gdb).any():
        raise DataError(
            f"{paths[1].name} or {paths[2].name} lacks molecules of {paths[0].name}: take one release"
        )
    label = {key: values[rows].astype(float) for key, values in labels.items()}
    arrays = {"n_atoms": geometry["N"], "numbers": geometry["Z"], "positions": geometry["R"], "gdb": gdb}
    u298 = label["U298_hartree"] * HARTREE
    return arrays | {
        "smiles": smiles[gdb - 1],
        "u298": u298,
        "atomisation_energy": u298 - free_atoms_u298(arrays["numbers"], arrays["n_atoms"]),
        "homo": label["homo_hartree"] * HARTREE,
        "lumo": label["lumo_hartree"] * HARTREE,
        "gap": label["gap_hartree"] * HARTREE,
        "polarisability": label["alpha_bohr3"] * BOHR**3,
        "cv": label["Cv_cal_molK"] * 1e-3 * KCAL_PER_MOL,
    }


def free_atoms_u298(numbers: np.ndarray, n_atoms: np.ndarray) -> np.ndarray:
    """``[m]`` summed energies (eV) of the free atoms of each molecule."""
    table = np.full(max(QM9_ATOMS_U298) + 1, np.nan)
    table[list(QM9_ATOMS_U298)] = np.array(list(QM9_ATOMS_U298.values())) * HARTREE
    return np.add.reduceat(table[numbers], np.cumsum(n_atoms, dtype=np.int64) - n_atoms)


def unpad(numbers: np.ndarray, positions: np.ndarray) -> dict[str, np.ndarray]:
    """Padded ``[m, n]`` and ``[m, n, 3]`` (0 is padding) → ragged arrays."""
    mask = numbers > 0
    return {"n_atoms": mask.sum(1), "numbers": numbers[mask], "positions": positions[mask]}


def load_npz(path: Path, keys: Sequence[str]) -> dict[str, np.ndarray]:
    """Arrays of an ``.npz`` file, each decompressed once."""
    try:
        raw = dict(np.load(path, allow_pickle=False))
    except (BadZipFile, ValueError, EOFError, OSError, zlib.error) as error:
        raise unreadable(path, error) from error
    missing = [key for key in keys if key not in raw]
    if missing:
        raise DataError(f"{path} lacks {missing}, found {sorted(raw)}: it is not the file of this data set")
    return raw


def unreadable(path: Path, error: Exception) -> DataError:
    """The error for a file that cannot be parsed, whatever the parser called it."""
    return DataError(f"cannot read {path} ({error}): truncated or altered. Delete it and fetch it again.")
