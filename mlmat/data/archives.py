"""Readers of the files as published: what a download brings, where it is not our ``.npz``.

Units and signs are those of `mlmat.data.readers`.
"""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlmat.data.readers import free_atoms_u298, unpad, unreadable
from mlmat.errors import DataError
from mlmat.units import BOHR, HARTREE, KCAL_PER_MOL

_GDB9_COLUMNS = {
    "rotational_constants": (slice(0, 3), 1.0),
    "dipole": (3, 1.0),
    "polarisability": (4, BOHR**3),
    "homo": (5, HARTREE),
    "lumo": (6, HARTREE),
    "gap": (7, HARTREE),
    "r2": (8, BOHR**2),
    "zpve": (9, HARTREE),
    "u0": (10, HARTREE),
    "u298": (11, HARTREE),
    "h298": (12, HARTREE),
    "g298": (13, HARTREE),
    "cv": (14, 1e-3 * KCAL_PER_MOL),
}
"""Property → column of a GDB-9 property line after its index, and factor to our unit."""


def read_qm7_mat(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """QM7 from the original ``qm7.mat`` (Bohr, kcal/mol), with the five published folds.

    Fields: ``Z [m, 23]``, ``R [m, 23, 3]``, ``T [1, m]`` and ``P [5, m/5]`` (item numbers of
    each fold), which becomes ``fold [m]``, 0 to 4.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        raw = loadmat(paths[0])
        z, positions, energies, folds = (np.asarray(raw[key]) for key in ("Z", "R", "T", "P"))
    # A damaged MATLAB file ends in any of these, depending on where it is damaged.
    except (
        ValueError,
        TypeError,
        LookupError,
        OSError,
        NotImplementedError,
        zlib.error,
        MatReadError,
    ) as error:
        raise unreadable(paths[0], error) from error
    fold = np.full(len(z), -1, np.int8)
    for number, members in enumerate(folds):
        fold[members.astype(int)] = number
    arrays = unpad(z.astype(np.uint8), positions * BOHR)
    return arrays | {"atomisation_energy": energies.ravel().astype(float) * KCAL_PER_MOL, "fold": fold}


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
    except (tarfile.TarError, EOFError, OSError, ValueError, LookupError) as error:
        raise unreadable(paths[0], error) from error
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
    atomisation = arrays["u298"] - free_atoms_u298(arrays["numbers"], arrays["n_atoms"])
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
