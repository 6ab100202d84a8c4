"""SGCNN beside CGCNN on the same slabs, with whole families of alloys held out.

    MLMAT_DATA=… python -m experiments.sgcnn.run --preset full --out runs/sgcnn

Three networks of about the same size: SGCNN as published, SGCNN that sees the lengths of bonds, and CGCNN
on the whole slab. A stopped run goes on where it was; each test part is predicted once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np
import tyro

from experiments.sgcnn.sets import PAPER, PAPER_MAE, SETS, Slabs, slabs
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data.registry import checksums
from mlmat.data.splits import group_split
from mlmat.files import read_lines, write_json
from mlmat.metrics import mae
from mlmat.predictor import load_predictor, predict_items, save_predictor
from mlmat.recipes.choice import Choice, choose
from mlmat.recipes.fit import fit_task
from mlmat.recipes.task import Task

MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGCNN": ("sgcnn", {"layers": 3}),
    "SGCNN with distances": ("sgcnn", {"layers": 3, "distances": 11}),
    "CGCNN on the slab": ("cgcnn", {"features": 62, "layers": 4, "hidden": 32, "hidden_layers": 1}),
}
"""Name → model and its fields: 83,347, 90,307 and 92,239 parameters, so the rival has no fewer."""

FRACTIONS = (0.7, 0.1, 0.2)
RATES = (1e-3, 3e-3, 1e-2)
TRIAL = 0.15
"""Share of the epochs that a trial of a learning rate gets."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: all sets, three seeds, the learning rate of each network chosen by validation;
            quick: hydroxyl alone, one seed, few epochs, one learning rate.
        out: folder for the results; what is finished there is not run again.
        sets: names, see `SETS`; default by preset.
        models: names, see `MODELS`.
        seeds: of split, weights and order; default by preset.
        epochs: default by set and preset.
        limit: rows of a set at most.
        rates: learning rates to try; default by preset.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/sgcnn")
    sets: tuple[str, ...] = ()
    models: tuple[str, ...] = tuple(MODELS)
    seeds: int | None = None
    epochs: int | None = None
    limit: int | None = None
    rates: tuple[float, ...] = ()


def epochs_of(config: Config, n_train: int) -> int:
    """Passes over the training part: few slabs are met more often."""
    usual = 300 if n_train < 2_000 else 100 if n_train < 12_000 else 60
    return config.epochs or (usual if config.preset == "full" else 60)


def settings(config: Config, model: str, n_train: int, rate: float, seed: int) -> Choice:
    """Network and training of one cell."""
    name, fields = MODELS[model]
    choice = choose(
        "structure",
        n_train,
        model=name,
        members=1,
        epochs=epochs_of(config, n_train),
        batch=64 if n_train > 2_000 else 32,
        learning_rate=rate,
        seed=seed,
    )
    return replace(choice, fields=fields)


def parameters(variables: Any) -> int:
    """Number of weights of one member."""
    return sum(leaf[0].size for leaf in jax.tree.leaves(variables["params"]))


class Cells:
    """Cells of a run, one file each, and the set that is held in memory for them."""

    def __init__(self, config: Config):
        self.config, self.folder, self.held = config, config.out / "cells", ("", None)
        self.folder.mkdir(parents=True, exist_ok=True)

    def read(self, name: str) -> Slabs:
        """The slabs of a set; only the last one asked for is kept."""
        if self.held[0] != name:
            self.held = (name, slabs(name, self.config.limit))
        return self.held[1]

    def kept(self, stem: str, make: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
        """What a cell's file says; made first if there is none."""
        path = self.folder / f"{stem}.json"
        if not path.exists():
            write_json(path, make(path))
        return json.loads(path.read_text(encoding="utf-8"))

    def rate(self, name: str, model: str) -> float:
        """Learning rate with the lowest validation error after short trainings, with the first seed."""
        rates = self.config.rates or (RATES if self.config.preset == "full" else RATES[1:2])
        if len(rates) == 1:
            return rates[0]
        scores = {}
        for rate in rates:
            stem = f"trial-{name}-{model}-{rate:g}".replace(" ", "_")
            trial = self.kept(stem, lambda path, rate=rate: self._trial(name, model, rate, path))
            scores[rate] = trial["score"]
        return min(scores, key=scores.get)

    def _trial(self, name: str, model: str, rate: float, path: Path) -> dict[str, Any]:
        found = self.read(name)
        rows = group_split(found.families, FRACTIONS, 0)
        choice = settings(self.config, model, len(rows.train), rate, 0)
        short = replace(choice.training, epochs=max(2, round(TRIAL * choice.training.epochs)))
        trained = fit_task(
            _task(found), rows.train, rows.validation, replace(choice, training=short), extensive=False,
            checkpoint=path.with_suffix(".state"),
        )  # fmt: skip
        return {"rate": rate, "score": min(row["score"] for row in trained.history)}

    def cell(self, name: str, model: str, seed: int) -> dict[str, Any]:
        """One network: trained, and scored once on its test part."""
        rate = self.rate(name, model)
        stem = f"{name}-{model}-{seed}".replace(" ", "_")
        return self.kept(stem, lambda path: self._cell(name, model, seed, rate, path))

    def _cell(self, name: str, model: str, seed: int, rate: float, path: Path) -> dict[str, Any]:
        found = self.read(name)
        rows = group_split(found.families, FRACTIONS, seed)
        choice = settings(self.config, model, len(rows.train), rate, seed)
        file, log = path.with_suffix(".mlmat"), path.with_suffix(".log.jsonl")
        if not file.exists():
            trained = fit_task(
                _task(found), rows.train, rows.validation, choice, extensive=False,
                checkpoint=path.with_suffix(".state"), log=log,
                report=lambda row: print(f"{path.stem} epoch {row['epoch']:>4} validation {row['score']:.4f} "
                                         f"{row['seconds']:.1f} s", flush=True),
            )  # fmt: skip
            save_predictor(trained.predictor, file, {"epochs": choice.training.epochs})
        predictor = load_predictor(file)
        predicted = predict_items(predictor, [found.items[i] for i in rows.test]).mean[:, 0]
        truth = found.values[rows.test]
        return {
            "set": name, "model": model, "seed": seed, "rate": rate, "epochs": choice.training.epochs,
            "n_train": len(rows.train), "n_test": len(truth), "left_out": found.left_out,
            "parameters": parameters(predictor.variables), "mae": mae(predicted, truth),
            "mean": float(np.abs(truth - found.values[rows.train].mean()).mean()),
            "seconds": sum(row["seconds"] for row in read_lines(log)),
        }  # fmt: skip


def _task(found: Slabs) -> Task:
    return Task("structure", found.items, found.values[:, None], ("adsorption_energy",), ("eV",))


def metrics_of(results: list[dict[str, Any]]) -> list[Metric]:
    """Errors of each network, and by how much each is below CGCNN's on the same test parts."""
    found: list[Metric] = []
    rival = "CGCNN on the slab"
    for name in dict.fromkeys(row["set"] for row in results):
        rows = [row for row in results if row["set"] == name]
        common = {"dataset": SETS[name].dataset, "split": "families of alloys held out"}
        paper = {"paper": PAPER_MAE, "source": PAPER} if SETS[name].like_paper else {}
        errors = {m: {r["seed"]: r["mae"] for r in rows if r["model"] == m} for m in MODELS}
        base = {row["seed"]: row["mean"] for row in rows}
        for model, values in {"training mean": base, **errors}.items():
            if not values:
                continue
            of_model = [row for row in rows if row["model"] in (model, next(iter(MODELS)))]
            sizes = {"n_train": of_model[0]["n_train"], "n_test": sum(row["n_test"] for row in of_model)}
            std = (
                float(np.std(list(values.values()), ddof=1) / len(values) ** 0.5) if len(values) > 2 else None
            )
            found.append(
                Metric(
                    "adsorption energy MAE",
                    float(np.mean(list(values.values()))),
                    "eV",
                    std,
                    variant=f"{name}, {model}",
                    n_seeds=len(values),
                    **sizes,
                    **common,
                    **({} if model == "training mean" else paper),
                )
            )
        for model in [m for m in errors if m != rival and errors[m] and errors[rival]]:
            shared = sorted(set(errors[model]) & set(errors[rival]))
            ratios = [1 - errors[model][seed] / errors[rival][seed] for seed in shared]
            found.append(
                Metric(
                    "error below that of CGCNN on the slab",
                    float(np.mean(ratios)),
                    variant=f"{name}, {model}",
                    n_seeds=len(ratios),
                    **common,
                )
            )
    return found


def main(config: Config) -> RunRecord:
    prepare_process()
    full = config.preset == "full"
    names = config.sets or (tuple(SETS) if full else ("hydroxyl",))
    seeds = range(config.seeds or (3 if full else 1))
    config.out.mkdir(parents=True, exist_ok=True)
    cells, results = Cells(config), []
    began = time.perf_counter()
    for name, seed, model in product(names, seeds, config.models):
        row = cells.cell(name, model, seed)
        print(f"{name}, {model}, seed {seed}: MAE {row['mae']:.4f} eV", flush=True)
        results.append(row)
        record = RunRecord(
            system="SGCNN",
            preset=config.preset,
            command=f"python -m experiments.sgcnn.run --preset {config.preset}",
            config={key: str(value) for key, value in asdict(config).items() if key != "out"}
            | {f"parameters of {r['model']}, {r['set']}": str(r["parameters"]) for r in results}
            | {f"learning rate of {r['model']}, {r['set']}": str(r["rate"]) for r in results},
            seeds=list(seeds),
            data={
                file: digest
                for dataset in sorted({SETS[row["set"]].dataset for row in results})
                for file, digest in checksums(dataset).items()
            },
            seconds={
                "run": round(time.perf_counter() - began, 1),
                "training": round(sum(row["seconds"] for row in results), 1),
            },
            metrics=metrics_of(results),
        )
        save_record(record, config.out / f"{config.preset}.json")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
