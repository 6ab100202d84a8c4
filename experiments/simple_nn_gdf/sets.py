"""Silicon with hardly a defect to train on, hot and cold, and silicon with many."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.hdnnp_mlearn.potential import task_of
from experiments.simple_nn_gdf.cold import MORE, cold_crystal
from mlmat.data.dataset import Dataset
from mlmat.data.registry import load
from mlmat.data.splits import Split
from mlmat.data.structures import published_split
from mlmat.recipes.task import Task

FEW = 3
"""Vacancy frames to train on, and as many to choose the epoch, of `few_defects`."""


class Source(NamedTuple):
    """Where structures come from and how long they are learnt.

    Attributes:
        data: name in the registry; None: simulated by the experiment.
        read: seed and a folder for what is simulated → structures and their parts.
        epochs: of the trainings of the full preset.
        seeds: their number.
        width: of the two hidden layers; SIMPLE-NN's default is 30.
    """

    data: str | None
    read: Callable[[int, Path], tuple[Task, Split]]
    epochs: tuple[int, ...]
    seeds: int
    width: int = 30


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


def registered(
    name: str, split: Callable[[Dataset, int], Split]
) -> Callable[[int, Path], tuple[Task, Split]]:
    """Reads a set of the registry and splits it."""

    def read(seed: int, folder: Path) -> tuple[Task, Split]:
        data = load(name)
        return task_of(data), split(data, seed)

    return read


SETS = {
    "few defects": Source("mlearn_si", registered("mlearn_si", few_defects), (100,), 5),
    "many defects": Source("si_mo_group", registered("si_mo_group", many_defects), (100,), 3),
    "cold crystal": Source(None, cold_crystal, (30, 100, 300), 3),
    "small network": Source(None, partial(cold_crystal, counts=MORE), (60, 200), 3, width=10),
}
