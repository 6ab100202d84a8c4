"""Readers of molecules calculated twice, or calculated and measured: QM9, its isomers, QM8, dyes.

Energies of atomisation are those of the molecule less those of its free atoms, in eV.
"""

from __future__ import annotations

import csv
import io
import lzma
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlmat.data.readers import free_atoms_u298, load_npz, unpad, unreadable
from mlmat.errors import DataError
from mlmat.units import BOHR, HARTREE, KCAL_PER_MOL, WAVENUMBER

ISOMER_COLUMNS = {
    "u0": ("U0_Ha", HARTREE),
    "u298": ("U298_Ha", HARTREE),
    "h298": ("H298_Ha", HARTREE),
    "g298": ("G298_Ha", HARTREE),
    "zpve": ("zpve_Ha", HARTREE),
    "homo": ("homo_Ha", HARTREE),
    "lumo": ("lumo_Ha", HARTREE),
    "gap": ("gap_Ha", HARTREE),
    "dipole": ("mu_D", 1.0),
    "polarisability": ("alpha_bohr3", BOHR**3),
    "r2": ("r2_bohr2", BOHR**2),
    "cv": ("Cv_cal_molK", 1e-3 * KCAL_PER_MOL),
}
"""Array → column of the file, and what turns it into the units of this package."""

QM8_LEVELS = {"CC2": "cc2", "PBE0": "pbe0", "CAM": "cam_b3lyp"}

SHORTEST = 150.0
"""nm; three shorter wavelengths in the table of dyes are errors of entry."""

NM_TO_EV = 1e7 * WAVENUMBER
"""Energy of a photon (eV) times its wavelength (nm)."""


def read_qm9_g4mp2(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """G4MP2 and B3LYP energies of atomisation of QM9 molecules, at the B3LYP geometry.

    G4MP2 is at 0 K; B3LYP is U at 298.15 K for all, and U at 0 K where the copy has it, else NaN.

    Args:
        paths: geometries (``.npz``), labels (``.npz``), G4MP2 (``.npz``), all properties of a sixth
            (``.csv.xz``); joined by GDB-9 index.

    Raises:
        DataError: files that are not those of this set.
    """
    high = load_npz(paths[2], ("gdb", "AE0_G4MP2_hartree"))
    labels = load_npz(paths[1], ("gdb", "U298_hartree"))
    arrays, rows = _geometry(paths[0], np.intersect1d(high["gdb"], labels["gdb"]), high["gdb"])
    label = np.searchsorted(labels["gdb"], arrays["gdb"])
    free = free_atoms_u298(arrays["numbers"], arrays["n_atoms"])
    table = _table(paths[3])
    try:
        known = {int(row["gdb"]): float(row["u0_atom"]) * KCAL_PER_MOL for row in table}
    except (KeyError, ValueError, TypeError) as error:
        raise unreadable(paths[3], error) from error
    return arrays | {
        "atomisation_energy_g4mp2": high["AE0_G4MP2_hartree"][rows] * HARTREE,
        "atomisation_energy_b3lyp_u298": labels["U298_hartree"][label] * HARTREE - free,
        "atomisation_energy_b3lyp_u0": np.array([known.get(int(g), np.nan) for g in arrays["gdb"]]),
    }


def read_qm9_rimp2(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Hartree-Fock and RI-MP2/def2-TZVP energies of atomisation of QM9 molecules.

    Args:
        paths: geometries (``.npz``) and energies (``.npz``), joined by GDB-9 index.

    Raises:
        DataError: files that are not those of this set.
    """
    keys = ("gdb", "AE_HF_hartree", "AE_RIMP2_hartree", "homo_HF_hartree", "lumo_HF_hartree")
    raw = load_npz(paths[1], keys)
    arrays, rows = _geometry(paths[0], raw["gdb"], raw["gdb"])
    names = ("atomisation_energy_hf", "atomisation_energy_rimp2", "homo_hf", "lumo_hf")
    return arrays | {
        name: raw[key][rows] * HARTREE for name, key in zip(names, keys[1:], strict=True)
    }  # fmt: skip


def read_c7h10o2(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """The isomers C7H10O2: energies at G4MP2, everything else at B3LYP.

    Args:
        paths: geometries (``.npz``) and properties (``.csv.xz``), in one order.

    Raises:
        DataError: files that are not those of this set.
    """
    raw = load_npz(paths[0], ("id", "Z", "R"))
    table = _table(paths[1])
    if len(table) != len(raw["id"]):
        raise DataError(f"{paths[0].name} and {paths[1].name} differ in length: take one release")
    try:
        numbers = np.array([int(row["name"].rpartition("_")[2]) for row in table])
        values = {
            name: np.array([float(row[column]) for row in table]) * factor
            for name, (column, factor) in ISOMER_COLUMNS.items()
        }
        smiles = np.array([row["smiles"] for row in table])
    except (KeyError, ValueError, TypeError) as error:
        raise unreadable(paths[1], error) from error
    if (numbers != raw["id"]).any():
        raise DataError(f"{paths[0].name} and {paths[1].name} differ in order: take one release")
    return unpad(raw["Z"], raw["R"]) | {"isomer": raw["id"], "smiles": smiles} | values


def read_qm8(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Two lowest singlet excitations of QM8 at three levels, where the QM9 geometry is at hand.

    Args:
        paths: geometries of QM9 (``.npz``) and excitations (``.csv.xz``), joined by GDB-9 index.

    Raises:
        DataError: files that are not those of this set.
    """
    table = _table(paths[1])
    try:
        gdb = np.array([int(row["gdb"]) for row in table])
        values = {
            f"{quantity}{state}_{name}": np.array([float(row[f"{letter}{state}-{level}"]) for row in table])
            * factor
            for level, name in QM8_LEVELS.items()
            for letter, quantity, factor in (("E", "excitation", HARTREE), ("f", "oscillator_strength", 1.0))
            for state in (1, 2)
        }
        smiles = np.array([row["smiles"] for row in table])
    except (KeyError, ValueError, TypeError) as error:
        raise unreadable(paths[1], error) from error
    resolved = np.flatnonzero(gdb > 0)
    arrays, rows = _geometry(paths[0], gdb[resolved], gdb[resolved])
    rows = resolved[rows]
    return arrays | {"smiles": smiles[rows]} | {name: column[rows] for name, column in values.items()}


def read_dyes(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Measured absorption maxima of dyes in solvents, and the strongest TD-DFT excitation of the dye.

    Args:
        paths: calculated (``.csv.xz``) and measured (``.csv.xz``), joined by SMILES.

    Raises:
        DataError: files that are not those of this set.
    """
    try:
        calculated = {row["smiles"]: float(row["energy_max_osc"]) for row in _table(paths[0])}
        rows = [
            (row["smiles"], row["solvent"], float(row["peakwavs_max"]))
            for row in _table(paths[1])
            if row["smiles"] in calculated
        ]
    except (KeyError, ValueError, TypeError) as error:
        raise unreadable(paths[0], error) from error
    rows = [row for row in rows if row[2] >= SHORTEST]
    if not rows:
        raise DataError(f"{paths[0].name} and {paths[1].name} share no dye: take those of one release")
    smiles, solvent, wavelength = (np.array(column) for column in zip(*rows, strict=True))
    return {
        "smiles": smiles,
        "solvent": solvent,
        "absorption_tddft": np.array([calculated[s] for s in smiles.tolist()]),
        "absorption_experiment": NM_TO_EV / wavelength,
    }


def _table(path: Path) -> list[dict[str, str]]:
    try:
        return list(csv.DictReader(io.StringIO(lzma.decompress(path.read_bytes()).decode("utf-8"))))
    except (lzma.LZMAError, OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from error


def _geometry(path: Path, wanted: np.ndarray, order: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """QM9 molecules with a geometry among those `wanted`: their arrays, and their rows in `order`."""
    raw = load_npz(path, ("gdb", "N", "Z", "R"))
    kept = np.isin(raw["gdb"], wanted)
    if not kept.any():
        raise DataError(f"{path.name} has no molecule of this set: take the geometries of QM9")
    atoms, gdb = np.repeat(kept, raw["N"]), raw["gdb"][kept]
    ranked = np.argsort(order, kind="stable")
    rows = ranked[np.searchsorted(order[ranked], gdb)]
    arrays = {"n_atoms": raw["N"][kept].astype(np.int64), "numbers": raw["Z"][atoms]}
    return arrays | {"positions": raw["R"][atoms], "gdb": gdb}, rows
