"""What CGCNN was asked in its paper and in Matbench, and how much of it is at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ase
import numpy as np

from mlmat.data.dataset import Dataset
from mlmat.data.families import chemical_system
from mlmat.data.registry import load
from mlmat.data.splits import Split, group_split, random_split
from mlmat.data.structures import structures

PAPER = "Xie and Grossman, Phys. Rev. Lett. 120, 145301 (2018)"
MATBENCH = "Matbench v0.1, CGCNN v2019, mean of five folds (Dunn et al., npj Comput. Mater. 6, 138 (2020))"


@dataclass(frozen=True)
class Target:
    """A property, and what was published on it.

    Attributes:
        dataset: name in the registry.
        column: its array.
        unit: of the error that is stated.
        paper: published test error (MAE).
        train: training crystals it took.
        source: of the published error.
    """

    dataset: str
    column: str
    unit: str
    paper: float
    train: int
    source: str = PAPER


TARGETS = {
    "formation_energy": Target("mp_crystals", "formation_energy", "eV/atom", 0.039, 28_046),
    "band_gap": Target("mp_crystals", "band_gap", "eV", 0.388, 16_458),
    "fermi_energy": Target("mp_crystals", "fermi_energy", "eV", 0.363, 28_046),
    "log_bulk_modulus": Target("mp_elastic", "log_bulk_modulus", "log10 GPa", 0.054, 2_041),
    "log_shear_modulus": Target("mp_elastic", "log_shear_modulus", "log10 GPa", 0.087, 2_041),
    "poisson_ratio": Target("mp_elastic", "poisson_ratio", "1", 0.030, 2_041),
    "perovskites": Target("perovskites", "formation_energy", "eV", 0.0452, 15_142, MATBENCH),
}

SMALLEST_TEST = 0.08
"""Share of the crystals that is left for the test at least, where fewer are at hand than in the paper."""


@dataclass(frozen=True)
class Crystals:
    """Crystals with one property.

    Attributes:
        items: structures.
        values: ``[n]``.
        families: chemical system of each, such as ``"Cl-Na"``.
    """

    items: list[ase.Atoms]
    values: np.ndarray
    families: list[str]


def crystals(name: str) -> Crystals:
    """All crystals that have a property; gaps of non-metals only, as in the paper.

    Args:
        name: one of `TARGETS`.

    Raises:
        DataError: the data are not here.
    """
    target = TARGETS[name]
    data: Dataset = load(target.dataset)
    values = np.asarray(data[target.column], float)
    keep = np.isfinite(values) & ((values > 0) if name == "band_gap" else True)
    rows = np.flatnonzero(keep)
    items = structures(data, rows)
    return Crystals(items, values[rows], [chemical_system(atoms) for atoms in items])


def parts(families: Sequence[str], target: Target, split: str, n_train: int | None, seed: int) -> Split:
    """Training, validation and test rows.

    Args:
        families: of the crystals.
        target: whose training size is taken where that leaves enough to test.
        split: "random" as in the paper, or "family": no chemical system in two parts.
        n_train: another training size; the parts to test on stay the same.
        seed: of the draw.
    """
    count = len(families)
    full = min(target.train, round((1 - SMALLEST_TEST) * count * 0.93))
    check = min(2_000, round(0.07 * full))
    fractions = full / count, check / count, 1 - (full + check) / count
    if split == "random":
        train, validation, test = random_split(count, fractions, seed)
    else:
        train, validation, test = group_split(families, fractions, seed)
    if n_train is not None and n_train < len(train):
        train = np.random.default_rng(seed).permutation(train)[:n_train]
    return Split(train, validation, test)
