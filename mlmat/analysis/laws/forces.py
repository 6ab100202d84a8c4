"""Forces of a law card: do they belong to the energy, and do they add up to nothing?"""

from __future__ import annotations

from collections.abc import Sequence

import ase
import numpy as np

from mlmat.analysis.laws.law import Law, Plan, Subject

STEP = 1e-3
"""Å; central differences of fourth order are then right to about 1e-10 of the energy."""

DRAWS = 3
"""Random directions for each molecule."""


def force_plan(
    subject: Subject, structures: Sequence[ase.Atoms], rng: np.random.Generator, scale: float
) -> Plan:
    """Forces against differences of the energy, and their sum and torque.

    Args:
        subject: the model.
        structures: molecules.
        rng: of the directions.
        scale: size of the property.
    """
    unit = f"{subject.unit}/Å"
    names = ("force–energy consistency", "net force", "net torque")
    if subject.forces is None:
        reason = "does not apply: the model is not differentiated by the positions"
        return Plan([], lambda values: [Law(name, None, unit, None, reason) for name in names])
    forces = subject.forces(structures)
    moved, along = [], []
    for atoms, force in zip(structures, forces, strict=True):
        for _ in range(DRAWS):
            direction = rng.normal(size=atoms.positions.shape)
            direction /= np.linalg.norm(direction)
            along.append(float((force * direction).sum()))
            moved += [
                ase.Atoms(atoms.numbers, atoms.positions + k * STEP * direction) for k in (-2, -1, 1, 2)
            ]
    net = max(float(np.abs(force.sum(axis=0)).max()) for force in forces)
    torques = [np.cross(atoms.positions, f).sum(axis=0) for atoms, f in zip(structures, forces, strict=True)]
    torque = max(float(np.abs(one).max()) for one in torques)

    def judge(values: np.ndarray) -> list[Law]:
        a, b, c, d = values.reshape(-1, 4).T
        slope = (8 * (c - b) - (d - a)) / (12 * STEP)
        off = float(np.abs(slope + np.array(along)).max())
        text = "force along random directions, plus the slope of the energy"
        return [
            Law(names[0], off, unit, 1e-6 * scale, text),
            Law(names[1], net, unit, 1e-8 * scale, "largest component of the sum of all forces"),
            Law(names[2], torque, subject.unit, 1e-8 * scale, "largest component of the torque"),
        ]

    return Plan(moved, judge)
