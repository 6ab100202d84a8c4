"""Scores of a trained task on items it never saw, beside the baselines and with leaks named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from mlmat.analysis.calibration import calibration_summary, corrected_std
from mlmat.analysis.confidence import expected_calibration_error
from mlmat.analysis.record import Metric
from mlmat.data.leakage import Leak, leakage, smiles_leakage
from mlmat.data.splits import Split
from mlmat.learners.baselines import Baselines, run_baselines
from mlmat.metrics import bootstrap_interval, mae, r2, rmse
from mlmat.predictor import Forces, Predictions, Predictor, predict_items
from mlmat.recipes.forces import force_metrics, forces_of
from mlmat.recipes.mechanics_scores import Mechanics, mechanical_metrics, predict_mechanics
from mlmat.recipes.task import Task

BOOTSTRAP = 1000
MODEL = "model"

TWINS = 10_000
"""Molecules in a table up to which near twins (equal fingerprints) are looked for."""


class Evaluation(NamedTuple):
    """What a predictor does on the test part.

    Attributes:
        test: rows of the test part.
        predictions: with calibrated uncertainties.
        raw_std: ``[n, P]`` spread of the members as it is.
        baselines: one for each property.
        metrics: of the model and of every baseline (``variant`` says whose).
        forces: of the test structures, if they were a target.
    """

    test: np.ndarray
    predictions: Predictions
    raw_std: np.ndarray
    baselines: list[Baselines]
    metrics: list[Metric]
    forces: list[Forces] | None = None


def find_leaks(task: Task, identity: Sequence[str], parts: Split) -> list[Leak]:
    """Items that are in more than one part, by identity and (SMILES, up to `TWINS`) by fingerprint."""
    named = dict(zip(("training", "validation", "test"), parts, strict=True))
    if task.kind == "smiles" and len(identity) <= TWINS:
        return smiles_leakage({name: [task.items[i] for i in rows] for name, rows in named.items()})
    return leakage({name: [identity[i] for i in rows] for name, rows in named.items()})


def evaluate(
    task: Task, parts: Split, predictor: Predictor, *, dataset: str, split: str, seed: int, max_rows: int
) -> Evaluation:
    """Predict the test part once, and score it beside the baselines.

    Args:
        task: items and targets.
        parts: train, validation, test rows.
        predictor: trained on the first two.
        dataset: name for the metrics.
        split: how the parts were made.
        seed: of the bootstrap and of the baselines' choice of rows.
        max_rows: training rows of the kernel baselines at most.
    """
    items = {name: [task.items[i] for i in rows] for name, rows in parts._asdict().items()}
    targets = {name: task.targets[rows] for name, rows in parts._asdict().items()}
    mean, raw = predict_items(replace(predictor, calibration=None), items["test"])
    factor, floor = (1.0, 0.0) if predictor.calibration is None else np.asarray(predictor.calibration)
    predictions = Predictions(mean, corrected_std(raw, factor, floor))
    common = {"dataset": dataset, "split": split, "n_train": len(parts.train)}
    baselines, metrics = [], []
    for column, (name, unit) in enumerate(zip(task.properties, task.units, strict=True)):
        known = np.isfinite(targets["test"][:, column])
        observed = targets["test"][known, column]
        if not known.any():
            continue
        common["n_test"] = int(known.sum())
        if task.classes:
            metrics += _class_metrics(name, observed.astype(int), predictions.mean[known], seed, common)
        else:
            mean = predictions.mean[known, column]
            metrics += _value_metrics(name, unit, mean, observed, MODEL, seed, common)
            metrics += _uncertainty_metrics(
                name, mean, predictions.std[known, column], raw[known, column], observed, common
            )
        found = run_baselines(
            task.kind,
            items["train"],
            targets["train"][:, column],
            items["validation"],
            targets["validation"][:, column],
            items["test"],
            max_rows=max_rows,
            seed=seed,
            classification=bool(task.classes),
        )
        baselines.append(found)
        for variant, predicted in found.predictions.items():
            rows = {**common, "n_train": found.rows[variant]}
            if task.classes:
                wrong = predicted[known] != observed
                metrics.append(_share(f"{name} error rate", wrong, variant, seed, rows))
            else:
                metrics += _value_metrics(name, unit, predicted[known], observed, variant, seed, rows)
    forces = None
    if task.forces is not None:
        forces = forces_of(predictor, items["test"])
        observed = [task.forces[i] for i in parts.test]
        common["n_test"] = len(observed)
        metrics += force_metrics(forces, observed, task.units[0], MODEL, seed, common)
        if task.units[0] == "eV":
            said = Mechanics(predictions.mean[:, 0], [force.mean for force in forces], None)
            if task.stress is not None:
                said = predict_mechanics(predictor, items["test"])
            more = mechanical_metrics(said, task, parts.test, variant=MODEL, seed=seed, **common)
            # Forces of all structures together are there already, beside their baseline.
            metrics += [m for m in more if (m.name.split()[0], m.variant) != ("forces", MODEL)]
    return Evaluation(parts.test, predictions, raw, baselines, metrics, forces)


def _std(metric, *arrays: np.ndarray, seed: int) -> float | None:
    """Standard error: half of the 95 % bootstrap interval over 1.96."""
    if len(arrays[0]) < 3:
        return None
    low, high = bootstrap_interval(metric, *arrays, seed=seed, samples=BOOTSTRAP)
    return (high - low) / (2 * 1.96)


def _value_metrics(name, unit, predicted, observed, variant, seed, common) -> list[Metric]:
    found = [
        Metric(
            f"{name} MAE",
            mae(predicted, observed),
            unit,
            _std(mae, predicted, observed, seed=seed),
            variant=variant,
            **common,
        ),
        Metric(f"{name} RMSE", rmse(predicted, observed), unit, variant=variant, **common),
    ]
    if np.ptp(observed) > 0:
        found.append(Metric(f"{name} R²", r2(predicted, observed), variant=variant, **common))
    return found


def _uncertainty_metrics(name, mean, std, raw, observed, common) -> list[Metric]:
    found = []
    for variant, spread in (("calibrated uncertainty", std), ("uncertainty as stated", raw)):
        if (spread > 0).all():
            summary = calibration_summary(mean, spread, observed)
            found += [
                Metric(f"{name} {key}", value, variant=variant, **common) for key, value in summary.items()
            ]
    return found


def _share(name: str, wrong: np.ndarray, variant: str, seed: int, common) -> Metric:
    def mean(values: np.ndarray) -> float:
        return float(values.mean())

    std = _std(mean, wrong.astype(float), seed=seed)
    return Metric(name, mean(wrong), "", std, variant=variant, **common)


def _class_metrics(name, observed, probabilities, seed, common) -> list[Metric]:
    wrong = probabilities.argmax(axis=1) != observed
    chosen = np.maximum(probabilities[np.arange(len(observed)), observed], 1e-12)
    return [
        _share(f"{name} error rate", wrong, MODEL, seed, common),
        Metric(f"{name} cross entropy", float(-np.log(chosen).mean()), "", variant=MODEL, **common),
        Metric(
            f"{name} expected calibration error",
            expected_calibration_error(probabilities, observed),
            variant=MODEL,
            **common,
        ),
    ]
