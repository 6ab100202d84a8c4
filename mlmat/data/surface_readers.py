"""Readers of surfaces: adsorption energies on alloys, surface energies and work functions.

Energies are in eV. An adsorption energy is that of the slab with its adsorbate, less those of the
clean slab and of the molecules that the source names: negative where adsorption sets energy free.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlmat.data.crystal_readers import packed
from mlmat.data.packed import kept
from mlmat.data.readers import unreadable
from mlmat.elements import symbols
from mlmat.errors import DataError

MAMUN_COLUMNS = ("reaction", "site", "surface_atoms", "E_ads_eV", "adsorbate")
OH_COLUMNS = {"E_ads_eV": "adsorption_energy"}
HEA_COLUMNS = {"E_ads_eV": "adsorption_energy", "adsorbate": "adsorbate", "HEA_id": "surface_id"}
OXYGEN_COLUMNS = {"id": "id", "E_ads_eV": "adsorption_energy", "split": "split"}


def read_mamun(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Adsorption energies on close-packed surfaces of metals and their ordered alloys.

    The source lists the twelve metal atoms of a slab and calls its elements A and B in the label of a
    site: in an alloy A₃B the element of which there is more is A, in an alloy AB the one that comes
    first in the alphabet (found from the energies: read the other way, top sites of alloys AB differ
    from those of alloys A₃B by electronvolts).
    """
    rows = _csv_rows(paths[0], MAMUN_COLUMNS)
    parts = [_alloy(row["surface_atoms"].split(), paths[0]) for row in rows]
    arrays = {
        name: np.array(column)
        for name, column in zip(("a", "b", "prototype"), zip(*parts, strict=True), strict=True)
    }
    count = {"fcc": "", "L1_2": "3", "L1_0": ""}
    arrays["alloy"] = np.array([f"{a}{count[p]}{b if b != a else ''}" for a, b, p in parts])
    arrays["family"] = np.array(["-".join(sorted({a, b})) for a, b, _ in parts])
    arrays |= {name: np.array([row[name] for row in rows]) for name in ("site", "adsorbate", "reaction")}
    return arrays | {"adsorption_energy": np.array([float(row["E_ads_eV"]) for row in rows])}


def read_oh(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Hydroxyl on close-packed alloy slabs of 16 metal atoms."""
    arrays = _slabs(packed(paths[0], OH_COLUMNS))
    return arrays | {"family": _families(arrays, skip=2)}


def read_hea(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """CO, CHO and COOH on slabs of high-entropy alloys, without the rows of clean slabs."""
    arrays = packed(paths[0], HEA_COLUMNS)
    # Their energies are total energies, not adsorption energies.
    arrays = kept(_slabs(arrays), arrays["adsorbate"] != "slab")
    return arrays | {"surface_id": arrays["surface_id"].astype(np.int64)}


def read_oxygen(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Oxygen on fragments cut out of alloy slabs, in boxes without periodicity."""
    arrays = packed(paths[0], OXYGEN_COLUMNS)
    names = {"train": "training", "val": "validation", "test": "test"}
    arrays["split"] = np.array([names.get(part, part) for part in arrays["split"].tolist()])
    return arrays | {"pbc": np.zeros((len(arrays["id"]), 3), bool)}


def read_surfaces(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Clean slabs of three sources in the order of the paths, one after the other.

    Work functions are NaN for the third source, which has none.
    """
    found = []
    for path, source in zip(paths, ("mg_binary", "elements", "intermetallics"), strict=True):
        columns = {"id": "id", "surface_energy_eV_per_A2": "surface_energy"}
        if source != "intermetallics":
            columns["work_function_eV"] = "work_function"
        arrays = _slabs(packed(path, columns))
        n = len(arrays["id"])
        arrays.setdefault("work_function", np.full(n, np.nan))
        found.append(arrays | {"origin": np.full(n, source)})
    joined = {name: np.concatenate([arrays[name] for arrays in found]) for name in found[0]}
    return joined | {"family": _families(joined, skip=0)}


def _slabs(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The structures with a vacuum across their third cell vector."""
    return arrays | {"pbc": np.tile([True, True, False], (len(arrays["n_atoms"]), 1))}


def _families(arrays: dict[str, np.ndarray], skip: int) -> np.ndarray:
    """Elements of each slab, but for its last `skip` atoms, in alphabetical order."""
    ends = np.cumsum(arrays["n_atoms"], dtype=np.int64)
    numbers, starts = arrays["numbers"], ends - arrays["n_atoms"]
    kinds = [sorted(symbols(np.unique(numbers[a : b - skip]))) for a, b in zip(starts, ends, strict=True)]
    return np.array(["-".join(names) for names in kinds])


def _alloy(atoms: list[str], path: Path) -> tuple[str, str, str]:
    """Elements A and B (equal for a pure metal) and prototype of a slab."""
    kinds = sorted(set(atoms))
    shares = [atoms.count(kind) / len(atoms) for kind in kinds]
    if len(kinds) == 1:
        return kinds[0], kinds[0], "fcc"
    if shares == [0.5, 0.5]:
        return kinds[0], kinds[1], "L1_0"
    if sorted(shares) == [0.25, 0.75]:
        more = shares.index(0.75)
        return kinds[more], kinds[1 - more], "L1_2"
    raise DataError(f"{path}: a slab of {' '.join(atoms)} is neither A, AB nor A3B: not the file of this set")


def _csv_rows(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise unreadable(path, error) from error
    missing = [name for name in columns if not rows or name not in rows[0]]
    if missing:
        raise DataError(f"{path} lacks {missing}: it is not the file of this data set")
    return rows
