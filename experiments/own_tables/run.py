"""Public tables as a user's own CSV: default settings, one command each.

    MLMAT_DATA=… python -m experiments.own_tables.run --preset full --out runs/own_tables

Absorption of dyes (C.-W. Ju et al. 2021; J. F. Joung et al. 2020), refractive index (ChemML),
photovoltaic efficiency (Harvard Clean Energy Project). Each is handed to ``mlmat train FILE
--target … --unit …``
and nothing else; then kernel ridge on Morgan counts is tuned on the same validation part
and fitted to all training rows (14,000 at most), where the command shows it 4,000 at most.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from mlmat.analysis.record import Metric, RunRecord, load_record, save_record
from mlmat.data.folds import split_by_name
from mlmat.data.own import read_own_data
from mlmat.errors import DataError
from mlmat.learners.baselines import run_baselines
from mlmat.metrics import bootstrap_interval, mae

TABLES = {
    "dyes (Ju)": ("chemfluor_ju2021.csv.xz", "Absorption/nm", "nm"),
    "dyes (Joung)": ("chromophores_joung2020.csv.xz", "Absorption max (nm)", "nm"),
    "refractive index": ("chemml_refractive_index_10k.csv.xz", "RI_LL", "1"),
    "photovoltaics": ("cep_pce_29978.csv.xz", "PCE", "%"),
}
FOLDER = Path("molecules/emitters")
MOST = 14_000
"""Training rows for kernel ridge: with 20,000 the factorisation crashes in OpenBLAS (measured)."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: default settings; quick: the quick preset and no full kernel ridge.
        out: folder for the results; a table that is finished there is not run again.
        seed: of split, weights and order.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/own_tables")
    seed: int = 0


def main(config: Config) -> RunRecord:
    if "MLMAT_DATA" not in os.environ:
        raise DataError("set MLMAT_DATA to the folder with the public tables (molecules/emitters in it)")
    folder = Path(os.environ["MLMAT_DATA"]) / FOLDER
    config.out.mkdir(parents=True, exist_ok=True)
    metrics, seconds, data = [], {"run": 0.0}, {}
    for name, (file, target, unit) in TABLES.items():
        out, began = config.out / "".join(c if c.isalnum() else "_" for c in name), time.perf_counter()
        if not (out / "results.json").exists():
            words = [folder / file, "--target", target, "--unit", unit, "--seed", config.seed, "--out", out]
            words = ["--resume", out] if (out / "options.json").exists() else words
            words += ["--preset", "quick"] if config.preset == "quick" and "--resume" not in words else []
            subprocess.run([sys.executable, "-m", "mlmat.cli", "train", *map(str, words)], check=True)
        record = load_record(out / "results.json")
        data |= record.data
        seconds[name] = record.seconds["run"] + record.seconds["compile"]
        metrics += [
            replace(m, name=f"{name}: {m.name}", dataset=name)
            for m in record.metrics
            if m.name.endswith(" MAE")
        ]
        metrics.append(Metric(f"{name}: wall time of the command", seconds[name], "s", variant="model"))
        if config.preset == "full":
            metrics.append(full_kernel_ridge(folder / file, name, target, unit, config.seed))
        seconds["run"] += time.perf_counter() - began
        print(f"{name}: {[(m.variant, round(m.value, 4)) for m in metrics if m.dataset == name]}", flush=True)
    record = RunRecord(
        system="public tables as a user's own data",
        preset=config.preset,
        command=f"python -m experiments.own_tables.run --preset {config.preset}",
        config={key: str(value) for key, value in asdict(config).items()},
        seeds=[config.seed],
        data=data,
        seconds={key: round(value, 1) for key, value in seconds.items()},
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.preset}.json")
    return record


def full_kernel_ridge(file: Path, name: str, target: str, unit: str, seed: int) -> Metric:
    """Test error of kernel ridge that saw every training row."""
    own = read_own_data(file, targets=[target], units=unit)
    parts = split_by_name("random", own.items, own.identity, seed=seed)[0]
    items = [[own.items[i] for i in rows] for rows in parts]
    y = [own.targets[rows, 0] for rows in parts]
    count = min(len(parts.train), MOST)
    found = run_baselines("smiles", items[0], y[0], items[1], y[1], items[2], max_rows=count, seed=seed)
    predicted = found.predictions["kernel ridge"]
    low, high = bootstrap_interval(mae, predicted, y[2], seed=seed)
    return Metric(
        f"{name}: {target} MAE",
        mae(predicted, np.asarray(y[2])),
        unit,
        std=(high - low) / (2 * 1.96),
        dataset=name,
        split="random test",
        variant=f"kernel ridge, {count:,} training rows",
        n_train=count,
        n_test=len(parts.test),
    )


if __name__ == "__main__":
    main(tyro.cli(Config))
