"""Surfaces for ammonia synthesis: a nitrogen adsorption energy wanted, an alloy and a site found.

    MLMAT_DATA=… python -m experiments.ammonia_catalysts.run --preset full --out runs/ammonia_catalysts

A network learns the adsorption energies of eleven species from composition and site, with whole families
of alloys (all alloys of two elements) held out. Searchers look among the held-out surfaces and sites for a
wanted adsorption energy of nitrogen, with equal numbers of predictor evaluations, and the table says what
they found. A stopped run goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro

from experiments.ammonia_catalysts.cells import SEARCHERS, TOLERANCE, Cell, Result, run_cell
from experiments.ammonia_catalysts.predictor import DATASET, predict, table, train
from experiments.ammonia_catalysts.space import AlloySpace, alloy_space
from experiments.ammonia_catalysts.summary import Quality, draw, metrics, write_designs
from mlmat.analysis.record import RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data.alloy_sites import AlloyRows
from mlmat.data.registry import checksums
from mlmat.data.splits import group_split
from mlmat.metrics import mae
from mlmat.training.config import TrainingConfig

ADSORBATE = "N"
FRACTIONS = (0.5, 0.1, 0.4)
"""Of the families: to train on, to choose the epoch, to design in."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: four seeds; quick: one, with little training.
        out: folder for the results; what is finished there is not run again.
        targets: wanted adsorption energies, eV.
        budgets: predictor evaluations.
        searchers: names.
        designs: submitted by each search.
        members: of the ensemble.
        epochs: default by preset.
        seeds: default by preset; each has a split, weights and searches of its own.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/ammonia_catalysts")
    targets: tuple[float, ...] = (-1.5, -0.5, 0.5)
    budgets: tuple[int, ...] = (250, 1000)
    searchers: tuple[str, ...] = SEARCHERS
    designs: int = 20
    members: int = 3
    epochs: int | None = None
    seeds: int | None = None


def training(config: Config, seed: int) -> TrainingConfig:
    """Settings of the training, chosen by the validation part of seed 0."""
    epochs = config.epochs or (30 if config.preset == "full" else 4)
    return TrainingConfig(
        members=config.members,
        epochs=epochs,
        batch=128,
        learning_rate=3e-3,
        weight_decay=1e-3,
        ema=0.995,
        seed=seed,
    )


def prepared(config: Config, seed: int) -> tuple[Any, AlloySpace, Quality]:
    """Predictor, space of the held-out part, and how good the one is in the other."""
    encoder, rows = table()
    split = group_split(rows.family.tolist(), FRACTIONS, seed)
    known, check, held = (rows.part(part) for part in split)
    folder = config.out / f"seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    settings = training(config, seed)
    predictor = train(encoder, known, check, settings, folder / "training.state", folder / "log.jsonl")
    space = alloy_space(encoder, held, ADSORBATE)
    return predictor, space, quality(predictor, known, held, encoder.adsorbates.index(ADSORBATE), space)


def quality(predictor: Any, known: AlloyRows, held: AlloyRows, adsorbate: int, space: AlloySpace) -> Quality:
    """Errors on the held-out alloys, beside those of the training mean of each adsorbate."""
    found = predict(predictor, held.a, held.b, held.site, held.adsorbate)[0][:, 0]
    kinds = range(len(predictor.encoder.adsorbates))
    means = np.array([known.energy[known.adsorbate == kind].mean() for kind in kinds])
    one = held.adsorbate == adsorbate
    return Quality(
        n_train=len(known.energy),
        n_test=len(held.energy),
        n_nitrogen=int(one.sum()),
        error=mae(found, held.energy),
        nitrogen=mae(found[one], held.energy[one]),
        mean=mae(means[held.adsorbate], held.energy),
        nitrogen_mean=mae(means[held.adsorbate][one], held.energy[one]),
        space=len(space.names),
        energies=space.energies.tolist(),
    )


def cells_of(config: Config, seed: int) -> Iterator[Cell]:
    """What is run for a seed: all searchers at all budgets, then every member once."""
    for target, budget, searcher in product(config.targets, config.budgets, config.searchers):
        yield Cell(target, budget, searcher, seed, config.designs)
    for target in config.targets:
        yield Cell(target, 0, "brute force", seed, config.designs)


def main(config: Config) -> RunRecord:
    prepare_process()
    seeds = range(config.seeds or (4 if config.preset == "full" else 1))
    config.out.mkdir(parents=True, exist_ok=True)
    began, results, qualities = time.perf_counter(), {}, {}
    for seed in seeds:
        predictor, space, qualities[seed] = prepared(config, seed)
        print(f"seed {seed}: nitrogen MAE {qualities[seed].nitrogen:.3f} eV", flush=True)
        for cell in cells_of(config, seed):
            result: Result = run_cell(space, predictor, cell, config.out / "cells" / f"{cell.name}.json")
            print(f"{cell.name}: {result.hits} of {cell.designs}, {result.spent} evaluations", flush=True)
            results[cell] = result
    record = RunRecord(
        system="Alloy surfaces for ammonia synthesis",
        preset=config.preset,
        command=f"python -m experiments.ammonia_catalysts.run --preset {config.preset}",
        config={key: str(value) for key, value in asdict(config).items() if key != "out"}
        | {"tolerance": str(TOLERANCE), "fractions": str(FRACTIONS)},
        seeds=list(seeds),
        data=checksums(DATASET),
        seconds={
            "run": round(time.perf_counter() - began, 1),
            "searches": round(sum(result.seconds for result in results.values()), 1),
        },
        metrics=metrics(results, qualities),
    )
    save_record(record, config.out / f"{config.preset}.json")
    draw(results, qualities, config.out / "hits.png")
    write_designs(results, config.out / "designs.csv")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
