"""Readers of sets with energies, forces and, where published, stress.

Energies in eV, forces in eV/Å. Stress is in eV/Å³ in ASE's convention: tension is positive,
components in the order xx, yy, zz, yz, xz, xy; NaN where a source has none. The published
parts are kept in ``split``: training, validation, test.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlmat.data.packed import PACKED, kept, unpacked
from mlmat.data.readers import load_npz
from mlmat.errors import DataError
from mlmat.units import BOHR, HARTREE, convert

_LABELLED = (*PACKED, "energy_eV", "forces_eV_per_A", "group", "split")

MLEARN_SHEARS = {
    **dict.fromkeys(("Si", "Ge", "Li", "MoNbTaW_partial"), ("xy", "yz", "xz")),
    **dict.fromkeys(("Mo", "Ni", "Cu"), ("xy", "xz", "yz")),
}
"""File → its last three stress components, which differ between the files.

Found by holding the stresses of strained cells to the energy differences between them:
one order closes the balance to a few percent, every other one leaves a third of it or more.
"""

MLEARN_STRAY = ("Ni", "Cu")
"""Files whose test part has the stresses of other structures: undeformed-cell values stand beside
cells strained by 10 %. They are left out."""

PYXTAL_LIMIT = -4.0
"""eV/atom above which the authors drop a structure of their silicon sets."""


def read_mlearn(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """One element of the mlearn sets, or the Mo–Nb–Ta–W set of the same group.

    Stress is given in kbar with VASP's sign (compression positive); see `MLEARN_SHEARS` and
    `MLEARN_STRAY`. In the alloy set the groups named ``…_Test`` are its test part.
    """
    name = paths[0].stem
    raw = load_npz(paths[0], (*_LABELLED, "virial_stress"))
    if name not in MLEARN_SHEARS:
        raise DataError(f"{paths[0]} is not a file of the mlearn sets: {', '.join(MLEARN_SHEARS)}")
    arrays = _crystals(raw)
    if name == "MoNbTaW_partial":
        test = np.char.endswith(arrays["group"], "_Test")
        arrays["split"] = np.where(test, "test", arrays["split"])
    stress = _ase_stress(raw["virial_stress"], MLEARN_SHEARS[name])
    if name in MLEARN_STRAY:
        stress[arrays["split"] == "test"] = np.nan
    return arrays | {"stress": stress}


def read_crystals(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """A periodic set with energies and forces, and no stress."""
    return _crystals(load_npz(paths[0], _LABELLED))


def read_si_pyxtal(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Small random silicon crystals, those below `PYXTAL_LIMIT`; ``group`` is the source file."""
    parts = []
    for path in paths:
        arrays = _crystals(load_npz(path, _LABELLED))
        arrays["group"] = np.full(len(arrays["energy"]), path.stem)
        parts.append(arrays)
    arrays = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return kept(arrays, arrays["energy"] <= PYXTAL_LIMIT * arrays["n_atoms"])


def read_md17(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Trajectory of a molecule; ``group`` names its parts, forces are NaN where a part has none."""
    raw = load_npz(paths[0], ("Z",))
    names = [key.removeprefix("R").removeprefix("_") for key in raw if key.split("_")[0] == "R"]
    parts = []
    for name in names:
        r, e, f = (raw.get(f"{key}_{name}" if name else key) for key in "REF")
        f = np.full(r.shape, np.nan) if f is None else f
        split = "test" if name.startswith("test") else "training"
        parts.append(_frames(raw["Z"], r, e, f, name or "all", split))
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def read_qm22(paths: Sequence[Path]) -> dict[str, np.ndarray]:
    """Configurations of a small molecule; forces only where the source has gradients."""
    raw = load_npz(paths[0], ("Z", "R", "E_hartree"))
    gradient = raw.get("G_hartree_per_bohr")
    forces = None if gradient is None else -gradient.astype(float) * (HARTREE / BOHR)
    arrays = _frames(raw["Z"], raw["R"], raw["E_hartree"] * HARTREE, forces, "all", "")
    return {key: value for key, value in arrays.items() if key not in ("group", "split")}


def _crystals(raw: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return unpacked(raw) | {
        "energy": raw["energy_eV"],
        "forces": raw["forces_eV_per_A"].astype(float),
        "group": raw["group"].astype("U40"),
        "split": np.where(raw["split"] == "val", "validation", raw["split"].astype("U10")),
    }


def _ase_stress(kbar: np.ndarray, shears: tuple[str, str, str]) -> np.ndarray:
    """VASP's stress ``[m, 6]`` (kbar, compression positive; xx, yy, zz, then `shears`) → ASE's."""
    order = [0, 1, 2, *(3 + shears.index(name) for name in ("yz", "xz", "xy"))]
    return -convert(kbar[:, order], "kbar", "eV/Å^3")


def _frames(numbers, positions, energy, forces, group: str, split: str) -> dict[str, np.ndarray]:
    count, atoms = positions.shape[:2]
    arrays = {
        "n_atoms": np.full(count, atoms, np.int32),
        "numbers": np.tile(numbers.astype(np.int32), count),
        "positions": positions.reshape(-1, 3).astype(float),
        "energy": energy.astype(float),
        "group": np.full(count, group, "U40"),
        "split": np.full(count, split, "U10"),
    }
    return arrays if forces is None else arrays | {"forces": forces.reshape(-1, 3).astype(float)}
