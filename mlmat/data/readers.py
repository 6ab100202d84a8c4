"""Readers: the files of a data set → arrays in the units of its catalogue entry.

A reader takes the paths in the order of the catalogue entry and returns arrays for a
`Dataset`: energies in eV, lengths in Å, dipoles in debye. The atomisation energy is the
energy of the molecule minus that of its free atoms: negative for a bound molecule.
"""

from __future__ import annotations

import lzma
import re
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from ase.units import Bohr, Hartree, kcal, mol

from mlmat.errors import DataError

KCAL_PER_MOL = kcal / mol

QM9_ATOMS_U298 = {1: -0.498857, 6: -37.845355, 7: -54.582445, 8: -75.063163, 9: -99.717314}
"""Internal energies of the free atoms at 298.15 K in QM9's method, in hartree."""

_GDB9_COLUMNS = {
    "rotational_constants": (slice(0, 3), 1.0),
    "dipole": (3, 1.0),
    "polarisability": (4, Bohr**3),
    "homo": (5, Hartree),
    "lumo": (6, Hartree),
    "gap": (7, Hartree),
    "r2": (8, Bohr**2),
    "zpve": (9, Hartree),
    "u0": (10, Hartree),
    "u298": (11, Hartree),
    "h298": (12, Hartree),
    "g298": (13, Hartree),
    "cv": (14, 1e-3 * KCAL_PER_MOL),
}
"""Property → column of a GDB-9 property line after its index, and factor to our unit."""


def read_qm7(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """QM7 from ``qm7.npz`` (Å, kcal/mol): ``atomisation_energy`` (eV)."""
    raw = _load_npz(paths[0], ("Z", "R", "N", "E_ae_pbe0_kcalmol"))
    return _unpad(raw["Z"], raw["R"]) | {"atomisation_energy": raw["E_ae_pbe0_kcalmol"] * KCAL_PER_MOL}


def read_qm7_mat(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """QM7 from the original ``qm7.mat`` (Bohr, kcal/mol), with the five published folds.

    Fields: ``Z [m, 23]``, ``R [m, 23, 3]``, ``T [1, m]`` and ``P [5, m/5]`` (item numbers of
    each fold), which becomes ``fold [m]``, 0 to 4.
    """
    from scipy.io import loadmat

    try:
        raw = loadmat(paths[0])
        z, positions, energies, folds = (np.asarray(raw[key]) for key in ("Z", "R", "T", "P"))
    # A damaged MATLAB file ends in any of these, depending on where it is damaged.
    except (ValueError, TypeError, KeyError, OSError, NotImplementedError, zlib.error) as error:
        raise _unreadable(paths[0], error) from error
    fold = np.full(len(z), -1, np.int8)
    for number, members in enumerate(folds):
        fold[members.astype(int)] = number
    arrays = _unpad(z.astype(np.uint8), positions * Bohr)
    return arrays | {"atomisation_energy": energies.ravel().astype(float) * KCAL_PER_MOL, "fold": fold}


def read_qm7_delta(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """PBE0 and DFTB atomisation energies (eV) at the same geometries.

    ``qm7_index`` is the row of QM7 with the same bonds, -1 where there is none.
    """
    keys = ("Z", "R", "N", "file_id", "qm7_index", "E_ae_pbe0_def2tzvp_kcalmol", "E_ae_dftb_kcalmol")
    raw = _load_npz(paths[0], keys)
    return _unpad(raw["Z"], raw["R"]) | {
        "file_id": raw["file_id"],
        "qm7_index": raw["qm7_index"],
        "atomisation_energy_pbe0": raw["E_ae_pbe0_def2tzvp_kcalmol"] * KCAL_PER_MOL,
        "atomisation_energy_dftb": raw["E_ae_dftb_kcalmol"] * KCAL_PER_MOL,
    }


def read_qm9(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """QM9 from its geometries, labels and SMILES, joined by GDB-9 index.

    Only items with a geometry are kept. ``homo`` and ``lumo`` are NaN where the copy has
    none (about 28 % of the items); ``gap`` and ``u298`` are complete.

    Args:
        paths: geometries (``.npz``), labels (``.npz``), SMILES (``.txt.xz``, line i is
            GDB-9 index i).
    """
    geometry = _load_npz(paths[0], ("gdb", "N", "Z", "R"))
    keys = ("gdb", "U298_hartree", "Cv_cal_molK", "alpha_bohr3", "gap_hartree", "homo_hartree", "lumo_hartree")
    labels = _load_npz(paths[1], keys)
    try:
        smiles = np.array(lzma.open(paths[2], "rt", encoding="ascii").read().split())
    except (lzma.LZMAError, EOFError, UnicodeDecodeError) as error:
        raise _unreadable(paths[2], error) from error
    gdb = geometry["gdb"]
    rows = np.searchsorted(labels["gdb"], gdb)
    if gdb.max() > len(smiles) or rows.max() >= len(labels["gdb"]) or (labels["gdb"][rows] != gdb).any():
        raise DataError(f"{paths[1].name} or {paths[2].name} lacks molecules of {paths[0].name}: take one release")
    label = {key: values[rows].astype(float) for key, values in labels.items()}
    arrays = {"n_atoms": geometry["N"], "numbers": geometry["Z"], "positions": geometry["R"], "gdb": gdb}
    u298 = label["U298_hartree"] * Hartree
    return arrays | {
        "smiles": smiles[gdb - 1],
        "u298": u298,
        "atomisation_energy": u298 - _atoms_u298(arrays["numbers"], arrays["n_atoms"]),
        "homo": label["homo_hartree"] * Hartree,
        "lumo": label["lumo_hartree"] * Hartree,
        "gap": label["gap_hartree"] * Hartree,
        "polarisability": label["alpha_bohr3"] * Bohr**3,
        "cv": label["Cv_cal_molK"] * 1e-3 * KCAL_PER_MOL,
    }


def read_qm9_archive(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """QM9 from the original archive ``dsgdb9nsd.xyz.tar.bz2``, read as a stream.

    Each member: number of atoms; ``gdb i`` and 15 properties; one line per atom (symbol, x,
    y, z in Å, Mulliken charge); frequencies; SMILES (GDB and relaxed); InChI. Numbers may be
    written as ``1.2*^-6``.
    """
    parsed = []
    try:
        with tarfile.open(paths[0], "r|bz2") as archive:
            for member in archive:
                if member.isfile() and member.name.endswith(".xyz"):
                    parsed.append(_gdb9_item(archive.extractfile(member).read().decode("ascii")))
    except (tarfile.TarError, EOFError, OSError, ValueError, IndexError, KeyError) as error:
        raise _unreadable(paths[0], error) from error
    if not parsed:
        raise DataError(f"{paths[0]} holds no .xyz file: fetch it again")
    parsed.sort(key=lambda item: item[0])
    gdb, smiles, properties, numbers, atoms = zip(*parsed, strict=True)
    atoms, properties = np.concatenate(atoms), np.array(properties)
    arrays = {
        "n_atoms": np.array([len(n) for n in numbers], np.uint8),
        "numbers": np.concatenate(numbers),
        "positions": atoms[:, :3].astype(np.float32),
        "charges": atoms[:, 3].astype(np.float32),
        "gdb": np.array(gdb, np.int32),
        "smiles": np.array(smiles),
    }
    arrays |= {key: properties[:, column] * factor for key, (column, factor) in _GDB9_COLUMNS.items()}
    atomisation = arrays["u298"] - _atoms_u298(arrays["numbers"], arrays["n_atoms"])
    return arrays | {"atomisation_energy": atomisation}


def _gdb9_item(text: str) -> tuple[int, str, list[float], np.ndarray, np.ndarray]:
    """One GDB-9 file → index, SMILES, properties, atomic numbers, atoms ``[n, 4]``."""
    from ase.data import atomic_numbers

    lines = re.sub(r"\*\^", "e", text).splitlines()
    count = int(lines[0])
    head = lines[1].split()
    rows = [line.split() for line in lines[2 : 2 + count]]
    numbers = np.array([atomic_numbers[row[0]] for row in rows], np.uint8)
    atoms = np.array([[float(x) for x in row[1:5]] for row in rows])
    properties = [float(x) for x in head[2:17]]
    if len(properties) != 15 or atoms.shape != (count, 4):
        raise ValueError(f"{' '.join(head[:2])} is incomplete")
    return int(head[1]), lines[3 + count].split()[0], properties, numbers, atoms


def _atoms_u298(numbers: np.ndarray, n_atoms: np.ndarray) -> np.ndarray:
    """``[m]`` summed energies (eV) of the free atoms of each molecule."""
    table = np.full(max(QM9_ATOMS_U298) + 1, np.nan)
    table[list(QM9_ATOMS_U298)] = np.array(list(QM9_ATOMS_U298.values())) * Hartree
    return np.add.reduceat(table[numbers], np.cumsum(n_atoms, dtype=np.int64) - n_atoms)


def _unpad(numbers: np.ndarray, positions: np.ndarray) -> dict[str, np.ndarray]:
    """Padded ``[m, n]`` and ``[m, n, 3]`` (0 is padding) → ragged arrays."""
    mask = numbers > 0
    return {"n_atoms": mask.sum(1), "numbers": numbers[mask], "positions": positions[mask]}


def _load_npz(path: Path, keys: Sequence[str]) -> dict[str, np.ndarray]:
    """Arrays of an ``.npz`` file, each decompressed once."""
    try:
        raw = dict(np.load(path, allow_pickle=False))
    except (BadZipFile, ValueError, EOFError, OSError, zlib.error) as error:
        raise _unreadable(path, error) from error
    missing = [key for key in keys if key not in raw]
    if missing:
        raise DataError(f"{path} lacks {missing}, found {sorted(raw)}: it is not the file of this data set")
    return raw


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(f"cannot read {path} ({error}): truncated or altered. Delete it and fetch it again.")
