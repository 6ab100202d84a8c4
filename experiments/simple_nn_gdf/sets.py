"""Silicon with hardly a defect to train on, and silicon with many."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mlmat.data.dataset import Dataset
from mlmat.data.splits import Split
from mlmat.data.structures import published_split

FEW = 3
"""Vacancy frames to train on, and as many to choose the epoch, of `few_defects`."""


def few_defects(data: Dataset, seed: int) -> Split:
    """The case of Jeong et al.: a crystal with hardly a defect to train on, tested on one with a vacancy.

    Crystals (hot or strained) of the published training part and three frames with a vacancy; to test on,
    all other frames with a vacancy and the hot crystals of the published test part.
    """
    group, part = np.asarray(data["group"]), np.asarray(data["split"])
    draw = np.random.default_rng(seed)
    crystals = draw.permutation(
        np.flatnonzero(np.isin(group, ["AIMD-NVT", "Elastic"]) & (part == "training"))
    )
    holes = draw.permutation(np.flatnonzero(group == "Vacancy"))
    hot = np.flatnonzero((group == "AIMD-NVT") & (part == "test"))
    check = len(crystals) // 12
    return Split(
        np.concatenate([crystals[check:], holes[:FEW]]),
        np.concatenate([crystals[:check], holes[FEW : 2 * FEW]]),
        np.concatenate([hot, holes[2 * FEW :]]),
    )


def many_defects(data: Dataset, seed: int) -> Split:
    """The published parts of a set that its authors had already enriched with vacancies and interstitials."""
    return published_split(data)


SETS: dict[str, tuple[str, Callable[[Dataset, int], Split]]] = {
    "few defects": ("mlearn_si", few_defects),
    "many defects": ("si_mo_group", many_defects),
}
"""Name → registered data, and how they are split."""
