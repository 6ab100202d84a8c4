"""What `mlmat train` leaves behind: predictor, record, predictions, figures, report, table."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from mlmat.analysis.class_plots import draw_confusion
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.analysis.reliability import draw_reliability
from mlmat.analysis.training_plots import draw_learning_curve, draw_parity, draw_residuals
from mlmat.analysis.training_report import OURS, WorstItem, write_training_report
from mlmat.commands.runs import console, plain_options
from mlmat.commands.train_options import TrainOptions
from mlmat.data.leakage import leakage_summary
from mlmat.files import atomic_write, write_json
from mlmat.predictor import save_predictor
from mlmat.recipes.evaluate import MODEL

WORST = 20
"""Test items shown in the report for their large errors."""

HEADLINES = (" MAE", " error rate")
SCORES = (*HEADLINES, " RMSE", " R²", " cross entropy")
"""Scores in the table, in this order; the headlines are those that baselines have, too."""


def write_outputs(
    options: TrainOptions, out: Path, data: Any, task: Any, fits: Sequence[Any], command: str, began: float
) -> None:
    """All result files, and the closing table."""
    metrics = [m for fit in fits for m in _named(fit, len(fits))] + _spread(fits)
    seconds = {"run": 0.0, "compile": 0.0, "train": 0.0, "encode": 0.0}
    for fit in fits:
        for name, value in fit.trained.seconds.items():
            seconds[name] += value
    seconds["run"] = time.perf_counter() - began - seconds["compile"]
    record = RunRecord(
        system=f"{', '.join(task.properties)} of {options.source}",
        preset="train",
        command=command,
        config=plain_options(options),
        seeds=sorted({fit.seed for fit in fits}),
        data={options.source: data.sha256},
        seconds={name: round(value, 2) for name, value in seconds.items()},
        metrics=metrics,
    )
    save_record(record, out / "results.json")
    _write_predictor(out, data, fits, metrics, command)
    rows = _prediction_rows(data, task, fits)
    _write_csv(out / "predictions.csv", rows)
    if data.skips:
        write_json(out / "skipped.json", [skip._asdict() for skip in data.skips])
    figures = _figures(out, task, fits)
    table = _scores(task, fits)
    warnings = _warnings(data, fits)
    first = task.properties[0]
    headline = next((row for row in table if str(row[0]).startswith(OURS)), None)
    write_training_report(
        out / "report.html",
        title=f"{first} from {options.source}",
        summary=(
            f"{fits[0].trained.predictor.members} {type(fits[0].trained.predictor.model).__name__} networks, "
            f"trained on {len(fits[0].parts.train):,} items and tested on {len(fits[0].parts.test):,} that "
            f"they never saw ({options.split} split)."
        ),
        facts=_facts(fits, headline, seconds),
        tables=[("Test scores", _heads(fits), table), *_uncertainty_table(fits)],
        figures=figures,
        worst=_worst(task, rows),
        record=record,
        unit=task.units[0],
        warnings=warnings,
    )
    _print(_heads(fits), table, warnings, out)


def _heads(fits: Sequence[Any]) -> tuple[str, ...]:
    spread = "± (95 %)" if len(fits) == 1 else f"std of {len(fits)}"
    return ("model", "score", "value", spread, "unit", "training items")


def _named(fit: Any, count: int) -> list[Metric]:
    """Metrics of a fit, whose name they carry if there are several."""
    if count == 1:
        return fit.evaluation.metrics
    return [_replaced(m, variant=f"{m.variant}, {fit.name}") for m in fit.evaluation.metrics]


def _replaced(metric: Metric, **changes: Any) -> Metric:
    from dataclasses import asdict

    return Metric(**{**asdict(metric), **changes})


def _spread(fits: Sequence[Any]) -> list[Metric]:
    """Mean and standard deviation over seeds or folds."""
    if len(fits) < 2:
        return []
    found = []
    for metric in fits[0].evaluation.metrics:
        same = [
            m.value
            for fit in fits
            for m in fit.evaluation.metrics
            if (m.name, m.variant) == (metric.name, metric.variant)
        ]
        spread = float(np.std(same, ddof=1)) if len(same) > 1 else None
        found.append(_replaced(metric, value=float(np.mean(same)), std=spread, n_seeds=len(same)))
    return found


def _scores(task: Any, fits: Sequence[Any]) -> list[list[Any]]:
    """Rows of the table of scores: model first, then baselines, best first."""
    metrics = _spread(fits) or fits[0].evaluation.metrics
    shown = HEADLINES if len(task.properties) > 1 else SCORES
    wanted = [
        m for m in metrics if m.name.endswith(HEADLINES) or (m.variant == MODEL and m.name.endswith(shown))
    ]

    names = (*task.properties, "energy per atom", "forces", "stress")

    def place(m: Metric) -> tuple:
        kind = next(k for k, score in enumerate(SCORES) if m.name.endswith(score))
        return names.index(m.name.removesuffix(SCORES[kind])), m.variant != MODEL, kind, m.value

    # One training: its standard error becomes an interval; several: the spread stays as it is.
    widen = 1.96 if len(fits) == 1 else 1.0
    rows = []
    for m in sorted(wanted, key=place):
        name = f"{OURS}this predictor" if m.variant == MODEL else m.variant
        rows.append([name, m.name, m.value, None if m.std is None else widen * m.std, m.unit, m.n_train])
    return rows


def _uncertainty_table(fits: Sequence[Any]) -> list[tuple]:
    metrics = [m for m in fits[0].evaluation.metrics if "uncertainty" in (m.variant or "")]
    if not metrics:
        return []
    names = list(dict.fromkeys(m.name for m in metrics))
    value = {(m.name, m.variant): m.value for m in metrics}
    variants = ("uncertainty as stated", "calibrated uncertainty")
    rows = [[name, *(value.get((name, variant)) for variant in variants)] for name in names]
    return [("Uncertainty", ("measure", "as stated", "corrected on validation data"), rows)]


def _facts(fits: Sequence[Any], headline: list | None, seconds: dict[str, float]) -> dict[str, str]:
    facts = {}
    if headline is not None:
        spread = "" if headline[3] is None else f" ± {headline[3]:.2g}"
        facts[headline[1]] = f"{headline[2]:.4g}{spread} {headline[4]}".strip()
    facts["epochs"] = str(len(fits[0].trained.history))
    facts["trainings"] = str(len(fits))
    facts["wall time"] = f"{seconds['run'] + seconds['compile']:.0f} s ({seconds['compile']:.0f} s compiling)"
    return facts


def _warnings(data: Any, fits: Sequence[Any]) -> list[str]:
    found = [note for note in data.notes if note.startswith("warning")]
    if data.skips:
        found.append(f"{len(data.skips):,} rows of the file were left out; skipped.json says why.")
    for fit in fits[:1]:
        if fit.leaks:
            found += leakage_summary(fit.leaks).splitlines()
        for baseline in fit.evaluation.baselines[:1]:
            found += [f"{name}: {note}." for name, note in baseline.notes.items() if note]
    return found


def _write_predictor(out: Path, data: Any, fits: Sequence[Any], metrics: list[Metric], command: str) -> None:
    """The first training's predictor, with where it came from."""
    fit = fits[0]
    model = [m for m in fit.evaluation.metrics if m.variant == MODEL]
    notes = {
        "data": {"sha256": data.sha256, "items": len(data)},
        "split": {"name": fit.name, "sizes": [len(part) for part in fit.parts]},
        "test": {m.name: m.value for m in model},
        "command": command,
    }
    save_predictor(fit.trained.predictor, out / "predictor.mlmat", notes)


def _prediction_rows(data: Any, task: Any, fits: Sequence[Any]) -> list[dict[str, Any]]:
    rows = []
    for fit in fits:
        mean, std = fit.evaluation.predictions
        for k, item in enumerate(fit.evaluation.test):
            row = {"id": data.ids[item], "training": fit.name}
            if task.kind == "smiles":
                row["smiles"] = task.items[item]
            if task.classes:
                value = task.targets[item, 0]
                row["observed"] = task.classes[int(value)]
                row["predicted"] = task.classes[int(mean[k].argmax())]
                row["probability"] = float(mean[k].max())
            else:
                for p, name in enumerate(task.properties):
                    row[f"{name} observed"] = float(task.targets[item, p])
                    row[f"{name} predicted"] = float(mean[k, p])
                    row[f"{name} std"] = float(std[k, p])
            if fit.evaluation.forces is not None:
                error = np.abs(fit.evaluation.forces[k].mean - task.forces[item]).mean()
                row[f"forces MAE ({task.units[0]}/Å)"] = float(error)
            rows.append(row)
    return rows


def _write_csv(path: Path, rows: list[dict[str, Any]]) -> None:
    with atomic_write(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})


def _figures(out: Path, task: Any, fits: Sequence[Any]) -> list[tuple[Path, str]]:
    """Figures of the first property; test items of all trainings together."""
    name, unit = task.properties[0], task.units[0]
    observed = np.concatenate([task.targets[fit.evaluation.test, 0] for fit in fits])
    curve = out / "learning_curve.png"
    key = next(k for k in fits[0].trained.history[0] if k.startswith("validation"))
    history = [{**row, "validation": row[key]} for row in fits[0].trained.history]
    draw_learning_curve(history, curve, error=key, unit="" if task.classes else unit)
    caption = "Training loss and validation error by epoch; the best epoch is the one that was kept."
    if task.classes:
        predicted = np.concatenate([fit.evaluation.predictions.mean.argmax(axis=1) for fit in fits])
        draw_confusion(observed.astype(int), predicted, task.classes, out / "confusion.png")
        return [
            (out / "confusion.png", "Observed and predicted classes of the test items."),
            (curve, caption),
        ]
    known = np.isfinite(observed)
    mean, std, raw = (
        np.concatenate([part[:, 0] for part in parts])[known]
        for parts in zip(*((*f.evaluation.predictions, f.evaluation.raw_std) for f in fits), strict=True)
    )
    observed = observed[known]
    draw_parity(observed, mean, std, name, unit, out / "parity.png")
    draw_residuals(observed, mean, name, unit, out / "residuals.png")
    figures = [
        (out / "parity.png", "Predicted against observed values of the test items."),
        (out / "residuals.png", "Errors on the test items."),
        (curve, caption),
    ]
    if task.forces is not None:
        figures.append(_force_figure(out, task, fits))
    if (std > 0).all() and len(observed) >= 10:
        stated = raw if (raw > 0).all() else std
        draw_reliability(
            mean, observed, stated, None if stated is std else std, unit, out / "reliability.png"
        )
        figures.append((out / "reliability.png", "Do the stated uncertainties hold?"))
    return figures


def _force_figure(out: Path, task: Any, fits: Sequence[Any]) -> tuple[Path, str]:
    observed = [task.forces[i].ravel() for fit in fits for i in fit.evaluation.test]
    predicted = [force.mean.ravel() for fit in fits for force in fit.evaluation.forces]
    path = out / "forces.png"
    unit = f"{task.units[0]}/Å"
    draw_parity(np.concatenate(observed), np.concatenate(predicted), None, "force component", unit, path)
    return path, "Predicted against observed force components of the test items."


def _worst(task: Any, rows: list[dict[str, Any]]) -> list[WorstItem]:
    """The test items with the largest errors (or the surest wrong classes)."""
    if task.classes:
        wrong = [row for row in rows if row["observed"] != row["predicted"]]
        wrong.sort(key=lambda row: -row["probability"])
        return [
            WorstItem(row["id"], row.get("smiles"), row["observed"], row["predicted"], None, row["training"])
            for row in wrong[:WORST]
        ]
    name = task.properties[0]
    keys = [f"{name} {kind}" for kind in ("observed", "predicted", "std")]
    known = [row for row in rows if np.isfinite(row[keys[0]])]
    known.sort(key=lambda row: -abs(row[keys[0]] - row[keys[1]]))
    return [
        WorstItem(row["id"], row.get("smiles"), *(row[key] for key in keys), row["training"])
        for row in known[:WORST]
    ]


def _print(heads: tuple[str, ...], table: list[list[Any]], warnings: list[str], out: Path) -> None:
    shown = Table(title="Test part", title_justify="left")
    for head in heads:
        shown.add_column(head, justify="left" if head in ("model", "score", "unit") else "right")
    for name, score, value, spread, unit, count in table:
        cells = (name, score, f"{value:.4g}", "" if spread is None else f"{spread:.2g}", unit, f"{count:,}")
        shown.add_row(*cells, style="bold" if name.startswith(OURS) else None)
    console.print(shown)
    for warning in warnings:
        console.print(warning, style="yellow", highlight=False)
    console.print(f"Predictor: {out / 'predictor.mlmat'}   Report: {out / 'report.html'}")
