"""The energy surface along paths: jumps, kinks, and whether it rises on both sides of a molecule."""

from __future__ import annotations

from collections.abc import Sequence

import ase
import numpy as np

from mlmat.analysis.laws.law import Law, Plan, Subject
from mlmat.analysis.laws.size import side_by_side, smallest

STEP = 0.01
"""Å between points of a path."""

SLIDE = (2.0, 8.0)
"""Å between two copies of the smallest molecule; the path crosses the usual cutoffs."""

SHAKE = 0.3
"""Å that the atoms of a molecule move to either side along a random direction."""

FACTORS = np.linspace(0.7, 1.6, 46)
"""All lengths of a molecule are multiplied by these."""

MINIMUM = 0.03
"""Relative error of a bond length that is still called the right minimum."""


def jump_and_kink(values: np.ndarray, step: float) -> tuple[float, float]:
    """Largest jump of a function on a grid, and largest jump of its slope.

    Second differences D(h) of a function with a jump J, a kink S and a curvature k are about
    J, S h and k h²; those of two grids separate them: J ≤ (4 D(h) − D(2h)) / 3 and, without a
    jump, S = 2 D(h)/h − D(2h)/2h. A smooth function gives zeros up to h³.

    Args:
        values: ``[n]`` on an equidistant grid.
        step: its spacing h.

    Returns:
        Jump in the unit of the values, kink in that unit per unit of `step`.
    """
    fine = np.abs(values[2:] - 2 * values[1:-1] + values[:-2])
    coarse = np.abs(values[4:] - 2 * values[2:-2] + values[:-4])
    # Where the fine grid is worst, the coarse one is looked at, at the same place or beside it.
    at = int(fine.argmax())
    near = coarse[max(0, at - 2) : at + 2].max()
    jump = max(0.0, (4 * fine[at] - near) / 3)
    kink = max(0.0, 2 * fine[at] / step - near / (2 * step))
    return float(jump), float(kink)


def smoothness(
    subject: Subject, structures: Sequence[ase.Atoms], rng: np.random.Generator, scale: float
) -> Plan:
    """No jumps and no kinks when molecules slide past the cutoff, or shake.

    Args:
        subject: the model.
        structures: molecules.
        rng: of the directions.
        scale: size of the property.
    """
    atoms = smallest(structures)
    gaps = np.arange(*SLIDE, STEP)
    slide = [side_by_side(atoms, gap) for gap in gaps]
    largest = max(structures, key=len)
    direction = rng.normal(size=largest.positions.shape)
    direction /= np.abs(direction).max()
    shifts = np.arange(-SHAKE, SHAKE, STEP)
    shake = [ase.Atoms(largest.numbers, largest.positions + shift * direction) for shift in shifts]

    def judge(values: np.ndarray) -> list[Law]:
        paths = [jump_and_kink(part, STEP) for part in np.split(values, [len(slide)])]
        jump, kink = (max(found) for found in zip(*paths, strict=True))
        text = f"largest jump while two copies slide apart ({SLIDE[0]:g} to {SLIDE[1]:g} Å) or atoms shake"
        curve = {"two copies": (gaps.tolist(), (values[: len(gaps)] - values[len(gaps) - 1]).tolist())}
        axes = ("distance of two copies (Å)", f"{subject.property} ({subject.unit})")
        text_kink = "largest jump of the slope on the same paths"
        return [
            Law("continuity", jump, subject.unit, 1e-4 * scale, text, curve, axes),
            Law("smoothness", kink, f"{subject.unit}/Å", 1e-2 * scale, text_kink),
        ]

    return Plan([*slide, *shake], judge)


def breathing(subject: Subject, structures: Sequence[ase.Atoms]) -> Plan:
    """Beyond the training range: molecules squeezed and blown up.

    For an energy the lowest point must be near the molecule as it was given.
    """
    scaled = [ase.Atoms(a.numbers, a.positions * f) for a in structures for f in FACTORS]
    is_energy = subject.extensive

    def judge(values: np.ndarray) -> Law:
        curves = values.reshape(len(structures), -1)
        lowest = FACTORS[curves.argmin(axis=1)]
        off = float(np.abs(lowest - 1).max())
        unlike = curves - curves[:, [int(np.abs(FACTORS - 1).argmin())]]
        return Law(
            "place of the minimum",
            off if is_energy else None,
            "1",
            MINIMUM,
            f"lowest energy when all lengths are multiplied by {FACTORS[0]:g} … {FACTORS[-1]:g}: "
            "largest distance of the factor from 1"
            if is_energy
            else "does not apply: only an energy has its minimum at the structure",
            {
                a.get_chemical_formula(): (FACTORS.tolist(), y.tolist())
                for a, y in zip(structures, unlike, strict=True)
            },
            ("factor on all lengths", f"change ({subject.unit})"),
        )

    return Plan(scaled, judge)
