"""One cell of the comparison: a set, a network, a seed → its error on alloys that it never saw."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import jax
import numpy as np

from experiments.sgcnn.sets import Slabs, slabs
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
    "SGCNN with distances and norms": ("sgcnn", {"layers": 3, "distances": 11, "normalised": True}),
    "CGCNN on the slab": ("cgcnn", {"features": 62, "layers": 4, "hidden": 32, "hidden_layers": 1}),
}
"""Name → model and its fields: 83,347, 90,307, 90,655 and 91,639 parameters, so the rival has no fewer."""

ADAMW = ("SGCNN", "SGCNN with distances")
"""Networks that learn with AdamW unless told otherwise: without norms Muon is worse on hydroxyl (0.218 eV
instead of 0.189) and fails on carbon monoxide; the others learn with Muon."""

FULL = ("hydroxyl", "carbon monoxide", "nitrogen")
"""Sets of the full preset, in the order of their cost."""

FRACTIONS = (0.7, 0.1, 0.2)
RATES = (3e-3, 1e-2)
TRIAL = 0.15
"""Share of the epochs that a trial of a learning rate gets."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: three sets (`FULL`), three seeds, learning rates chosen by validation;
            quick: hydroxyl alone, one seed, few epochs, one learning rate.
        out: folder for the results; what is finished there is not run again.
        sets: names, see `SETS`; default by preset.
        models: names, see `MODELS`.
        seeds: of split, weights and order; default by preset.
        epochs: default by set and preset.
        limit: rows of a set at most.
        rates: learning rates to try; default by preset.
        optimiser: see `mlmat.training.config.TrainingConfig`; default by network, see `ADAMW`.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/sgcnn")
    sets: tuple[str, ...] = ()
    models: tuple[str, ...] = tuple(MODELS)
    seeds: int | None = None
    epochs: int | None = None
    limit: int | None = None
    rates: tuple[float, ...] = ()
    optimiser: Literal["adamw", "muon"] | None = None


def optimiser_of(config: Config, model: str) -> str:
    """What a network learns with."""
    return config.optimiser or ("adamw" if model in ADAMW else "muon")


def epochs_of(config: Config, model: str, n_train: int) -> int:
    """Passes over the training part: few slabs are met more often, and Muon needs fewer passes."""
    few = 80 if optimiser_of(config, model) == "muon" else 200
    usual = few if n_train < 2_000 else 40 if n_train < 12_000 else 30
    return config.epochs or (usual if config.preset == "full" else 20)


def settings(config: Config, model: str, n_train: int, rate: float, seed: int) -> Choice:
    """Network and training of one cell."""
    name, fields = MODELS[model]
    choice = choose(
        "structure",
        n_train,
        model=name,
        members=1,
        epochs=epochs_of(config, model, n_train),
        batch=64 if n_train > 2_000 else 32,
        learning_rate=rate,
        optimiser=optimiser_of(config, model),
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
        rates = self.config.rates or (RATES if self.config.preset == "full" else RATES[:1])
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
