"""Dyes for absorption bands: does a judge that was not in the loop agree with the designs?

    MLMAT_DATA=… python -m experiments.inverse_dyes.run --preset full --out runs/inverse_dyes

A soft-graph ensemble learns the absorption maximum of dyes; designs for 400, 500 and 600 nm,
20 nm to either side, come from several ways at equal numbers of its evaluations. A bond-graph
ensemble trained on other dyes says which of them hit. What is finished is not run again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro

from experiments.inverse_dyes.arms import ARMS
from experiments.inverse_dyes.bands import Cell, judge_quality, run_cell
from experiments.inverse_dyes.figure import draw_bands
from experiments.inverse_dyes.predictors import Effort, own_error, searched, trained_judge
from experiments.inverse_dyes.summary import metrics_of
from experiments.inverse_dyes.tables import (
    DESIGN_FILE,
    JUDGE_FILE,
    Dyes,
    design_dyes,
    judge_dyes,
    read_dyes,
)
from experiments.larger_molecules.zinc import data_file
from mlmat.analysis.record import RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data.splits import Split, skeleton_split
from mlmat.files import sha256, write_json
from mlmat.predictor import Predictor, predict_smiles
from mlmat.training.config import TrainingConfig


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: three bands; quick: one, with a fraction of the work.
        out: folder for the results; what is finished there is not run again.
        centres: of the bands, nm; default by preset.
        budget: predictor evaluations of each cell; default by preset.
        designs: submissions of each cell; default by preset.
        seeds: of the searches, counted from 0; default by preset.
        seed: of split and weights.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/inverse_dyes")
    centres: tuple[float, ...] = ()
    budget: int | None = None
    designs: int | None = None
    seeds: int | None = None
    seed: int = 0


def effort(config: Config) -> Effort:
    """Sizes of the predictors by preset."""
    if config.preset == "quick":
        training = TrainingConfig(members=2, epochs=2, batch=64, seed=config.seed)
        return Effort(training, features=16, layers=2, judges=2, judge_epochs=2)
    training = TrainingConfig(members=2, epochs=40, batch=64, learning_rate=3e-3, seed=config.seed)
    return Effort(training, features=48, layers=4, judges=3, judge_epochs=60)


def cells(config: Config) -> list[Cell]:
    """All cells, seed by seed."""
    full = config.preset == "full"
    centres = config.centres or ((400.0, 500.0, 600.0) if full else (400.0,))
    budget = config.budget or (5_000 if full else 1_300)
    seeds = config.seeds or (4 if full else 1)
    designs = config.designs or (32 if full else 4)
    return [
        Cell(centre, arm, budget, designs, seed) for seed, centre, arm in product(range(seeds), centres, ARMS)
    ]


def main(config: Config) -> RunRecord:
    prepare_process()
    began = time.perf_counter()
    config.out.mkdir(parents=True, exist_ok=True)
    dyes = read_dyes(DESIGN_FILE)
    mine = design_dyes(dyes)
    others = judge_dyes((dyes, read_dyes(JUDGE_FILE)), mine)
    parts = skeleton_split(mine.smiles, seed=config.seed)
    predictor = searched(mine, parts, effort(config), config.out)
    judge = trained_judge(others, effort(config), config.seed, config.out)
    todo = cells(config)
    known = quality(mine, others, parts, predictor, judge, config)
    results = []
    for cell in todo:
        result = run_cell(cell, mine, parts.train, predictor, judge, config.out)
        results.append(result)
        print(
            f"{cell.name:<16} {result['hits']:>3} of {cell.designs} hits, {result['promised']} promised, "
            f"{result['seconds']:.0f} s",
            flush=True,
        )
        record = report(config, results, known, todo, time.perf_counter() - began)
    return record


def quality(
    mine: Dyes, others: Dyes, parts: Split, predictor: Predictor, judge: Predictor, config: Config
) -> dict[str, Any]:
    """Errors of both predictors on dyes that they were not fitted to; measured once."""
    path = config.out / "quality.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    truth = mine.wavelength[parts.test]
    error = predict_smiles(predictor, [mine.smiles[i] for i in parts.test]).mean[:, 0] - truth
    found = {
        "train": len(parts.train),
        "test": len(parts.test),
        "test_error": float(np.abs(error).mean()),
        "test_spread": float(truth.std()),
        "judge dyes": len(others.smiles),
        "judge_own": own_error(judge, others, config.seed),
        "judge": judge_quality(judge, mine, sorted({cell.centre for cell in cells(config)})),
    }
    write_json(path, found)
    return found


def report(
    config: Config,
    results: Sequence[dict[str, Any]],
    known: dict[str, Any],
    todo: Sequence[Cell],
    seconds: float,
) -> RunRecord:
    """Record and figure of what is there so far."""
    designs = todo[0].designs
    record = RunRecord(
        system="inverse design of dyes",
        preset=config.preset,
        command=f"python -m experiments.inverse_dyes.run --preset {config.preset}",
        config={
            "budget": todo[0].budget,
            "designs": designs,
            "effort": asdict(effort(config)),
            "lost": {f"{r['centre']:.0f} {r['arm']} {r['seed']}": r["lost"] for r in results},
        },
        seeds=sorted({cell.seed for cell in todo}),
        data={Path(path).name: sha256(data_file(path)) for path in (DESIGN_FILE, JUDGE_FILE)},
        seconds={"run": round(seconds, 1), "searches": round(sum(r["seconds"] for r in results), 1)},
        metrics=metrics_of(results, known, designs),
    )
    save_record(record, config.out / f"{config.preset}.json")
    draw_bands(results, known, designs, config.out / "bands.png")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
