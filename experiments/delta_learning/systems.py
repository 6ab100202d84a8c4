"""What is corrected: a target, its baselines, and the molecules, all in kcal/mol."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from experiments.coulomb_krr.variants import represent
from mlmat.data.dataset import Dataset
from mlmat.data.registry import load
from mlmat.descriptors.padding import dense_molecules
from mlmat.descriptors.valence_counts import find_kinds, valence_counts
from mlmat.units import convert

SUN_ELEMENTS = (1, 6, 7, 8, 9, 16, 17)
"""H, C, N, O, F, S, Cl: those of the 539 molecules of Sun et al."""

LEAST = 5
"""Molecules that must have a kind of bond for it to be counted on its own."""


class System(NamedTuple):
    """One target and one baseline.

    Attributes:
        name: ``"baseline → target"``, with the set.
        dataset: registry name.
        y: ``[m]`` target, kcal/mol.
        baseline: ``[m]`` kcal/mol.
        matrices: ``[m, D]`` Coulomb matrices, rows sorted by norm.
        elements: ``[m, E]`` atoms of each element.
        counts: ``[m, K]`` elements, bonds, electron pairs.
        same_zero: whether baseline and target are measured from the same zero, so that their plain
            difference means something.
    """

    name: str
    dataset: str
    y: np.ndarray
    baseline: np.ndarray
    matrices: np.ndarray
    elements: np.ndarray
    counts: np.ndarray
    same_zero: bool


def _system(name: str, data: Dataset, target: str, baseline: str, same_zero: bool) -> System:
    molecules = [data.molecule(k) for k in range(len(data))]
    kinds = find_kinds(molecules, LEAST)
    unpaired = data["multiplicity"] - 1 if "multiplicity" in data.arrays else None
    counts = valence_counts(molecules, kinds, unpaired)
    numbers, positions = dense_molecules(data["n_atoms"], data["numbers"], data["positions"])
    return System(
        name,
        data.name,
        convert(data[target], "eV", "kcal/mol"),
        convert(data[baseline], "eV", "kcal/mol"),
        represent("sorted", numbers, positions, 0, 1)[0],
        counts[:, : len(kinds.elements)],
        counts,
        same_zero,
    )


def _small_organics(baseline: str, name: str) -> System:
    data = load("small_organics")
    known = np.isfinite(data["mp2_energy"]) & np.isfinite(data["hf_energy"])
    return _system(f"small_organics: {name} → MP2", data.subset(known), "mp2_energy", baseline, False)


def _qm7() -> System:
    data = load("qm7_delta")
    data = data.subset(np.argsort(data["file_id"], kind="stable"))
    targets = "atomisation_energy_pbe0", "atomisation_energy_dftb"
    return _system("qm7_delta: DFTB (flavour not documented) → PBE0", data, *targets, True)


def _heats(level: str, name: str) -> System:
    data = load("ppe1694")
    other = ~np.isin(data["numbers"], SUN_ELEMENTS)
    kept = np.add.reduceat(other, data.offsets[:-1]) == 0
    columns = "heat_of_formation_experiment", f"heat_of_formation_{level}"
    return _system(f"ppe1694: {name} → experiment", data.subset(kept), *columns, True)


def _species(level: str, name: str) -> System:
    data = load("rmg_reference")
    target, baseline = "heat_of_formation_reference", f"heat_of_formation_{level}"
    # Valence electrons are counted for neutral species only.
    known = (data["charge"] == 0) & np.isfinite(data[target]) & np.isfinite(data[baseline])
    return _system(f"rmg_reference: {name} → reference", data.subset(known), target, baseline, True)


SYSTEMS: dict[str, Callable[[], System]] = {
    "hf_mp2": lambda: _small_organics("hf_energy", "HF"),
    "xtb_mp2": lambda: _small_organics("energy", "GFN2-xTB"),
    "b3lyp_experiment": lambda: _heats("b3lyp", "B3LYP"),
    "dftb_pbe0": _qm7,
    "rmg_b3lyp": lambda: _species("b3lyp", "B3LYP"),
    "rmg_g4": lambda: _species("g4", "G4"),
    "pm7_experiment": lambda: _heats("pm7", "PM7"),
    "g4mp2_experiment": lambda: _heats("g4mp2", "G4(MP2)"),
}
"""By short name, in the order in which they are measured."""
