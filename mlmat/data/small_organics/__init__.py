"""The embedded set: small organic molecules with GFN2-xTB labels, made by `make.py`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from mlmat.data.dataset import Dataset
from mlmat.data.small_organics.pack import POSITION_STEP

FOLDER = Path(__file__).parent

UNITS = {
    "positions": "Å",
    "charges": "e",
    "energy": "eV",
    "atomisation_energy": "eV",
    "homo": "eV",
    "lumo": "eV",
    "gap": "eV",
    "dipole": "debye",
    "hf_energy": "eV",
    "mp2_energy": "eV",
}


def provenance() -> dict:
    """How the set was made: versions, protocol, counts, rejections, noise, checksum."""
    return json.loads((FOLDER / "provenance.json").read_text())


def load() -> Dataset:
    """Read the embedded set.

    Returns:
        A data set with, per molecule: ``smiles``, ``n_atoms``, ``n_heavy``,
        ``energy``, ``atomisation_energy`` (negative for a bound molecule), ``homo``,
        ``lumo``, ``gap``, ``dipole``, ``hf_energy`` and ``mp2_energy`` (NaN where not
        computed); per atom, molecule after molecule: ``numbers``, ``positions``, ``charges``.
        A GFN2 gap is a difference of orbital energies, not an optical gap.
    """
    from ase.data import chemical_symbols

    packed = dict(np.load(FOLDER / "small_organics.npz"))
    notes = provenance()
    arrays = {
        name: packed[name] for name in ("n_atoms", "n_heavy", "numbers", "energy", "hf_energy", "mp2_energy")
    }
    arrays["smiles"] = np.array(packed["smiles"].tobytes().decode().split("\n"))
    arrays["positions"] = packed["positions"] * POSITION_STEP
    arrays["charges"] = packed["charges"].astype(np.float32)
    arrays |= {name: packed[name].astype(float) for name in ("homo", "lumo", "gap", "dipole")}
    free = np.zeros(len(chemical_symbols))
    for symbol, energy in notes["free_atom_energies_eV"].items():
        free[chemical_symbols.index(symbol)] = energy
    starts = np.concatenate([[0], np.cumsum(packed["n_atoms"].astype(int))[:-1]])
    arrays["atomisation_energy"] = arrays["energy"] - np.add.reduceat(free[packed["numbers"]], starts)
    return Dataset(
        name="small_organics",
        arrays=arrays,
        units=UNITS,
        citation="mlmat, embedded set small_organics (GFN2-xTB: Bannwarth et al., JCTC 15, 1652, 2019)",
        licence=notes["licence"],
        source="python -m mlmat.data.small_organics.make",
    )
