"""Design for logP, QED and synthetic accessibility, where the truth is free to ask.

    python -m experiments.inverse_logp_qed.run --preset full --out runs/inverse_logp_qed

Every searcher spends the same budget on the shipped surrogate of RDKit's formulas and submits
its 128 best molecules; RDKit's exact values, never in the loop, judge them. Since they cost
milliseconds, the surrogate's error on designs is measured in full, too.

Cells run from small budgets to large ones, seed by seed, so that an interrupted run has whole
seeds to show; run again with the same folder to go on, or with ``--report`` for the record of
what is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from experiments.inverse_logp_qed.cells import Cell, Result, read_cell, run_cell
from experiments.inverse_logp_qed.figures import draw_curse, draw_hits, draw_qed
from experiments.inverse_logp_qed.summary import Truth, all_metrics
from experiments.inverse_logp_qed.tasks import Task, make_tasks
from mlmat.analysis.record import RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data import small_organics
from mlmat.files import atomic_write
from mlmat.predictor import SHIPPED_RDKIT, load_predictor, predict_smiles
from mlmat.pretrained.make import gap_split
from mlmat.pretrained.make_rdkit import PROPERTIES, rdkit_targets


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: the protocol; quick: one seed at the smallest budget.
        out: folder for the results; what is finished there is not run again.
        seeds: number of seeds; default by preset.
        budgets: predictor evaluations; default by preset.
        tasks: names; default: all.
        searchers: names.
        designs: submissions of each cell.
        report: run nothing, only write the record and the figures of the cells that are there.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/inverse_logp_qed")
    seeds: int | None = None
    budgets: tuple[int, ...] = ()
    tasks: tuple[str, ...] = ()
    searchers: tuple[str, ...] = ("gradient", "genetic", "random", "hybrid")
    designs: int = 128
    report: bool = False


def exact_values(path: Path) -> np.ndarray:
    """RDKit's values ``[N, 3]`` of the embedded set, kept in a file: the largest part of a quick run."""
    if not path.exists():
        values = rdkit_targets(small_organics.load()["smiles"].tolist())
        with atomic_write(path) as stream:
            np.save(stream, values)
    return np.load(path)


def cells(config: Config, tasks: tuple[Task, ...]) -> list[Cell]:
    """All cells, small budgets first, seed by seed."""
    full = config.preset == "full"
    seeds = config.seeds or (4 if full else 1)
    budgets = config.budgets or ((2_000, 10_000, 50_000) if full else (2_000,))
    names = config.tasks or tuple(task.name for task in tasks)
    order = product(budgets, range(seeds), names, config.searchers)
    return [Cell(name, budget, searcher, seed, config.designs) for budget, seed, name, searcher in order]


def measure_truth(values: np.ndarray, predictor) -> Truth:
    """Exact values of all members and of the training part, and the surrogate's errors on the test part."""
    data, parts = small_organics.load(), gap_split()
    smiles = data["smiles"]
    test = predict_smiles(predictor, smiles[parts.test].tolist())
    return Truth(smiles.tolist(), values, parts.train, values[parts.test], *map(np.asarray, test[:2]))


def main(config: Config) -> RunRecord:
    prepare_process()
    config.out.mkdir(parents=True, exist_ok=True)
    values, predictor = exact_values(config.out / "exact.npy"), load_predictor(SHIPPED_RDKIT)
    truth = measure_truth(values, predictor)
    medians = dict(zip(PROPERTIES, np.median(values[truth.train], axis=0), strict=True))
    tasks = {task.name: task for task in make_tasks(medians)}
    todo = cells(config, tuple(tasks.values()))
    folder, results = config.out / "cells", {}
    known = frozenset(truth.smiles[row] for row in truth.train)
    for number, cell in enumerate(todo, 1):
        path = folder / f"{cell.name}.json"
        if config.report:
            results |= {cell: read_cell(path)} if path.exists() else {}
            continue
        result = results[cell] = run_cell(cell, tasks[cell.task], predictor, known, folder)
        print(
            f"{number:>4}/{len(todo)} {cell.name:<32} {len(result.designs):>4} designs of "
            f"{result.found:>6,} found, search {result.search_seconds:.0f} s",
            flush=True,
        )
    return report(config, results, tasks, truth)


def report(config: Config, results: dict[Cell, Result], tasks: dict[str, Task], truth: Truth) -> RunRecord:
    """Record and figures of the cells that are there."""
    record = RunRecord(
        system="inverse design for logP, QED and synthetic accessibility",
        preset=config.preset,
        command=f"python -m experiments.inverse_logp_qed.run --preset {config.preset}"
        + (f" --seeds {config.seeds}" if config.seeds else ""),
        config={
            "cells": f"{len(results)} of {len(cells(config, tuple(tasks.values())))}",
            "budgets": sorted({cell.budget for cell in results}),
            "searchers": list(config.searchers),
            "designs": config.designs,
            "wants": {name: list(task.wants) for name, task in tasks.items()},
            "keep": {name: task.keep for name, task in tasks.items() if task.keep},
        },
        seeds=sorted({cell.seed for cell in results}),
        data={"small_organics": small_organics.provenance()["gfn2_sha256"]},
        # Processor time of the cells: they may have run in many sittings.
        seconds={"run": round(sum(r.search_seconds + r.oracle_seconds for r in results.values()), 1)},
        metrics=all_metrics(results, tasks, truth),
    )
    save_record(record, config.out / f"{config.preset}.json")
    draw_hits(results, tasks, truth, config.out / "hits.png")
    draw_qed(results, truth, config.out / "qed.png")
    draw_curse(results, tasks, truth, config.out / "curse.png")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
