"""Corrections of a baseline: small organic molecules, heats of formation, QM7.

    MLMAT_DATA=… python -m experiments.delta_learning.run --preset full --out runs/delta_learning

Each cell is one target, baseline, method, split and size of the training part. Hyperparameters are
chosen inside the training part; the test part is predicted once. What is finished in `out` is not
run again, and the record is renewed after every cell.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro

from experiments.delta_learning.methods import METHODS, measure
from experiments.delta_learning.summary import metrics_of
from experiments.delta_learning.systems import SYSTEMS, System
from mlmat.analysis.record import RunRecord, save_record
from mlmat.data.registry import checksums
from mlmat.files import write_json
from mlmat.learners.kennard_stone import kennard_stone

SIZES = {
    "hf_mp2": (400, 1600),
    "xtb_mp2": (400, 1600),
    "b3lyp_experiment": (),
    "pm7_experiment": (),
    "g4mp2_experiment": (),
    "rmg_b3lyp": (),
    "rmg_g4": (),
    "dftb_pbe0": (500, 2000),
}
"""Training molecules; empty: `SHARE` of them, as many as Sun et al. took of theirs."""

SHARE = 449 / 539
N_TEST = {"hf_mp2": 400, "xtb_mp2": 400, "dftb_pbe0": 1000}
QUICK = ("hf_mp2", "xtb_mp2")
"""The embedded set: no other data are needed."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: all systems, several splits; quick: the embedded set, one split, few molecules.
        out: folder for the results.
        systems: keys of `SYSTEMS`; default by preset.
        splits: random splits; default by preset.
        members: bootstrapped networks.
        seed: of the networks.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/delta_learning")
    systems: tuple[str, ...] = ()
    splits: int | None = None
    members: int = 20
    seed: int = 0


def parts(key: str, system: System, splits: int, quick: bool) -> Iterator[tuple[str, int, Any, Any]]:
    """Name of the split, its number, training and test molecules."""
    count = len(system.y)
    if not SIZES[key]:
        n_train = round(SHARE * count)
        x = np.concatenate([system.counts, system.baseline[:, None]], axis=1)
        spread = x.std(axis=0)
        chosen = kennard_stone((x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0), n_train)
        # The order of choice would make the molecules that judge the least extreme ones.
        train = np.random.default_rng(0).permutation(chosen)
        yield "Kennard-Stone", 0, train, np.setdiff1d(np.arange(count), chosen)
    for split in range(splits):
        order = np.random.default_rng(split).permutation(count)
        if not SIZES[key]:
            yield "random", split, order[:n_train], order[n_train:]
            continue
        for size in SIZES[key][:1] if quick else SIZES[key]:
            yield "random", split, order[:size], order[-N_TEST[key] :]


def main(config: Config) -> RunRecord:
    """Measure every cell that is not finished."""
    began = time.perf_counter()
    quick = config.preset == "quick"
    splits = config.splits or (1 if quick else 3)
    folder = config.out / "cells"
    folder.mkdir(parents=True, exist_ok=True)
    cells: list[dict[str, Any]] = []
    for key in config.systems or (QUICK if quick else tuple(SYSTEMS)):
        system = SYSTEMS[key]()
        for kind, split, train, test in parts(key, system, splits, quick):
            for name, method in METHODS.items():
                if method == METHODS["baseline"] and not system.same_zero:
                    continue
                if method.learner == "network" and SIZES[key]:
                    continue
                label = re.sub("[^a-zA-Z]+", "_", f"{kind}_{name}")
                path = folder / f"{key}_{label}_{len(train)}_{split}.json"
                if not path.exists():
                    found = measure(system, method, train, test, config.seed, config.members)
                    about = {"system": system.name, "dataset": system.dataset, "method": name}
                    write_json(path, {**about, "split": kind, "number": split, **found})
                cells.append(json.loads(path.read_text()))
                save_record(
                    record_of(config, cells, time.perf_counter() - began),
                    config.out / f"{config.preset}.json",
                )
                row = cells[-1]
                print(
                    f"{system.name}, {kind} {split}, {len(train)}: {name}: MAE {row['mae']:.3f} kcal/mol, "
                    f"{row['seconds']:.1f} s",
                    flush=True,
                )
    return record_of(config, cells, time.perf_counter() - began)


def record_of(config: Config, cells: Sequence[dict], seconds: float) -> RunRecord:
    """The run record of what is finished."""
    return RunRecord(
        system="delta-learning",
        preset=config.preset,
        command=f"python -m experiments.delta_learning.run --preset {config.preset}",
        config={key: value for key, value in asdict(config).items() if key != "out"},
        seeds=sorted({cell["number"] for cell in cells}),
        data=checksums(*dict.fromkeys(cell["dataset"] for cell in cells)),
        seconds={"run": round(seconds, 1), "all cells": round(sum(cell["seconds"] for cell in cells), 1)},
        metrics=metrics_of(cells),
    )


if __name__ == "__main__":
    main(tyro.cli(Config))
