"""How good is the shipped gap predictor on families of molecules it never saw?

    python -m experiments.small_organics_gap.run --preset full --out runs/small_organics_gap

Test error on the skeleton-split test part of `small_organics`, beside two baselines
tuned on the same training and validation parts: kernel ridge regression with the
Tanimoto kernel on Morgan counts, and the mean over molecules of the same formula.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.data import small_organics
from mlmat.graphs.chemistry import parse_smiles
from mlmat.graphs.fingerprints import morgan_counts
from mlmat.graphs.softgraph import all_forms, stack
from mlmat.learners import formula_mean, kernel_ridge
from mlmat.metrics import bootstrap_interval, mae, rmse
from mlmat.predictor import load_predictor, predict_graphs, predict_smiles
from mlmat.pretrained.make import gap_split

REGULARISATIONS = (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0)


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: all training molecules for the kernel; quick: 2,000 of them.
        out: folder for the results.
        seed: of the bootstrap intervals and of the quick subset.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/small_organics_gap")
    seed: int = 0


def main(config: Config) -> RunRecord:
    began = time.perf_counter()
    data, parts = small_organics.load(), gap_split()
    smiles, gaps = data["smiles"], data["gap"]
    train = parts.train
    if config.preset == "quick":
        train = np.sort(np.random.default_rng(config.seed).choice(train, 2000, replace=False))
    text = {
        name: smiles[rows].tolist()
        for name, rows in zip(("train", "validation", "test"), (train, *parts[1:]), strict=True)
    }
    x = {name: morgan_counts(molecules) for name, molecules in text.items()}
    kernel = kernel_ridge.tanimoto_counts
    best, errors = kernel_ridge.tune(
        x["train"],
        gaps[train],
        x["validation"],
        gaps[parts.validation],
        kernel=kernel,
        regularisations=REGULARISATIONS,
    )
    print({f"lambda {key:g}": round(value, 4) for key, value in errors.items()})
    state = kernel_ridge.fit(x["train"], gaps[train], kernel=kernel, regularisation=best)
    means = formula_mean.fit(text["train"], gaps[train])
    predictor = load_predictor()
    mean, std = predict_smiles(predictor, text["test"])
    truth = gaps[parts.test]
    predictions = {
        "shipped ensemble": (mean[:, 0], len(parts.train)),
        "kernel ridge, Tanimoto on Morgan counts": (
            np.asarray(kernel_ridge.predict(state, x["test"], kernel=kernel)),
            len(train),
        ),
        "mean per formula": (formula_mean.predict(means, text["test"]), len(train)),
    }
    metrics = []
    for variant, (predicted, n_train) in predictions.items():
        low, high = bootstrap_interval(mae, predicted, truth, seed=config.seed)
        shared = {
            "dataset": "small_organics",
            "split": "skeleton test",
            "variant": variant,
            "n_train": n_train,
            "n_test": len(truth),
        }
        metrics += [
            Metric("gap MAE", mae(predicted, truth), "eV", std=(high - low) / (2 * 1.96), **shared),
            Metric("gap RMSE", rmse(predicted, truth), "eV", **shared),
        ]
        print(f"{variant:>42}  MAE {mae(predicted, truth):.3f} eV  [{low:.3f}, {high:.3f}]")
    spread = kekule_spread(text["test"])
    metrics += [
        Metric("ensemble standard deviation, mean", float(std[:, 0].mean()), "eV", split="skeleton test"),
        Metric(
            "spread between Kekulé forms, mean",
            float(spread.mean()),
            "eV",
            split="skeleton test",
            n_test=len(spread),
        ),
        Metric(
            "spread between Kekulé forms, largest",
            float(spread.max()),
            "eV",
            split="skeleton test",
            n_test=len(spread),
        ),
    ]
    record = RunRecord(
        system="gap of small organic molecules",
        preset=config.preset,
        command=f"python -m experiments.small_organics_gap.run --preset {config.preset}",
        config={k: str(v) for k, v in asdict(config).items()} | {"regularisation": best},
        seeds=[config.seed],
        data={"small_organics": small_organics.provenance()["gfn2_sha256"]},
        seconds={"run": round(time.perf_counter() - began, 1)},
        metrics=metrics,
    )
    config.out.mkdir(parents=True, exist_ok=True)
    save_record(record, config.out / f"{config.preset}.json")
    return record


def kekule_spread(smiles: list[str]) -> np.ndarray:
    """Largest minus smallest predicted gap over the Kekulé forms of each aromatic molecule, eV."""
    predictor = load_predictor()
    groups = [
        forms for forms in (all_forms(parse_smiles(s), predictor.capacity) for s in smiles) if len(forms) > 1
    ]
    gaps, _ = predict_graphs(predictor, stack([form for forms in groups for form in forms]))
    ends = np.cumsum([len(forms) for forms in groups])[:-1]
    return np.array([np.ptp(part) for part in np.split(gaps[:, 0], ends)])


if __name__ == "__main__":
    main(tyro.cli(Config))
