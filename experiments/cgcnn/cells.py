"""One cell of the table: a property, a split and a network → its error on crystals that it never saw."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import ase
import jax
import numpy as np

from experiments.cgcnn.targets import TARGETS, Crystals, parts
from mlmat.data.splits import Split
from mlmat.errors import InputError
from mlmat.files import read_lines, write_json
from mlmat.metrics import bootstrap_interval, mae
from mlmat.predictor import Predictor, load_predictor, predict_items, save_predictor
from mlmat.recipes.choice import Choice, choose
from mlmat.recipes.fit import fit_task
from mlmat.recipes.task import Task
from mlmat.training.config import LossConfig

CRYSTAL = "crystal network"
MODELS = {
    "CGCNN": {"features": 64, "layers": 4, "hidden": 32, "hidden_layers": 1},
    CRYSTAL: {"features": 96, "layers": 3},
    "composition only": {"features": 64, "layers": 0, "hidden": 128, "hidden_layers": 3},
}
"""Name → fields of the network."""

MEMBERS = 3
"""Crystal networks in an ensemble: all of them take less time than one CGCNN."""

RESTART = 1 / 3
"""Peak of the learning rate of a later round, beside the first."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: the sizes of the paper, as far as crystals are at hand; quick: a tenth of the moduli.
        out: folder for the results; what is finished there is not run again.
        targets: properties; default by preset.
        splits: "random", "family"; default by preset.
        models: names, see `MODELS`.
        n_train: training crystals; default those of the paper.
        epochs: default by preset.
        learning_rate: peak of the schedule.
        optimiser: see `mlmat.training.config.TrainingConfig`.
        loss: of a residual, see `mlmat.training.config.LossConfig`; "mae" is what is reported.
        rounds: trainings one after the other; each but the first starts from the best weights of the one
            before, at `RESTART` of its rate (I. Loshchilov, F. Hutter, ICLR 2017).
        members: networks trained one by one, each with a start and an order of its own, and scored alone and
            together; crystal networks are always `MEMBERS`.
        seed: of split, weights and order.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/cgcnn")
    targets: tuple[str, ...] = ()
    splits: tuple[Literal["random", "family"], ...] = ()
    models: tuple[str, ...] = tuple(MODELS)
    n_train: int | None = None
    epochs: int | None = None
    learning_rate: float = 3e-3
    optimiser: Literal["adamw", "muon"] = "adamw"
    loss: Literal["huber", "mse", "mae"] = "huber"
    rounds: int = 1
    members: int = 1
    seed: int = 0

    def __post_init__(self):
        if self.rounds > 1 and self.members > 1:
            raise InputError("a network has several rounds or several members: leave one of the two out")


def settings(config: Config, name: str, model: str, n_train: int) -> Choice:
    """Network and training of one cell: few crystals are met more often."""
    own, muon = model == CRYSTAL, config.optimiser == "muon"
    if config.preset == "quick":
        usual = 10
    elif n_train <= 10_000:
        usual = 80 if muon else 200
    else:
        usual = 60 if not own else 40 if muon else 80
    choice = choose(
        "structure",
        n_train,
        model="crystal" if own else "cgcnn",
        members=MEMBERS if own and config.preset == "full" else 1,
        epochs=config.epochs or usual,
        batch=64 if n_train > 4_000 else 32,
        learning_rate=config.learning_rate,
        optimiser=config.optimiser,
        seed=config.seed,
    )
    return replace(choice, fields=MODELS[model], loss=LossConfig(kind=config.loss))


def run_cell(
    config: Config,
    name: str,
    model: str,
    split: str,
    read: Callable[[str], Crystals],
    settings: Callable[[Config, str, str, int], Choice] = settings,
) -> dict[str, object]:
    """One network: trained, and scored once on its test part; read if it was run before.

    Args:
        config: options.
        name: of the property.
        model: name of the network, for `settings`.
        split: see `parts`.
        read: crystals of a property.
        settings: network and training of a cell.
    """
    n_train = config.n_train or (None if config.preset == "full" else 200)
    chosen = ((config.loss, Config.loss), (config.optimiser, Config.optimiser))
    unusual = "".join(f"-{value}" for value, usual in chosen if value != usual)
    stem = f"{name}-{split}-{model.replace(' ', '_')}-{n_train or 'all'}{unusual}-{config.seed}"
    rounds, members = config.rounds, 1 if model == CRYSTAL else config.members
    stems = [stem + (f"-{k + 1}" if k else "") for k in range(rounds)]
    stems += [f"{stem}-member{k}" for k in range(1, members)]
    folder = config.out / "cells"
    path = folder / (f"{stem}-{members}-members.json" if members > 1 else f"{stems[-1]}.json")
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    found = read(name)
    rows: Split = parts(found.families, TARGETS[name], split, n_train, config.seed)
    choice = settings(config, name, model, len(rows.train))
    task = Task("structure", found.items, found.values[:, None], (name,), (TARGETS[name].unit,))
    predictors: list[Predictor] = []
    for number, stem in enumerate(stems):
        training = choice.training
        if number and rounds > 1:
            training = replace(training, learning_rate=config.learning_rate * RESTART)
        elif number:
            training = replace(training, seed=config.seed + 100 * number)
        before = predictors if rounds > 1 else []
        predictors.append(_trained(task, rows, replace(choice, training=training), folder / stem, before))
    tests = [found.items[i] for i in rows.test]
    predicted = [predict_items(predictor, tests).mean[:, 0] for predictor in predictors]
    truth = found.values[rows.test]
    errors = [_error(found, truth, config.seed) for found in predicted]
    together = _error(np.mean(predicted, axis=0), truth, config.seed)
    result = {
        "name": name, "split": split, "model": model, "n_train": len(rows.train), "n_test": len(truth),
        "epochs": choice.training.epochs, "loss": config.loss, "optimiser": config.optimiser,
        **(together if members > 1 else errors[-1]),
        "mean": float(np.abs(truth - found.values[rows.train].mean()).mean()),
        "seconds": sum(row["seconds"] for stem in stems for row in read_lines(folder / f"{stem}.log.jsonl")),
    }  # fmt: skip
    if choice.training.members > 1:
        errors = [_error(found, truth, config.seed) for found in _members(predictors[-1], tests)]
    if max(members, choice.training.members) > 1:
        result["members"] = len(errors)
        result["alone"] = {key: float(np.mean([error[key] for error in errors])) for key in errors[0]}
    if rounds > 1:
        result |= {"rounds": rounds, "together": together}
    write_json(path, result)
    return result


def _trained(task: Task, rows: Split, choice: Choice, stem: Path, before: list[Predictor]) -> Predictor:
    """The network of one round, read if it was trained; `before` are those of the rounds before."""
    file = stem.with_name(f"{stem.name}.mlmat")

    def report(row: dict[str, float]) -> None:
        print(
            f"{stem.name} epoch {row['epoch']:>4} loss {row['loss']:.5f} validation {row['score']:.5f} "
            f"{row['seconds']:.1f} s",
            flush=True,
        )

    if not file.exists():
        trained = fit_task(
            task,
            rows.train,
            rows.validation,
            choice,
            extensive=False,
            init=before[-1] if before else None,
            checkpoint=stem.with_name(f"{stem.name}.state"),
            log=stem.with_name(f"{stem.name}.log.jsonl"),
            report=report,
        )
        save_predictor(trained.predictor, file, {"epochs": choice.training.epochs})
    return load_predictor(file)


def _members(predictor: Predictor, items: list[ase.Atoms]) -> list[np.ndarray]:
    """What each network of an ensemble predicts by itself."""
    found = []
    for k in range(jax.tree.leaves(predictor.variables)[0].shape[0]):
        one = jax.tree.map(lambda leaf, k=k: leaf[k : k + 1], predictor.variables)
        found.append(predict_items(replace(predictor, variables=one), items).mean[:, 0])
    return found


def _error(predicted: np.ndarray, truth: np.ndarray, seed: int) -> dict[str, float]:
    """Mean absolute error and its standard error."""
    low, high = bootstrap_interval(mae, predicted, truth, seed=seed)
    return {"mae": mae(predicted, truth), "std": (high - low) / (2 * 1.96)}
