"""CGCNN on crystals of the Materials Project and on perovskites: the properties of its paper and of Matbench.

    MLMAT_DATA=… python -m experiments.cgcnn.run --preset full --out runs/cgcnn

For each property: CGCNN at its published size, the same without a convolution, which knows the
composition only, and three of mlmat's own crystal networks, alone and together. Splits are random, as
in the paper, or by chemical system (`--splits family`), where no set of elements is in two parts. A
stopped run goes on where it was; each test part is predicted once.
"""

from __future__ import annotations

import time
from dataclasses import asdict
from itertools import product
from typing import Any

import tyro

from experiments.cgcnn.cells import Config, run_cell
from experiments.cgcnn.targets import TARGETS, Crystals, crystals
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data.registry import checksums

LOSSES = {"mse": "squared error", "mae": "absolute error"}
"""Losses other than Huber's, by the name that a variant of the record gives them."""


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
