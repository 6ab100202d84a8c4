"""Which searcher finds crystals with wanted properties, judged by tabulated density functional theory?

    MLMAT_DATA=… python -m experiments.inverse_crystal.run --preset full --out runs/inverse_crystal

Half of a complete table (18,928 perovskites ABX3; elpasolites ABC2D6) is held out, at random or by whole
families. A predictor learns from the other half; searchers spend a budget of its evaluations over the
held-out crystals and submit 32, whose values are then looked up. What was in training cannot be
submitted: it is not in the space. Cells run seed by seed and are stored one by one; run again with the
same folder to go on.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from experiments.inverse_crystal.cells import Arena, Cell, Result, make_arena, read_cells, run_cell
from experiments.inverse_crystal.predictors import Errors, read_errors, train
from experiments.inverse_crystal.summary import cell_metrics, draw_budgets, trained_metrics
from experiments.inverse_crystal.tables import TABLES, Halves, Table, halves
from mlmat.analysis.record import RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data.registry import checksums

SEARCHERS = ("random", "substitution", "genetic", "informed", "gradient")

EPOCHS = {"perovskites": 40, "elpasolites": 60}
"""Of the network on sites."""


@dataclass(frozen=True)
class Arm:
    """A table, halved in one way, with the budgets that leave most of the held-out half unseen."""

    system: str
    split: str
    neutral: bool
    budgets: tuple[int, ...]


ARMS = (
    Arm("elpasolites", "random", False, (100, 300, 1_000)),
    Arm("perovskites", "random", False, (100, 300, 1_000)),
    Arm("perovskites", "random", True, (100, 300, 1_000)),
    Arm("perovskites", "families", False, (100, 300, 1_000)),
)


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: the protocol; quick: one arm, one seed, the smallest budget.
        out: folder for the results; what is finished there is not run again.
        systems: tables.
        splits: how they are halved.
        targets: names, see `targets`; default: all of a table.
        predictor: network on the sites of the prototype, or CGCNN on its crystal graphs.
        epochs: of its training; default by table.
        members: of the ensemble.
        seeds: number of seeds; default by preset.
        searchers: names; all members of the space are ranked beside them.
        designs: submitted.
        finished: run nothing, report the targets of which all cells are finished in the folder.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/inverse_crystal")
    systems: tuple[Literal["elpasolites", "perovskites"], ...] = ("elpasolites", "perovskites")
    splits: tuple[Literal["random", "families"], ...] = ("random", "families")
    targets: tuple[Literal["stable", "gap", "stable with a gap", "window"], ...] = ()
    predictor: Literal["sites", "cgcnn"] = "sites"
    epochs: int | None = None
    members: int = 3
    seeds: int | None = None
    searchers: tuple[str, ...] = SEARCHERS
    designs: int = 32
    finished: bool = False


def targets(table: Table, parts: Halves) -> dict[str, tuple[str, ...]]:
    """Wants by name; a percentile is that of the training half."""
    energies = table.values["formation_energy"][parts.train]
    if table.dataset == "perovskites":
        low = np.percentile(energies, 2)
        return {
            "stable": (f"formation_energy=min..{low:.2f}",),
            "gap": ("band_gap=1.5..3",),
            "stable with a gap": ("formation_energy=..0.5", "band_gap=1..3"),
        }
    low = np.percentile(energies, 1)
    return {
        "stable": (f"formation_energy=min..{low:.2f}",),
        "window": ("formation_energy=-6+-0.5",),
    }


def cells(config: Config, arm: Arm, target: str) -> list[Cell]:
    """Cells of one arm and target, seed by seed."""
    full = config.preset == "full"
    seeds = range(config.seeds or (4 if full else 1))
    make = partial(Cell, arm.system, arm.split, arm.neutral, target, designs=config.designs)
    one = [make(budget=0, searcher="exhaustive", seed=0)]
    budgets = arm.budgets if full else arm.budgets[:1]
    return one + [
        make(budget=budget, searcher=searcher, seed=seed)
        for seed, budget, searcher in product(seeds, budgets, config.searchers)
    ]


def complete(results: dict[Cell, Result], config: Config) -> dict[Cell, Result]:
    """Results of the targets that all searchers have finished with all seeds."""
    arms = {(arm.system, arm.split, arm.neutral): arm for arm in ARMS}
    kept = {}
    for cell, result in results.items():
        asked = cells(config, arms[cell.system, cell.split, cell.neutral], cell.target)
        if all(one in results for one in asked):
            kept[cell] = result
    return kept


def main(config: Config) -> RunRecord:
    prepare_process()
    config.out.mkdir(parents=True, exist_ok=True)
    began, results, learnt = time.perf_counter(), {}, {}
    if config.finished:
        results = complete(read_cells(config.out), config)
        for cell in results:
            learnt[cell.system, cell.split] = read_errors(
                config.out, cell.system, cell.split, config.predictor
            )
        return report(config, results, learnt, sum(result.seconds for result in results.values()))
    arms = [arm for arm in ARMS if arm.system in config.systems and arm.split in config.splits]
    for arm in arms if config.preset == "full" else arms[:1]:
        table = TABLES[arm.system]()
        parts = halves(table, arm.split)
        epochs = config.epochs or EPOCHS[arm.system]
        climbed = train(table, arm.split, parts, config.predictor, epochs, config.members, config.out)
        learnt[arm.system, arm.split] = read_errors(config.out, arm.system, arm.split, config.predictor)
        for target, wants in targets(table, parts).items():
            if config.targets and target not in config.targets:
                continue
            arena: Arena | None = None
            for cell in cells(config, arm, target):
                arena = arena or make_arena(table, parts, climbed, wants, arm.neutral)
                results[cell] = result = run_cell(cell, arena, config.out)
                print(
                    f"{cell.name:<60} {result.hits:>3} of {cell.designs} hits, {result.possible} of "
                    f"{result.members:,} possible, {result.seconds:.0f} s",
                    flush=True,
                )
            report(config, results, learnt, time.perf_counter() - began)
    return report(config, results, learnt, time.perf_counter() - began)


def report(
    config: Config,
    results: dict[Cell, Result],
    learnt: dict[tuple[str, str], Errors],
    seconds: float,
) -> RunRecord:
    """Record and figure of what is there so far."""
    record = RunRecord(
        system="inverse design of crystals",
        preset=config.preset,
        command=f"python -m experiments.inverse_crystal.run --preset {config.preset}",
        config={key: str(value) for key, value in asdict(config).items() if key != "out"},
        seeds=sorted({cell.seed for cell in results}),
        data={file: digest for name in {s for s, _ in learnt} for file, digest in checksums(name).items()},
        seconds={"run": round(seconds, 1), "searches": round(sum(r.seconds for r in results.values()), 1)},
        metrics=trained_metrics(learnt) + cell_metrics(results),
    )
    save_record(record, config.out / f"{config.preset}.json")
    draw_budgets(results, config.out / "budgets.png")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
