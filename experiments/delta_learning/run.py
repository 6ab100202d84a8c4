"""Corrections of a baseline: small organic molecules, heats of formation, QM7, QM8, QM9, dyes.

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

from experiments.delta_learning.curves import draw_curves
from experiments.delta_learning.methods import measure, methods_of, shown
from experiments.delta_learning.summary import metrics_of
from experiments.delta_learning.systems import SYSTEMS, System, with_atoms
from experiments.delta_learning.systems_qm9 import SYSTEMS_QM9
from mlmat.analysis.record import RunRecord, save_record
from mlmat.data.registry import checksums
from mlmat.files import write_json
from mlmat.learners.kennard_stone import kennard_stone

CURVE = (250, 1000, 4000)

SIZES = {
    "hf_mp2": (400, 1600),
    "xtb_mp2": (400, 1600),
    "b3lyp_experiment": (),
    "pm7_experiment": (),
    "g4mp2_experiment": (),
    "b3lyp_g4": (),
    "rmg_b3lyp": (),
    "rmg_g4": (),
    "dftb_pbe0": (500, 2000),
    "qm9_g4mp2": CURVE,
    "qm9_g4mp2_0k": CURVE,
    "c7h10o2": CURVE,
    "qm9_rimp2": CURVE,
    "qm8_pbe0": CURVE,
    "qm8_pbe0_2": CURVE,
    "qm8_cam": CURVE,
    "dyes": CURVE,
}
"""Training molecules; empty: `SHARE` of them, as many as Sun et al. took of theirs."""

SHARE = 449 / 539
N_TEST = {"hf_mp2": 400, "xtb_mp2": 400}
"""Where it is not 1,000."""

QUICK = ("hf_mp2", "xtb_mp2")
"""The embedded set: no other data are needed."""

FEW_ROWS = 1000
"""Above so many training molecules only the first split runs."""

NETWORK_ROWS = 2000
"""Most molecules for networks of five neurons: what they cannot say, more data do not change."""

ALL_SYSTEMS = {**SYSTEMS, **SYSTEMS_QM9}


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: all systems, several splits; quick: the embedded set, one split, few molecules.
        out: folder for the results.
        systems: keys of `ALL_SYSTEMS`; default by preset.
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
        order = random_order(system, split)
        if not SIZES[key]:
            yield "random", split, order[:n_train], order[n_train:]
            continue
        for size in SIZES[key][:1] if quick else SIZES[key]:
            if SIZES[key] == CURVE and size > FEW_ROWS and split:
                continue
            yield "random", split, order[:size], order[-N_TEST.get(key, 1000) :]


def random_order(system: System, split: int) -> np.ndarray:
    """All items in random order; those of a group follow one another."""
    rng = np.random.default_rng(split)
    if system.groups is None:
        return rng.permutation(len(system.y))
    rank = rng.permutation(int(system.groups.max()) + 1)
    return np.argsort(rank[system.groups], kind="stable")


def main(config: Config) -> RunRecord:
    """Measure every cell that is not finished."""
    began = time.perf_counter()
    quick = config.preset == "quick"
    splits = config.splits or (1 if quick else 3)
    folder = config.out / "cells"
    folder.mkdir(parents=True, exist_ok=True)
    cells: list[dict[str, Any]] = []
    keys = config.systems or (QUICK if quick else tuple(ALL_SYSTEMS))
    # Kernels of atoms take longest, so they come last.
    for key, costly in [(key, costly) for costly in (False, True) for key in keys]:
        system = ALL_SYSTEMS[key]()
        for kind, split, train, test in parts(key, system, splits, quick):
            for name, method in methods_of(system, few=not SIZES[key]):
                if (method.learner == "atoms") != costly:
                    continue
                if method.learner == "network" and len(train) > NETWORK_ROWS:
                    continue
                label = re.sub("[^a-zA-Z]+", "_", f"{kind}_{name}")
                path = folder / f"{key}_{label}_{len(train)}_{split}.json"
                if not path.exists():
                    if costly and system.atoms is None:
                        system = with_atoms(system)
                    found = measure(system, method, train, test, config.seed, config.members)
                    about = {"system": system.name, "dataset": system.dataset, "unit": system.unit}
                    about |= {"method": shown(name, system), "split": kind, "number": split}
                    write_json(path, {**about, **found})
                    print(line_of(about | found), flush=True)
                cells.append(json.loads(path.read_text()))
                save_record(
                    record_of(config, cells, time.perf_counter() - began),
                    config.out / f"{config.preset}.json",
                )
    draw_curves(cells, config.out / "learning_curves.png")
    return record_of(config, cells, time.perf_counter() - began)


def line_of(cell: dict[str, Any]) -> str:
    """What a finished cell says."""
    return (
        f"{cell['system']}, {cell['split']} {cell['number']}, {cell['n_train']}: {cell['method']}: "
        f"MAE {cell['mae']:.3f} {cell['unit']}, {cell['seconds']:.1f} s"
    )


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
