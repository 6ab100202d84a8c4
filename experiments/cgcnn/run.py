"""CGCNN on crystals of the Materials Project and on perovskites: the properties of its paper and of Matbench.

    MLMAT_DATA=… python -m experiments.cgcnn.run --preset full --out runs/cgcnn

For each property: CGCNN at its published size, the same without a convolution, which knows the
composition only, and three of mlmat's own crystal networks, alone and together. Splits are random, as
in the paper, or by chemical system (`--splits family`), where no set of elements is in two parts. A
stopped run goes on where it was; each test part is predicted once.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

import ase
import jax
import numpy as np
import tyro

from experiments.cgcnn.targets import TARGETS, Crystals, crystals, parts
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data.registry import checksums
from mlmat.data.splits import Split
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

LOSSES = {"mse": "squared error", "mae": "absolute error"}
"""Losses other than Huber's, by the name that a variant of the record gives them."""

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
    seed: int = 0


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
    stems = [stem + (f"-{k + 1}" if k else "") for k in range(config.rounds)]
    folder = config.out / "cells"
    path = folder / f"{stems[-1]}.json"
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    found = read(name)
    rows: Split = parts(found.families, TARGETS[name], split, n_train, config.seed)
    choice = settings(config, name, model, len(rows.train))
    task = Task("structure", found.items, found.values[:, None], (name,), (TARGETS[name].unit,))
    predictors: list[Predictor] = []
    for round_, stem in enumerate(stems):
        if round_:
            rate = config.learning_rate * RESTART
            choice = replace(choice, training=replace(choice.training, learning_rate=rate))
        predictors.append(_trained(task, rows, choice, folder / stem, predictors))
    tests = [found.items[i] for i in rows.test]
    predicted = [predict_items(predictor, tests).mean[:, 0] for predictor in predictors]
    truth = found.values[rows.test]
    result = {
        "name": name, "split": split, "model": model, "n_train": len(rows.train), "n_test": len(truth),
        "epochs": choice.training.epochs, "loss": config.loss, "optimiser": config.optimiser,
        **_error(predicted[-1], truth, config.seed),
        "mean": float(np.abs(truth - found.values[rows.train].mean()).mean()),
        "seconds": sum(row["seconds"] for stem in stems for row in read_lines(folder / f"{stem}.log.jsonl")),
    }  # fmt: skip
    if choice.training.members > 1:
        alone = [_error(found, truth, config.seed) for found in _members(predictors[-1], tests)]
        result["members"] = len(alone)
        result["alone"] = {key: float(np.mean([error[key] for error in alone])) for key in alone[0]}
    if config.rounds > 1:
        result |= {
            "rounds": config.rounds,
            "together": _error(np.mean(predicted, axis=0), truth, config.seed),
        }
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


def metrics_of(results: list[dict]) -> list[Metric]:
    """Errors, property by property, with the spread of the truth as the error of knowing nothing."""
    metrics = []
    for row in results:
        target = TARGETS[row["name"]]
        where = f"{row['split']} split, {row['n_train']:,} training crystals"
        common = {"dataset": target.dataset, "split": row["split"], "n_train": row["n_train"]}
        common |= {"n_test": row["n_test"]}
        paper = {"paper": target.paper, "source": target.source} if row["split"] == "random" else {}
        title = f"{row['name'].replace('_', ' ')}: MAE"
        if row["model"] == "CGCNN":
            metrics.append(
                Metric(title, row["mean"], target.unit, variant=f"training mean, {where}", **common)
            )
        kind = row.get("loss", "huber")  # cells of before there was a choice do not say
        said = [f"{row['rounds']} rounds"] if "rounds" in row else []
        said += [LOSSES[kind]] if kind != "huber" else []
        said += ["Muon"] if row.get("optimiser") == "muon" else []
        how = f" ({', '.join(said)})" if said else ""
        tests = {f"{row['model']}{how}, {where}": row.get("alone", row)}
        if "members" in row:
            tests[f"{row['members']} {row['model']}s{how}, {where}"] = row
        if "together" in row:
            tests[f"mean over the {row['rounds']} rounds, {where}"] = row["together"]
        for variant, error in tests.items():
            value, std = error["mae"], error["std"]
            metrics.append(Metric(title, value, target.unit, std, variant=variant, **common, **paper))
    return metrics


def main(config: Config) -> RunRecord:
    prepare_process()
    full = config.preset == "full"
    targets = config.targets or (tuple(TARGETS) if full else ("log_bulk_modulus",))
    splits = config.splits or (("random", "family") if full else ("random",))
    config.out.mkdir(parents=True, exist_ok=True)
    held: dict[str, Crystals] = {}

    def read(name: str) -> Crystals:
        if name not in held:
            held.clear()
            held[name] = crystals(name)
        return held[name]

    began, results = time.perf_counter(), []
    # The cheap sets first.
    order = sorted(targets, key=lambda name: TARGETS[name].train)
    for name, split, model in product(order, splits, config.models):
        row = run_cell(config, name, model, split, read)
        print(f"{name}, {split}, {model}: MAE {row['mae']:.4f} {TARGETS[name].unit}", flush=True)
        results.append(row)
        record = save_results("CGCNN", "cgcnn", config, results, metrics_of(results), began)
    return record


def save_results(
    system: str, experiment: str, config: Any, results: list[dict], metrics: list[Metric], began: float
) -> RunRecord:
    """Record of the cells so far, written into the folder of the run.

    Args:
        system: what was trained.
        experiment: name of the folder.
        config: dataclass with ``preset``, ``out`` and ``seed``.
        results: rows of `run_cell`.
        metrics: what they say.
        began: `time.perf_counter` at the start.
    """
    sets = sorted({TARGETS[row["name"]].dataset for row in results})
    record = RunRecord(
        system=system,
        preset=config.preset,
        command=f"python -m experiments.{experiment}.run --preset {config.preset}",
        config={key: str(value) for key, value in asdict(config).items() if key != "out"},
        seeds=[config.seed],
        data={file: digest for name in sets for file, digest in checksums(name).items()},
        seconds={
            "run": round(time.perf_counter() - began, 1),
            "training": round(sum(row["seconds"] for row in results), 1),
        },
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.preset}.json")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
