"""The law card: which physical laws a model of molecules really obeys, and by how much it misses.

Nothing here looks inside a model. A law is a `Plan`: structures to be predicted, and a judgement
of the numbers. All plans are predicted together, in double precision, so that a law that holds by
construction shows rounding of 1e-12 and one that was only learnt shows what learning left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import ase
import numpy as np

from mlmat.analysis.laws.forces import force_plan
from mlmat.analysis.laws.law import Law, Plan, Subject
from mlmat.analysis.laws.size import alkanes, dissociation, free_atoms, many_copies, two_copies
from mlmat.analysis.laws.surface import breathing, smoothness
from mlmat.analysis.laws.symmetry import symmetry_plans
from mlmat.errors import InputError

EXACT = 1e-8
"""Share of the largest property by which rounding may break a law that holds by construction."""


NO_NUMBER = "does not apply: the model gives no number for one of the structures, as for another size"


def judge_all(subject: Subject, plans: Sequence[Plan]) -> list[Law]:
    """Predict the structures of all plans at once, and let each plan judge its own."""
    values = np.asarray(subject.values([atoms for plan in plans for atoms in plan.structures]), float)
    ends = np.cumsum([len(plan.structures) for plan in plans])
    laws = []
    for plan, part in zip(plans, np.split(values, ends[:-1]), strict=True):
        with np.errstate(invalid="ignore"):
            judged = plan.judge(part)
        judged = judged if isinstance(judged, list) else [judged]
        if not np.isfinite(part).all():
            judged = [replace(law, value=None, curves={}, says=NO_NUMBER) for law in judged]
        laws += judged
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

    Raises:
        InputError: the model gives no number for one of the structures themselves.
    """
    plain = subject.values(structures)
    if not np.isfinite(plain).all():
        raise InputError(
            f"{subject.name} gives no number for structure {int(np.isfinite(plain).argmin())}: with --file, "
            "give molecules that it can take (all of one size, for a network of one size)"
        )
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
