"""Fitting and scoring a potential on descriptors: what the experiments of this family share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mlmat.analysis.record import Metric
from mlmat.data.dataset import Dataset
from mlmat.data.splits import Split
from mlmat.data.structures import of_atoms, structures
from mlmat.files import read_lines
from mlmat.predictor import Predictor, load_predictor, save_predictor
from mlmat.recipes.choice import Choice, choose
from mlmat.recipes.fit import fit_task
from mlmat.recipes.mechanics_scores import mechanical_metrics, predict_mechanics
from mlmat.recipes.task import Task
from mlmat.training.config import LossConfig


def task_of(data: Dataset) -> Task:
    """Energies and forces of a set with both."""
    return Task(
        "structure",
        structures(data),
        data["energy"][:, None],
        ("energy",),
        ("eV",),
        forces=of_atoms(data, "forces"),
        groups=data["group"].tolist() if "group" in data.arrays else None,
    )


def chosen(
    count: int, fields: dict[str, Any], loss: LossConfig, *, model: str = "hdnnp", **given: Any
) -> Choice:
    """Settings of a training, with fields of the network and weights of the loss.

    Args:
        count: training structures.
        fields: of the network, beside those the data decide.
        loss: weights of energies and forces.
        model: name of the network.
        **given: of `mlmat.recipes.choice.choose`.
    """
    choice = choose("structure", count, model=model, report=print, **given)
    return replace(choice, loss=loss, fields=choice.fields | fields)


def fitted(task: Task, parts: Split, choice: Choice, stem: Path) -> tuple[Predictor, float]:
    """The trained predictor and the seconds of its training; a finished one is read, a cut one goes on.

    Args:
        task: of all structures.
        parts: training and validation rows are used.
        choice: settings.
        stem: of the files, without an ending.
    """
    file, log = stem.with_suffix(".mlmat"), stem.with_suffix(".log.jsonl")
    if not file.exists():
        trained = fit_task(
            task,
            parts.train,
            parts.validation,
            choice,
            checkpoint=stem.with_suffix(".state"),
            log=log,
            report=_report,
        )
        save_predictor(trained.predictor, file, {"seconds": trained.seconds})
    # From the log, which outlives interruptions.
    return load_predictor(file), sum(row["seconds"] for row in read_lines(log))


def scores(
    predictor: Predictor, task: Task, rows: Sequence[int], *, variant: str, seed: int, **common: Any
) -> list[Metric]:
    """Errors of energies and forces of some structures, printed as they are found."""
    found = predict_mechanics(predictor, [task.items[row] for row in rows])
    metrics = mechanical_metrics(found, task, rows, variant=variant, seed=seed, **common)
    for metric in metrics:
        if metric.variant == variant:
            print(f"{metric.name:<22} {metric.value:.4g} {metric.unit:<8} {variant}", flush=True)
    return metrics


def fewer(parts: Split, count: int | None, seed: int) -> Split:
    """The same parts with a training part of at most `count` structures, drawn at random; None: all."""
    if count is None or count >= len(parts.train):
        return parts
    rows = np.random.default_rng(seed).permutation(len(parts.train))[:count]
    return parts._replace(train=parts.train[np.sort(rows)])


def _report(row: dict[str, float]) -> None:
    energy, force = (row[f"validation MAE {name}"] for name in ("energy per atom", "force"))
    print(
        f"epoch {row['epoch']:>4} loss {row['loss']:.5f} energy {1e3 * energy:.2f} meV/atom "
        f"force {force:.4f} eV/Å {row['seconds']:.1f} s",
        flush=True,
    )
