"""Systems of many molecules: QM9 at three levels, its C7H10O2 isomers, excitations of QM8, dyes.

Of a large set a fixed part is taken, drawn with one seed before anything else is done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from experiments.delta_learning.systems import System, system_of
from mlmat.data.dataset import Dataset
from mlmat.data.registry import load

MOLECULES = 6000
"""Taken from each large set."""

FOLDED = 512
"""Length of the fingerprints of dyes."""

SOLVENT = 64
"""Length of those of solvents."""

FINGERPRINT_WIDTHS = (20, 40, 80, 160, 320, 640, 1280)
"""σ to try for counts of fragments."""


def _some(data: Dataset, kept: np.ndarray) -> Dataset:
    rows = np.flatnonzero(kept)
    return data.subset(np.random.default_rng(0).permutation(rows)[:MOLECULES])


def _g4mp2(temperature: str, label: str) -> System:
    """Both baselines have the same molecules: those whose B3LYP energy at 0 K is at hand."""
    data = load("qm9_g4mp2")
    data = _some(data, np.isfinite(data["atomisation_energy_b3lyp_u0"]))
    return system_of(
        f"qm9: B3LYP {label} → G4MP2 at 0 K", data, "atomisation_energy_g4mp2",
        f"atomisation_energy_b3lyp_{temperature}", True, atoms=temperature == "u298",
    )  # fmt: skip


def _isomers() -> System:
    data = load("qm9_g4mp2")
    atoms = {z: np.add.reduceat(data["numbers"] == z, data.offsets[:-1], dtype=int) for z in (1, 6, 8)}
    kept = (data["n_atoms"] == 19) & (atoms[1] == 10) & (atoms[6] == 7) & (atoms[8] == 2)
    system = system_of(
        "C7H10O2: B3LYP (U at 298 K) → G4MP2 at 0 K", data.subset(kept), "atomisation_energy_g4mp2",
        "atomisation_energy_b3lyp_u298", True, atoms=True,
    )  # fmt: skip
    return system._replace(isomers=True)


def _rimp2() -> System:
    data = load("qm9_rimp2")
    return system_of(
        "qm9: HF → RI-MP2", _some(data, np.ones(len(data), bool)), "atomisation_energy_rimp2",
        "atomisation_energy_hf", True, atoms=True,
    )  # fmt: skip


def _excitation(state: int, level: str, name: str, others: tuple[str, ...]) -> System:
    data = load("qm8")
    return system_of(
        f"qm8: {name} → CC2, state {state}", _some(data, np.ones(len(data), bool)), f"excitation{state}_cc2",
        f"excitation{state}_{level}", True, others, unit="eV", intensive=True,
    )  # fmt: skip


def _dyes() -> System:
    # RDKit is slow to import, and no other system needs it.
    from mlmat.graphs.fingerprints import morgan_counts

    data = load("dyes")
    data = _some(data, np.ones(len(data), bool))
    dyes, solvents = data["smiles"].tolist(), data["solvent"].tolist()
    ones = np.ones((len(data), 1))
    medium = morgan_counts(solvents, SOLVENT).astype(float)
    return System(
        "dyes: TD-DFT → experiment",
        data.name,
        data["absorption_experiment"],
        data["absorption_tddft"],
        np.concatenate([morgan_counts(dyes, FOLDED), medium], axis=1),
        ones,
        np.concatenate([ones, medium], axis=1),
        True,
        "eV",
        FINGERPRINT_WIDTHS,
        groups=np.unique(dyes, return_inverse=True)[1],
        intensive=True,
    )


SYSTEMS_QM9: Mapping[str, Callable[[], System]] = MappingProxyType(
    {
        "qm9_g4mp2": lambda: _g4mp2("u298", "(U at 298 K)"),
        "c7h10o2": _isomers,
        "qm9_rimp2": _rimp2,
        "qm8_pbe0": lambda: _excitation(1, "pbe0", "PBE0", ("excitation2_pbe0", "excitation1_cam_b3lyp")),
        "dyes": _dyes,
        "qm9_g4mp2_0k": lambda: _g4mp2("u0", "at 0 K"),
        "qm8_pbe0_2": lambda: _excitation(2, "pbe0", "PBE0", ("excitation1_pbe0", "excitation2_cam_b3lyp")),
        "qm8_cam": lambda: _excitation(1, "cam_b3lyp", "CAM-B3LYP", ("excitation2_cam_b3lyp",)),
    }
)
"""By short name, in the order in which they are measured."""
