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


def read_ppe1694(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Heats of formation of 1,694 molecules, measured and calculated.

    Args:
        paths: the table (``.csv``, kcal/mol) and the geometries (``.npz``, Å), in one order.

    Raises:
        DataError: a file that is not the one of this set.
    """
    try:
        with open(paths[0], encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        values = {
            f"heat_of_formation_{name}": np.array([float(row[level] or "nan") for row in rows]) * KCAL_PER_MOL
            for level, name in PPE1694_LEVELS.items()
        }
        names = np.array([row["system"] for row in rows])
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise unreadable(paths[0], error) from error
    raw = load_npz(paths[1], ("N", "Z", "R"))
    if len(raw["N"]) != len(rows):
        raise DataError(
            f"{paths[0].name} has {len(rows)} molecules, {paths[1].name} {len(raw['N'])}: take one release"
        )
    geometry = {"n_atoms": raw["N"].astype(np.int64), "numbers": raw["Z"], "positions": raw["R"]}
    return geometry | {"title": names} | values
