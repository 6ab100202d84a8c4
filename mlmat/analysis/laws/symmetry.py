"""Symmetries of space and of identical atoms, as plans of the law card."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ase
import numpy as np
from scipy.spatial.transform import Rotation

from mlmat.analysis.laws.law import Law, Plan, Subject

DRAWS = 4
"""Random changes of each structure."""

FAR = 10.0
"""Å; a structure is moved by up to so much in each direction."""

Change = Callable[[ase.Atoms, np.random.Generator], ase.Atoms]


def permuted(atoms: ase.Atoms, rng: np.random.Generator) -> ase.Atoms:
    """The same molecule with its atoms in another order."""
    return atoms[rng.permutation(len(atoms))]


def rotated(atoms: ase.Atoms, rng: np.random.Generator) -> ase.Atoms:
    """The molecule turned about the origin."""
    return _moved(atoms, Rotation.random(random_state=rng).apply(atoms.positions))


def translated(atoms: ase.Atoms, rng: np.random.Generator) -> ase.Atoms:
    """The molecule elsewhere."""
    return _moved(atoms, atoms.positions + rng.uniform(-FAR, FAR, 3))


def reflected(atoms: ase.Atoms, rng: np.random.Generator) -> ase.Atoms:
    """The mirror image in a plane through the origin."""
    normal = rng.normal(size=3)
    normal /= np.linalg.norm(normal)
    return _moved(atoms, atoms.positions - 2 * np.outer(atoms.positions @ normal, normal))


CHANGES: dict[str, tuple[Change, str]] = {
    "permutation": (permuted, "atoms listed in another order"),
    "rotation": (rotated, "molecule turned"),
    "translation": (translated, f"molecule moved by up to {FAR:g} Å along each axis"),
    "reflection": (reflected, "mirror image"),
}


def symmetry_plans(
    subject: Subject, structures: Sequence[ase.Atoms], rng: np.random.Generator, exact: float
) -> list[Plan]:
    """Invariance to permutation, rotation, translation and reflection.

    Args:
        subject: the model.
        structures: N molecules.
        rng: of the changes.
        exact: tolerance, in the unit of the property.
    """
    plans = []
    for name, (change, text) in CHANGES.items():
        changed = [change(atoms, rng) for atoms in structures for _ in range(DRAWS)]

        def judge(values: np.ndarray, name: str = name, text: str = text) -> Law:
            plain, moved = np.split(values, [len(structures)])
            worst = np.abs(moved.reshape(-1, DRAWS) - plain[:, None]).max()
            return Law(name, float(worst), subject.unit, exact, f"largest change with the {text}")

        plans.append(Plan([*structures, *changed], judge))
    return plans


def _moved(atoms: ase.Atoms, positions: np.ndarray) -> ase.Atoms:
    return ase.Atoms(atoms.numbers, positions)
