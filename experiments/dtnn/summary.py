"""What the finished networks of a learning curve say: errors, exponent, figure, record."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from mlmat.analysis.figure import HIT, INK, MISS, new_figure, plain_ticks, save, tidy
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.data.registry import checksums

FULL_SIZE = 100_000
PAPER = (0.84, "Schütt et al., Nat. Commun. 8, 13890 (2017), U0, 100,000 training molecules")
NAMES = {False: "all pairs, as in the paper", True: "with a cutoff"}


def power_law(sizes: Sequence[float], errors: Sequence[float]) -> tuple[float, float]:
    """Least squares of ln error = ln a − b ln N: (a, b).

    Args:
        sizes: training molecules, at least two different numbers.
        errors: their test errors, any unit.
    """
    slope, offset = np.polyfit(np.log(sizes), np.log(errors), 1)
    return float(np.exp(offset)), float(-slope)


def metrics_of(finished: Sequence[dict[str, Any]], dataset: str) -> list[Metric]:
    """Test errors of each network; the exponent of each curve of three points or more."""
    metrics = []
    for cut, name in NAMES.items():
        curve = sorted(
            (one for one in finished if bool(one["cutoff"]) == cut), key=lambda one: one["n_train"]
        )
        label = f"{name} ({curve[0]['cutoff']:g} Å)" if cut and curve else name
        common = {"dataset": dataset, "split": "random test", "n_test": curve[0]["n_test"] if curve else None}
        for one in curve:
            variant = f"{label}; {one['n_train']:,} training molecules, {one['epochs']:,} epochs"
            common["n_train"] = one["n_train"]
            if len(one["errors"]) > 1:
                variant += f"; {len(one['errors'])} properties in one network"
            for name, found in one["errors"].items():
                unit = found["unit"]
                published = (dataset, name, one["n_train"]) == ("qm9", "energy", FULL_SIZE) and not cut
                paper, source = PAPER if published else (None, None)
                beside = {"paper": paper, "source": source, "variant": variant, **common}
                metrics += [
                    Metric(f"{name} MAE", found["mae"], unit, found["std"], **beside),
                    Metric(f"{name} RMSE", found["rmse"], unit, variant=variant, **common),
                ]
        curve = [one for one in curve if "energy" in one["errors"]]
        if len(curve) < 3:
            continue
        sizes, errors = [one["n_train"] for one in curve], [one["errors"]["energy"]["mae"] for one in curve]
        factor, exponent = power_law(sizes, errors)
        common.pop("n_train")
        variant = f"{label}; fitted to {sizes[0]:,} … {sizes[-1]:,}"
        metrics.append(Metric("exponent of the learning curve", exponent, "1", variant=variant, **common))
        if sizes[-1] < FULL_SIZE and dataset == "qm9":
            metrics.append(
                Metric(
                    f"extrapolated, not measured: energy MAE at {FULL_SIZE:,}",
                    factor * FULL_SIZE**-exponent,
                    "kcal/mol",
                    dataset=dataset,
                    variant=variant,
                    paper=PAPER[0],
                    source=PAPER[1],
                )
            )
    return metrics


def draw(finished: Sequence[dict[str, Any]], path) -> None:
    """Test error against training molecules, both logarithmic."""
    figure = new_figure(5.2, 3.8)
    axes = figure.subplots()
    for cut, colour in ((False, HIT), (True, MISS)):
        mine = [one for one in finished if bool(one["cutoff"]) == cut and "energy" in one["errors"]]
        curve = sorted((one["n_train"], one["errors"]["energy"]["mae"]) for one in mine)
        if curve:
            axes.loglog(*zip(*curve, strict=True), "o-", color=colour, label=NAMES[cut], lw=1.6, ms=5)
    axes.set(xlabel="training molecules", ylabel="test MAE (kcal/mol)")
    axes.margins(y=0.2)
    axes.legend(frameon=False, fontsize=9, labelcolor=INK)
    for axis in (axes.xaxis, axes.yaxis):
        plain_ticks(axis)
    tidy(axes, "DTNN, energy")
    save(figure, path)


def write_summary(config: Any, updates: int, finished: Sequence[dict[str, Any]], seconds: float) -> RunRecord:
    """Record and figure of what is finished, into the folder of the run."""
    options = {**asdict(config), "updates": updates, "sizes": sorted({one["n_train"] for one in finished})}
    del options["out"]
    words = ["python", "-m", "experiments.dtnn.run", "--preset", config.preset]
    words += ["--cutoffs", *(f"{cutoff:g}" for cutoff in config.cutoffs), "--n-test", str(config.n_test)]
    words += ["--dataset", config.dataset, "--updates", str(updates), "--sizes", *map(str, options["sizes"])]
    words += [
        "--properties",
        *config.properties,
        "--learning-rate",
        str(config.learning_rate),
        "--scaling",
        config.scaling,
    ]
    record = RunRecord(
        system=f"DTNN on {config.dataset}",
        preset=config.preset,
        command=shlex.join(words),
        config={key: str(value) for key, value in options.items()},
        seeds=[config.seed],
        data=checksums(config.dataset),
        seconds={"run": round(seconds, 1), "training": round(sum(one["seconds"] for one in finished), 1)},
        metrics=metrics_of(finished, config.dataset),
    )
    save_record(record, config.out / f"{config.preset}.json")
    draw(finished, config.out / "learning_curve.png")
    return record
