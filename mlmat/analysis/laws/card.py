"""The law card: which physical laws a model of molecules really obeys, and by how much it misses.

Nothing here looks inside a model. A law is a `Plan`: structures to be predicted, and a judgement
of the numbers. All plans are predicted together, in double precision, so that a law that holds by
construction shows rounding of 1e-12 and one that was only learnt shows what learning left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import ase
import numpy as np

EXACT = 1e-8
"""Share of the largest property by which rounding may break a law that holds by construction."""


@dataclass(frozen=True)
class Law:
    """One line of the card.

    Attributes:
        name: of the law.
        value: largest violation, or the number that there is to read; None if it does not apply.
        unit: of the value.
        tolerance: largest value at which the law is said to hold; None: a reading, not a law.
        says: what was measured, in plain words; or why the law does not apply.
        curves: label → (x, y) to be drawn.
        axes: labels of x and y.
    """

    name: str
    value: float | None
    unit: str
    tolerance: float | None
    says: str
    curves: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)
    axes: tuple[str, str] = ("", "")

    @property
    def holds(self) -> bool | None:
        """Whether the law holds; None for a reading or a law that does not apply."""
        if self.value is None or self.tolerance is None:
            return None
        return abs(self.value) <= self.tolerance


class Subject(NamedTuple):
    """The model that is judged, as functions of structures.

    Attributes:
        name: of the model.
        property: what it predicts.
        unit: of the property.
        elements: chemical symbols that it knows.
        extensive: whether the property grows with the size of the system.
        values: structures → ``[N]``, float64.
        forces: structures → ``[n, 3]`` each, unit per Å; None if the model is not differentiated.
        served: structures → ``[N]`` as a user gets them, in single precision; None: as `values`.
    """

    name: str
    property: str
    unit: str
    elements: tuple[str, ...]
    extensive: bool
    values: Callable[[Sequence[ase.Atoms]], np.ndarray]
    forces: Callable[[Sequence[ase.Atoms]], list[np.ndarray]] | None = None
    served: Callable[[Sequence[ase.Atoms]], np.ndarray] | None = None


class Plan(NamedTuple):
    """A law before it is judged.

    Attributes:
        structures: to be predicted.
        judge: their values ``[N]`` → the law, or the laws that share the structures.
    """

    structures: list[ase.Atoms]
    judge: Callable[[np.ndarray], Law | list[Law]]


def judge_all(subject: Subject, plans: Sequence[Plan]) -> list[Law]:
    """Predict the structures of all plans at once, and let each plan judge its own."""
    values = np.asarray(subject.values([atoms for plan in plans for atoms in plan.structures]), float)
    ends = np.cumsum([len(plan.structures) for plan in plans])
    laws = []
    for plan, part in zip(plans, np.split(values, ends[:-1]), strict=True):
        judged = plan.judge(part)
        laws += judged if isinstance(judged, list) else [judged]
    return laws


def measure_laws(subject: Subject, structures: Sequence[ase.Atoms], seed: int = 0) -> list[Law]:
    """The law card of a model of structures.

    Args:
        subject: the model.
        structures: a few molecules (not periodic) of elements that it knows; sizes, bonds and
            shapes are changed from these. The first of the smallest is also pulled apart.
        seed: of rotations, permutations and directions.

    Returns:
        Laws in the order of the card: symmetries, size, surface, forces, beyond the training set, precision.
    """
    from mlmat.analysis.laws.forces import force_plan
    from mlmat.analysis.laws.size import alkanes, dissociation, free_atoms, many_copies, two_copies
    from mlmat.analysis.laws.surface import breathing, smoothness
    from mlmat.analysis.laws.symmetry import symmetry_plans

    plain = subject.values(structures)
    scale = float(np.abs(plain).max())
    exact = EXACT * max(scale, 1e-6)
    rng = np.random.default_rng(seed)
    plans = [
        *symmetry_plans(subject, structures, rng, exact),
        two_copies(subject, structures, exact),
        many_copies(subject, structures, exact),
        dissociation(subject, structures, exact),
        smoothness(subject, structures, rng, scale),
        breathing(subject, structures),
        force_plan(subject, structures, rng, scale),
    ]
    if subject.extensive:
        plans.append(free_atoms(subject))
        if {"C", "H"} <= set(subject.elements):
            plans.append(alkanes(subject))
    laws = judge_all(subject, plans)
    if subject.served is not None:
        off = np.abs(subject.served(structures) - plain).max()
        text = "single precision, as predictions are served, against double precision"
        laws.append(Law("rounding", float(off), subject.unit, 1e-5 * scale, text))
    return laws


def card(subject: Subject, laws: Sequence[Law]) -> dict[str, Any]:
    """The card as JSON values."""
    return {
        "model": subject.name,
        "property": subject.property,
        "unit": subject.unit,
        "extensive": subject.extensive,
        "laws": [{**asdict(law), "axes": list(law.axes), "holds": law.holds} for law in laws],
    }
