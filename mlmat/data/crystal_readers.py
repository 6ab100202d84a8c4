"""Readers of crystals with properties from density functional theory.

Structures come packed (`mlmat.data.packed`). Columns keep their values; known wrong rows are
looked after, as each reader says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mlmat.data.packed import PACKED, kept, unpacked
from mlmat.data.readers import load_npz
from mlmat.elements import symbols

LOWEST_FORMATION = -5.0
"""eV/atom below which a formation energy of the Materials Project's set is wrong."""

MP_COLUMNS = {
    "material_id": "id",
    "formation_energy_per_atom_eV": "formation_energy",
    "band_gap_eV": "band_gap",
    "efermi_eV": "fermi_energy",
    "total_magnetization_muB": "magnetisation",
}
ELASTIC_COLUMNS = {
    "material_id": "id",
    "K_VRH_GPa": "bulk_modulus",
    "G_VRH_GPa": "shear_modulus",
    "poisson": "poisson_ratio",
}
PEROVSKITE_COLUMNS = {
    "A": "a_site",
    "B": "b_site",
    "e_form_eV_per_atom": "formation_energy",
    "gap_gllbsc_eV": "band_gap",
    "cdvae_split": "split",
}
BIMETALLIC_COLUMNS = {"id": "id", "formation_energy_eV_per_atom": "formation_energy"}
CARBON_COLUMNS = {"material_id": "id", "energy_per_atom_eV": "energy_per_atom", "split": "split"}


def read_mp(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Crystals of the Materials Project, without those of an impossible formation energy."""
    arrays = packed(paths[0], MP_COLUMNS)
    return kept(arrays, ~(arrays["formation_energy"] < LOWEST_FORMATION))


def read_elastic(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Crystals with moduli; their decadic logarithms beside them, NaN where a modulus is not positive."""
    arrays = packed(paths[0], ELASTIC_COLUMNS)
    for name in ("bulk_modulus", "shear_modulus"):
        values = arrays[name]
        arrays[f"log_{name}"] = np.log10(np.where(values > 0, values, np.nan))
    return arrays


def read_perovskites(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Cubic perovskites; the formation energy is of the cell of five atoms, whatever its column is called."""
    arrays = packed(paths[0], PEROVSKITE_COLUMNS)
    arrays["split"] = np.where(arrays["split"] == "val", "validation", arrays["split"].astype("U10"))
    arrays["split"] = np.where(arrays["split"] == "train", "training", arrays["split"])
    return arrays


def read_elpasolites(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Elpasolites ABC2D6 by their elements; there are no structures, the prototype is fixed."""
    raw = load_npz(paths[0], ("Z_ABCD", "formation_energy_eV"))
    sites = {
        f"{label}_site": np.array(symbols(column))
        for label, column in zip("abcd", raw["Z_ABCD"].T, strict=True)
    }
    return sites | {"formation_energy": raw["formation_energy_eV"]}


def read_bimetallics(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Relaxed intermetallic compounds, without outliers beyond 5 eV/atom."""
    arrays = packed(paths[0], BIMETALLIC_COLUMNS)
    return kept(arrays, np.abs(arrays["formation_energy"]) < -LOWEST_FORMATION)


def read_carbon(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Carbon crystals; energies of the published validation and test parts only."""
    arrays = packed(paths[0], CARBON_COLUMNS)
    names = {"train": "training", "val": "validation", "test": "test"}
    arrays["split"] = np.array([names.get(part, "") for part in arrays["split"].tolist()])
    return arrays


def packed(path: Path, columns: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Structures of a packed file, with its columns under their new names.

    Raises:
        DataError: an unreadable file, or one that lacks an array.
    """
    raw = load_npz(path, (*PACKED, *columns))
    return unpacked(raw) | {new: raw[old] for old, new in columns.items()}
