"""Readers of sets with one property at several levels: heats of formation against experiment.

Heats of formation are ΔH_f at 298.15 K in eV; a level a source has no value for is NaN.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlmat.data.readers import load_npz, unreadable
from mlmat.errors import DataError
from mlmat.units import KCAL_PER_MOL

PPE1694_LEVELS = {
    "Expt": "experiment",
    "G4": "g4",
    "G4(MP2)": "g4mp2",
    "B3LYP": "b3lyp",
    "PBE0": "pbe0",
    "wB97X-D3": "wb97xd3",
    "PM6": "pm6",
    "PM7": "pm7",
}
"""Columns that are read, and what they are called here."""

RMG_LEVELS = {
    "ref_H298_kcalmol": "reference",
    "b3lyp2023/def2tzvp": "b3lyp",
    "wb97mv/def2tzvpd": "wb97mv",
    "g42023": "g4",
    "ccsd(t)f12/ccpvtzf12": "ccsdt_f12",
}
"""As `PPE1694_LEVELS`."""


def read_ppe1694(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Heats of formation of 1,694 molecules, measured and calculated.

    Args:
        paths: the table (``.csv``, kcal/mol) and the geometries (``.npz``, Å), in one order.

    Raises:
        DataError: a file that is not the one of this set.
    """
    rows, values = _table(paths[0], PPE1694_LEVELS)
    geometry = _geometry(paths, len(rows))
    return geometry | {"title": np.array([row["system"] for row in rows])} | values


def read_rmg_reference(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Reference heats of formation of 421 species, radicals and ions among them, and calculated ones.

    Args:
        paths: the table (``.csv``, kcal/mol) and the geometries (``.npz``, Å), in one order.

    Raises:
        DataError: a file that is not the one of this set.
    """
    rows, values = _table(paths[0], RMG_LEVELS)
    geometry = _geometry(paths, len(rows))
    try:
        state = {name: np.array([int(row[name]) for row in rows]) for name in ("charge", "multiplicity")}
        error = np.array([float(row["ref_unc_kcalmol"] or "nan") for row in rows]) * KCAL_PER_MOL
    except (KeyError, ValueError, TypeError) as problem:
        raise unreadable(paths[0], problem) from problem
    words = {"title": np.array([row["label"] for row in rows])}
    return geometry | words | state | values | {"reference_uncertainty": error}


def _table(path: Path, levels: dict[str, str]) -> tuple[list[dict[str, str]], dict[str, np.ndarray]]:
    """Rows as text, and heats of formation ``[m]`` in eV of each level."""
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        values = {
            f"heat_of_formation_{name}": np.array([float(row[level] or "nan") for row in rows]) * KCAL_PER_MOL
            for level, name in levels.items()
        }
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise unreadable(path, error) from error
    return rows, values


def _geometry(paths: Sequence[Path], items: int) -> dict[str, np.ndarray]:
    raw = load_npz(paths[1], ("N", "Z", "R"))
    if len(raw["N"]) != items:
        raise DataError(
            f"{paths[0].name} has {items} molecules, {paths[1].name} {len(raw['N'])}: take one release"
        )
    return {"n_atoms": raw["N"].astype(np.int64), "numbers": raw["Z"], "positions": raw["R"]}
