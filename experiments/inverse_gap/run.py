"""Which searcher finds molecules with a wanted gap, at equal numbers of predictor evaluations?

    python -m experiments.inverse_gap.run --preset full --out runs/inverse_gap

Targets are the 1st, 5th and 95th percentile of the training gaps. Every searcher spends the
same budget on the shipped predictor (trained on the skeleton-split training part) and submits
its 128 best molecules; GFN2-xTB, which is not in the loop, verifies them. A hit lies within
0.3 eV; failures, timeouts, changed bonding and missing submissions are misses. Beside them
stands the share of hits among random members of the space that nobody chose.

Cells run seed by seed, so that an interrupted run has whole seeds to show; run again with the
same folder to go on, or with `--stored` to add to the run that is stored beside the experiment.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from experiments.inverse_gap.cells import (
    Cell,
    Result,
    in_order,
    read_cells,
    run_cell,
    stored_cells,
    write_cells,
)
from experiments.inverse_gap.summary import cell_metrics, draw_budgets, target_name
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data import small_organics
from mlmat.design.wants import Want
from mlmat.metrics import wilson_interval
from mlmat.predictor import load_predictor
from mlmat.pretrained.make import gap_split


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: the protocol; quick: one small cell for each searcher.
        out: folder for the results; what is finished there is not run again.
        seeds: number of seeds; default by preset.
        budgets: predictor evaluations; default by preset.
        percentiles: of the training gaps; default by preset.
        searchers: names.
        finished: run nothing, report all cells that are finished in the folder.
        stored: take cells of the stored run as finished, to add to it.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/inverse_gap")
    seeds: int | None = None
    budgets: tuple[int, ...] = ()
    percentiles: tuple[int, ...] = ()
    searchers: tuple[str, ...] = ("genetic", "informed", "hybrid", "random", "gradient")
    finished: bool = False
    stored: bool = False


def base_rate(target: float) -> tuple[int, int]:
    """Hits among random members of the space, and how many were tried.

    The embedded set is itself a random sample of the space, so its labels tell; the
    members that failed to relax count as misses.
    """
    want = Want("gap", target, target)
    gaps = small_organics.load()["gap"]
    return sum(bool(want.hit(gap)) for gap in gaps), small_organics.provenance()["space"]["molecules_tried"]


def cells(config: Config, training: np.ndarray) -> list[Cell]:
    """All cells, seed by seed, small budgets first."""
    full = config.preset == "full"
    seeds = config.seeds or (4 if full else 1)
    budgets = config.budgets or ((2_000, 10_000, 50_000) if full else (2_000,))
    percentiles = config.percentiles or ((1, 5, 95) if full else (95,))
    targets = {p: round(float(np.percentile(training, p)), 2) for p in percentiles}
    designs = 128 if full else 16
    return [
        Cell(percentile, targets[percentile], budget, searcher, seed, designs)
        for seed, budget, percentile, searcher in product(
            range(seeds), budgets, percentiles, config.searchers
        )
    ]


def main(config: Config) -> RunRecord:
    prepare_process()
    began = time.perf_counter()
    data, parts = small_organics.load(), gap_split()
    known = data["smiles"][parts.train].tolist()
    predictor = load_predictor()
    config.out.mkdir(parents=True, exist_ok=True)
    results = stored_cells() if config.stored else {}
    if config.finished:
        results |= read_cells(config.out)
        return report(config, results, sum(r.search_seconds + r.oracle_seconds for r in results.values()))
    todo = [cell for cell in cells(config, data["gap"][parts.train]) if cell not in results]
    for number, cell in enumerate(todo, 1):
        result = results[cell] = run_cell(cell, predictor, known, config.out)
        print(
            f"{number:>4}/{len(todo)} {cell.name:<28} {result.hits:>4} of {cell.designs} hits, "
            f"{result.found:>6,} found, search {result.search_seconds:.0f} s",
            flush=True,
        )
        report(config, results, time.perf_counter() - began)
    return report(config, results, time.perf_counter() - began)


def report(config: Config, results: dict[Cell, Result], seconds: float) -> RunRecord:
    """Record, figure and table of the cells that are there so far."""
    results, metrics = in_order(results), []
    for cell in {cell.percentile: cell for cell in results}.values():
        hits, tried = base_rate(cell.target)
        low, high = wilson_interval(hits, tried)
        variant = f"members nobody chose, {target_name(cell)}"
        std = (high - low) / (2 * 1.96)
        metrics.append(Metric("hit share", hits / tried, std=std, variant=variant, n_test=tried))
    failures: dict[str, dict[str, int]] = {}
    for cell, result in results.items():
        counts = failures.setdefault(cell.searcher, {})
        for reason, count in result.failures.items():
            counts[reason] = counts.get(reason, 0) + count
    record = RunRecord(
        system="inverse design for a gap",
        preset=config.preset,
        command=f"python -m experiments.inverse_gap.run --preset {config.preset}",
        config={k: str(v) for k, v in asdict(config).items() if k != "out"} | {"failures": failures},
        seeds=sorted({cell.seed for cell in results}),
        data={"small_organics": small_organics.provenance()["gfn2_sha256"]},
        seconds={"run": round(seconds, 1)},
        metrics=metrics + cell_metrics(results),
    )
    save_record(record, config.out / f"{config.preset}.json")
    write_cells(results, config.out / "cells.jsonl")
    draw_budgets(record.metrics, config.out / "budgets.png")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
