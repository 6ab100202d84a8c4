"""What is corrected: a target, its baselines, and the molecules."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from experiments.coulomb_krr.local import describe, shortened
from experiments.coulomb_krr.variants import represent
from mlmat.data.dataset import Dataset
from mlmat.data.registry import load
from mlmat.descriptors.fchl19 import Settings
from mlmat.descriptors.padding import dense_molecules
from mlmat.descriptors.valence_counts import find_kinds, valence_counts
from mlmat.learners.local_kernels import Atoms
from mlmat.units import convert

SUN_ELEMENTS = (1, 6, 7, 8, 9, 16, 17)
"""H, C, N, O, F, S, Cl: those of the 539 molecules of Sun et al."""

LEAST = 5
"""Molecules that must have a kind of bond for it to be counted on its own."""

COULOMB_WIDTHS = (500, 1000, 2000, 4000, 8000, 16000)
"""σ to try, hartree."""


class System(NamedTuple):
    """One target and one baseline.

    Attributes:
        name: ``"baseline → target"``, with the set.
        dataset: registry name.
        y: ``[m]`` target, in `unit`.
        baseline: ``[m]``.
        matrices: ``[m, D]`` descriptors of the kernel: Coulomb matrices, rows sorted by norm.
        elements: ``[m, E]`` atoms of each element; of intensive targets one column of ones.
        counts: ``[m, K]`` elements, bonds, electron pairs.
        same_zero: whether baseline and target are measured from the same zero, so that their plain
            difference means something.
        unit: of the target.
        widths: σ to try.
        levels: ``[m, L]`` values of other cheap methods, in `unit`; None if there are none.
        geometry: numbers ``[m, n]`` and positions ``[m, n, 3]`` (Å), if a kernel of atoms is to be
            tried, too.
        atoms: descriptors of all atoms for it (`with_atoms`).
        groups: ``[m]`` items with the same label stay on one side of a split; None if each is its own.
        intensive: whether the target does not add up over molecules far apart.
        isomers: whether all items have one formula, so that their order means something.
    """

    name: str
    dataset: str
    y: np.ndarray
    baseline: np.ndarray
    matrices: np.ndarray
    elements: np.ndarray
    counts: np.ndarray
    same_zero: bool
    unit: str = "kcal/mol"
    widths: tuple[float, ...] = COULOMB_WIDTHS
    levels: np.ndarray | None = None
    geometry: tuple[np.ndarray, np.ndarray] | None = None
    atoms: Atoms | None = None
    groups: np.ndarray | None = None
    intensive: bool = False
    isomers: bool = False


def system_of(
    name: str,
    data: Dataset,
    target: str,
    baseline: str,
    same_zero: bool,
    others: Sequence[str] = (),
    *,
    unit: str = "kcal/mol",
    atoms: bool = False,
    intensive: bool = False,
) -> System:
    """A system of molecules with geometries.

    Args:
        name: as in `System`.
        data: the molecules, energies in eV.
        target: array to predict.
        baseline: array to correct.
        same_zero: as in `System`.
        others: arrays of other cheap methods.
        unit: of the errors.
        atoms: keep geometries for a kernel of atoms.
        intensive: as in `System`.
    """
    molecules = [data.molecule(k) for k in range(len(data))]
    kinds = find_kinds(molecules, LEAST)
    unpaired = data["multiplicity"] - 1 if "multiplicity" in data.arrays else None
    counts = valence_counts(molecules, kinds, unpaired)
    numbers, positions = dense_molecules(data["n_atoms"], data["numbers"], data["positions"])
    ones = np.ones((len(data), 1))
    return System(
        name,
        data.name,
        convert(data[target], "eV", unit),
        convert(data[baseline], "eV", unit),
        represent("sorted", numbers, positions, 0, 1)[0],
        ones if intensive else counts[:, : len(kinds.elements)],
        np.concatenate([ones, counts], axis=1) if intensive else counts,
        same_zero,
        unit,
        levels=convert(np.stack([data[other] for other in others], axis=1), "eV", unit) if others else None,
        geometry=(numbers, positions) if atoms else None,
        intensive=intensive,
    )


def with_atoms(system: System) -> System:
    """The system with FCHL19 vectors of its atoms, along their principal axes (of geometries alone)."""
    elements = tuple(int(z) for z in np.unique(system.geometry[0]) if z)
    return system._replace(atoms=shortened(describe(*system.geometry, Settings(elements))))


def _small_organics(baseline: str, name: str, others: Sequence[str] = ()) -> System:
    data = load("small_organics")
    known = np.isfinite(data["mp2_energy"]) & np.isfinite(data["hf_energy"])
    data = data.subset(known)
    return system_of(f"small_organics: {name} → MP2", data, "mp2_energy", baseline, False, others)


def _qm7() -> System:
    data = load("qm7_delta")
    data = data.subset(np.argsort(data["file_id"], kind="stable"))
    targets = "atomisation_energy_pbe0", "atomisation_energy_dftb"
    return system_of("qm7_delta: DFTB (flavour not documented) → PBE0", data, *targets, True)


def _heats(level: str, name: str, others: Sequence[str] = (), target: str = "experiment") -> System:
    data = load("ppe1694")
    other = ~np.isin(data["numbers"], SUN_ELEMENTS)
    columns = [f"heat_of_formation_{one}" for one in (target, level, *others)]
    kept = (np.add.reduceat(other, data.offsets[:-1]) == 0) & np.isfinite(data[columns[0]])
    return system_of(
        f"ppe1694: {name} → {target.upper() if target != 'experiment' else target}",
        data.subset(kept), *columns[:2], True, columns[2:],
    )  # fmt: skip


def _species(level: str, name: str, others: Sequence[str] = ()) -> System:
    data = load("rmg_reference")
    target, baseline, *rest = (f"heat_of_formation_{one}" for one in ("reference", level, *others))
    # Valence electrons are counted for neutral species only.
    known = (data["charge"] == 0) & np.isfinite(data[target]) & np.isfinite(data[baseline])
    return system_of(f"rmg_reference: {name} → reference", data.subset(known), target, baseline, True, rest)


SYSTEMS: Mapping[str, Callable[[], System]] = MappingProxyType(
    {
        "hf_mp2": lambda: _small_organics("hf_energy", "HF", ("energy",)),
        "xtb_mp2": lambda: _small_organics("energy", "GFN2-xTB"),
        "b3lyp_experiment": lambda: _heats("b3lyp", "B3LYP", ("pbe0", "wb97xd3", "pm6", "pm7")),
        "dftb_pbe0": _qm7,
        "rmg_b3lyp": lambda: _species("b3lyp", "B3LYP", ("wb97mv",)),
        "rmg_g4": lambda: _species("g4", "G4"),
        "pm7_experiment": lambda: _heats("pm7", "PM7", ("pm6",)),
        "g4mp2_experiment": lambda: _heats("g4mp2", "G4(MP2)"),
        "b3lyp_g4": lambda: _heats("b3lyp", "B3LYP", ("pbe0", "wb97xd3", "pm6", "pm7"), "g4"),
    }
)
"""By short name, in the order in which they are measured; `systems_qm9` has more."""
