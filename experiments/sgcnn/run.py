"""SGCNN beside CGCNN on the same slabs, with whole families of alloys held out.

    MLMAT_DATA=… python -m experiments.sgcnn.run --preset full --out runs/sgcnn

Networks of about the same size: SGCNN as published, SGCNN that sees the lengths of bonds, and CGCNN
on the whole slab. A stopped run goes on where it was; each test part is predicted once.
"""

from __future__ import annotations

from dataclasses import asdict
from itertools import product
from typing import Any

import numpy as np
import tyro

from experiments.sgcnn.cells import FULL, MODELS, Cells, Config
from experiments.sgcnn.sets import PAPER, PAPER_MAE, SETS
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.analysis.seeds import mean_interval
from mlmat.commands.runs import prepare_process
from mlmat.data.registry import checksums


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
            of_model = [
                row for row in rows if row["model"] == (model if model in MODELS else rows[0]["model"])
            ]
            sizes = {"n_train": of_model[0]["n_train"], "n_test": sum(row["n_test"] for row in of_model)}
            mean, half = mean_interval(list(values.values()))
            found.append(
                Metric(
                    "adsorption energy MAE",
                    mean,
                    "eV",
                    half / 1.96 if np.isfinite(half) else None,
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
            mean, half = mean_interval(ratios)
            found.append(
                Metric(
                    "error below that of CGCNN on the slab",
                    mean,
                    std=half / 1.96 if np.isfinite(half) else None,
                    variant=f"{name}, {model}",
                    n_seeds=len(ratios),
                    **common,
                )
            )
    return found


def main(config: Config) -> RunRecord:
    prepare_process()
    full = config.preset == "full"
    names = config.sets or (FULL if full else FULL[:1])
    seeds = range(config.seeds or (3 if full else 1))
    config.out.mkdir(parents=True, exist_ok=True)
    cells, results = Cells(config), []
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
            seconds={"run": round(sum(row["seconds"] for row in results), 1)},
            metrics=metrics_of(results),
        )
        save_record(record, config.out / f"{config.preset}.json")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
