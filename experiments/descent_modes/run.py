"""Ways to descend from noise to a molecule: optimiser, noise, sharpness and what is climbed, at equal cost.

    python -m experiments.descent_modes.run --preset full --out runs/descent_modes

Each mode changes one thing in the settings that `mlmat design` takes for small budgets. What is
compared is what a descent hands over: how many different molecules, how near they are predicted to
be, and how far rounding moves a prediction. No oracle is asked, so nothing here says what is true
of the molecules; `experiments.inverse_gap` does that for the searchers.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data import small_organics
from mlmat.design.molecules.problem import molecule_problem
from mlmat.design.objective import Objective
from mlmat.design.searchers.gradient import search, tuned
from mlmat.design.searchers.optimisers import GradientConfig
from mlmat.design.wants import Want
from mlmat.files import write_json
from mlmat.predictor import Predictor, load_predictor
from mlmat.pretrained.make import gap_split

SUBMITTED = 128
"""Molecules whose mean distance is stated."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: all modes, three targets, two seeds; quick: two modes, one target, a small budget.
        out: folder for the results; what is finished there is not run again.
        budget: predictor evaluations of one descent, a gradient counts as three; default by preset.
        percentiles: of the training gaps, each a target; default by preset.
        seeds: number of seeds; default by preset.
        modes: names, see `modes`; default by preset.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/descent_modes")
    budget: int | None = None
    percentiles: tuple[int, ...] = ()
    seeds: int | None = None
    modes: tuple[str, ...] = ()


def modes(budget: int) -> dict[str, GradientConfig]:
    """Settings by name: those for this budget, and each with one change."""
    base = tuned(budget)
    return {
        "Adam, ensemble, short lives, draws": base,
        "no draws": replace(base, samples=0),
        "no draws, rounded at every step": replace(base, samples=0, chunk=1),
        "draws around all starts": replace(base, share=1.0),
        "one member climbed": replace(base, climb="member"),
        "L-BFGS": replace(base, optimiser="lbfgs"),
        "Langevin noise 0.03": replace(base, temperature=0.03),
        "Langevin noise 0.3": replace(base, temperature=0.3),
        "sharp from the start": replace(base, sharpness=(8.0, 8.0)),
        "soft to the end": replace(base, sharpness=(1.0, 1.0)),
        "rounded once at the end of a life": replace(base, harvest=1.0),
        "lives of 20 steps": replace(base, steps=20, chunk=4),
        "lives of 100 steps": replace(base, steps=100, chunk=10),
    }


def run_one(predictor: Predictor, target: float, budget: int, seed: int, config: GradientConfig) -> dict:
    """One descent: what it found and what that cost."""
    objective = Objective((Want("gap", target, target),))
    problem = molecule_problem(objective, predictor.capacity)
    began = time.process_time()
    found = search(problem, predictor, objective, budget, seed, config=config)
    seconds = time.process_time() - began
    column = predictor.properties.index("gap")
    mean = np.array([candidate.mean[column] for candidate in found.pool])
    rounded = [(m, c.relaxed[0]) for m, c in zip(mean, found.pool, strict=True) if c.relaxed]
    best = np.sort(np.abs(mean - target))[:SUBMITTED]
    return {
        "molecules": len(mean),
        "near": int((np.abs(mean - target) <= 0.3).sum()),
        "distance": float(best.mean()) if len(best) else None,
        "moved": float(np.mean([abs(m - soft) for m, soft in rounded])) if rounded else None,
        "spent": found.spent,
        "seconds": seconds,
    }


def main(config: Config) -> RunRecord:
    prepare_process()
    full = config.preset == "full"
    budget = config.budget or (10_000 if full else 1_000)
    percentiles = config.percentiles or ((1, 5, 95) if full else (95,))
    every = modes(budget)
    names = config.modes or tuple(every)[: None if full else 2]
    predictor = load_predictor()
    training = small_organics.load()["gap"][gap_split().train]
    cells = config.out / "cells"
    cells.mkdir(parents=True, exist_ok=True)
    results: dict[tuple[str, int], list[dict]] = {}
    plan = list(product(range(config.seeds or (2 if full else 1)), percentiles, names))
    for number, (seed, percentile, name) in enumerate(plan, 1):
        target = round(float(np.percentile(training, percentile)), 2)
        path = cells / f"{percentile}-{budget}-{seed}-{name.replace(' ', '_')}.json"
        settings = json.loads(json.dumps(asdict(every[name])))
        stored = json.loads(path.read_text()) if path.exists() else {}
        if stored.get("settings") != settings:
            stored = {"settings": settings, **run_one(predictor, target, budget, seed, every[name])}
            write_json(path, stored)
        results.setdefault((name, percentile), []).append(stored)
        near = "none" if stored["distance"] is None else f"{stored['distance']:.2f} eV"
        place = f"{number:>3}/{len(plan)} {name:<34} {percentile:>2}. percentile"
        print(f"{place}: {stored['molecules']:>5} molecules, best at {near}", flush=True)
    record = RunRecord(
        system="ways to descend",
        preset=config.preset,
        command=f"python -m experiments.descent_modes.run --preset {config.preset}",
        config={key: str(value) for key, value in asdict(config).items() if key != "out"},
        seeds=sorted({seed for seed, _, _ in plan}),
        data={"small_organics": small_organics.provenance()["gfn2_sha256"]},
        seconds={"run": sum(row["seconds"] for rows in results.values() for row in rows)},
        metrics=summary(results, budget),
    )
    save_record(record, config.out / f"{config.preset}.json")
    return record


def summary(results: dict[tuple[str, int], list[dict]], budget: int) -> list[Metric]:
    """Means over seeds of every mode and target."""
    kinds = {
        "different molecules": ("molecules", "1"),
        "predicted within 0.3 eV": ("near", "1"),
        f"predicted distance of the best {SUBMITTED}": ("distance", "eV"),
        "rounding moves the prediction by": ("moved", "eV"),
        "processor time": ("seconds", "s"),
    }
    metrics = []
    for title, (key, unit) in kinds.items():
        for (name, percentile), rows in results.items():
            values = [row[key] for row in rows if row[key] is not None]
            if values:
                variant = f"{name.replace(',', ' /')}, {percentile}. percentile, {budget:,} evaluations"
                metrics.append(
                    Metric(title, float(np.mean(values)), unit, variant=variant, n_seeds=len(values))
                )
    return metrics


if __name__ == "__main__":
    main(tyro.cli(Config))
