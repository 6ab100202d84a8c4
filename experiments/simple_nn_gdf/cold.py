"""A cold crystal of silicon with hardly a vacancy, moved and labelled by Stillinger and Weber's potential.

What Jeong et al. had in mind: nearly all atoms to train on are alike, and those that matter are few.
Labels are exact and cost nothing, so that training is all that can go wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import ase
import ase.io
import numpy as np
from ase.build import bulk

from mlmat.data.splits import Split
from mlmat.potentials import stillinger_weber
from mlmat.recipes.task import Task
from mlmat.simulate.ensembles import Langevin
from mlmat.simulate.run import TRAJECTORY, simulate

TEMPERATURE, TIME_STEP = 300.0, 2.0
"""K, fs."""

SETTLING, APART = 10, 50
"""Frames that are left out at the start, and steps from one frame to the next."""

COUNTS = {"train": (100, 5), "validation": (20, 2), "test": (30, 30)}
"""Part → frames without and with a vacancy; every part has trajectories of its own."""

MORE = {"train": (300, 30), "validation": (20, 6), "test": (30, 30)}
"""The same, with enough vacancies to learn from and as many crystals to outvote them."""


def frames(vacancy: bool, count: int, seed: int, folder: Path) -> list[ase.Atoms]:
    """Frames of one trajectory at 300 K, 64 atoms or one less, with energy and forces; read if it was run.

    Args:
        vacancy: whether an atom is missing.
        count: frames.
        seed: of the trajectory.
        folder: for its files.
    """
    atoms = bulk("Si", "diamond", 5.431, cubic=True) * (2, 2, 2)
    if vacancy:
        del atoms[0]
    folder.mkdir(parents=True, exist_ok=True)
    steps = (SETTLING + count) * APART
    ensemble = Langevin(TIME_STEP, TEMPERATURE)
    # A harmonic crystal at rest gives half of its kinetic energy away.
    options = {"interval": APART, "temperature": 2 * TEMPERATURE, "seed": seed}
    simulate(stillinger_weber(), atoms, ensemble, steps, folder, **options)
    return ase.io.read(folder / TRAJECTORY, f"{SETTLING + 1}:")


def cold_crystal(
    seed: int, folder: Path, counts: Mapping[str, tuple[int, int]] = COUNTS
) -> tuple[Task, Split]:
    """Structures and parts of one draw; no trajectory is in two parts.

    Args:
        seed: of all trajectories.
        folder: for their files.
        counts: part → frames without and with a vacancy.
    """
    items: list[ase.Atoms] = []
    parts: dict[str, np.ndarray] = {}
    for number, (part, of_part) in enumerate(counts.items()):
        first = len(items)
        for vacancy, count in enumerate(of_part):
            name = f"cold-{seed}-{part}-{'vacancy' if vacancy else 'crystal'}-{count}"
            items += frames(bool(vacancy), count, 1000 + 10 * seed + 2 * number + vacancy, folder / name)
        parts[part] = np.arange(first, len(items))
    energies = np.array([[atoms.get_potential_energy()] for atoms in items])
    forces = [atoms.get_forces() for atoms in items]
    for atoms in items:
        atoms.calc = None
    return Task("structure", items, energies, ("energy",), ("eV",), forces=forces), Split(**parts)
