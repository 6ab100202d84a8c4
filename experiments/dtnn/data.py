"""What the networks learn: molecules and their targets, all of them sums over atoms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import ase
import numpy as np

from experiments.qm9_schnet.run import molecules
from mlmat.data.registry import load
from mlmat.errors import InputError
from mlmat.units import convert

SYMBOLS = {
    "qm9": ("H", "C", "N", "O"),
    "qm7": ("H", "C", "N", "O", "S"),
    "c7h10o2": ("H", "C", "O"),
    "rmd17_ethanol": ("H", "C", "O"),
    "rmd17_aspirin": ("H", "C", "O"),
    "qm22_ethanol": ("H", "C", "O"),
    "qm22_malonaldehyde": ("H", "C", "O"),
}
"""Elements of each set."""

ENERGIES = {"qm9": "atomisation_energy", "qm7": "atomisation_energy", "c7h10o2": "u0"}
"""The array that `energy` stands for. U at 298 K for QM9 (U0 is at hand for a sixth of it only), PBE0
for QM7, G4MP2 at 0 K for the isomers; `energy` itself for frames of one molecule."""

CEILING = {"qm22_ethanol": 2.0, "qm22_malonaldehyde": 2.0}
"""Highest energy above the lowest, eV: these sets reach into the repulsive walls of a surface."""

UNITS = {"energy": "eV", "zpve": "eV", "polarisability": "Å^3", "cv": "eV/K"}
"""Of the targets that can be learned."""


def usable(dataset: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Rows below the ceiling of a set, and which of them its published split tests on, if it has one."""
    data = load(dataset)
    rows = np.arange(len(data))
    if dataset in CEILING:
        rows = rows[data["energy"] <= data["energy"].min() + CEILING[dataset]]
    return rows, data["split"][rows] == "test" if "split" in data.arrays else None


class Learned(NamedTuple):
    """Molecules and targets.

    Attributes:
        items: structures.
        targets: ``[m, P]`` in the units of the package.
        properties: their names.
        units: their units.
    """

    items: list[ase.Atoms]
    targets: np.ndarray
    properties: tuple[str, ...]
    units: tuple[str, ...]


def learned(dataset: str, properties: Sequence[str], rows: np.ndarray, train: np.ndarray) -> Learned:
    """Some molecules of a set.

    Args:
        dataset: name in the registry.
        properties: names of `UNITS`.
        rows: molecules.
        train: rows of the training part among them; total energies are relative to their mean, since
            float32 would not hold them.

    Raises:
        InputError: a property that the set does not have.
    """
    data = load(dataset)
    columns = []
    for name in properties:
        array = ENERGIES.get(dataset, "energy") if name == "energy" else name
        if name not in UNITS or array not in data.arrays:
            raise InputError(f"{dataset} has no {name!r} to learn: choose of {', '.join(UNITS)}")
        offset = data[array][train].mean() if array in ("u0", "energy") else 0.0
        columns.append(data[array][rows] - offset)
    units = tuple(UNITS[name] for name in properties)
    return Learned(molecules(data, rows), np.stack(columns, axis=1), tuple(properties), units)


def shown(name: str, values: np.ndarray) -> tuple[np.ndarray, str]:
    """Values in the unit that chemists use: energies in kcal/mol, heat capacities in meV/K."""
    if UNITS[name] == "eV":
        return convert(values, "eV", "kcal/mol"), "kcal/mol"
    if UNITS[name] == "eV/K":
        return 1000 * values, "meV/K"
    return values, UNITS[name]
