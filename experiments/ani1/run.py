"""ANI networks on the ANI-1 conformations at hand.

    MLMAT_DATA=… python -m experiments.ani1.run --preset full --out runs/ani1

J. S. Smith, O. Isayev, A. E. Roitberg, Chem. Sci. 8, 3192 (2017): 80 % of the conformations to fit, 10 %
to choose the epoch, 10 % to test, energies alone. The whole set has 57,000 molecules, for which the paper
reports 1.3 kcal/mol; at hand are the conformations of six molecules with one or two heavy atoms, so
its number is for scale only. Two descriptors: those of the first public network, with Gaussian
activation, and those of ANI-1x, with CELU.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from experiments.hdnnp_mlearn.potential import chosen
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data.registry import checksums, load
from mlmat.data.structures import structures
from mlmat.descriptors.ani import ANI_1, ANI_1X
from mlmat.files import read_lines
from mlmat.metrics import bootstrap_interval, mae, rmse
from mlmat.predictor import load_predictor, predict_items, save_predictor
from mlmat.recipes.fit import fit_task
from mlmat.recipes.task import Task
from mlmat.training.config import LossConfig
from mlmat.units import KCAL_PER_MOL

VARIANTS = {
    "ANI-1": {"descriptor": ANI_1, "activation": "gaussian", "hidden": (128, 128, 64)},
    "ANI-1x": {"descriptor": ANI_1X},
}


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: all conformations, 100 epochs; quick: 2,000 of them, 5 epochs.
        out: folder for the results; what is finished there is not run again.
        seed: of the split, weights and order.
        epochs: default by preset.
        items: conformations at most; default by preset.
        batch: conformations a step.
        learning_rate: peak of the schedule.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/ani1")
    seed: int = 0
    epochs: int | None = None
    items: int | None = None
    batch: int = 64
    learning_rate: float = 1e-3


def main(config: Config) -> RunRecord:
    prepare_process()
    began, full = time.perf_counter(), config.preset == "full"
    epochs = config.epochs or (100 if full else 5)
    config.out.mkdir(parents=True, exist_ok=True)
    data = load("ani1_small")
    count = min(len(data), config.items or (len(data) if full else 2000))
    order = np.random.default_rng(config.seed).permutation(len(data))[:count]
    items, energies = structures(data, order), data["energy"][order][:, None]
    task = Task("structure", items, energies, ("energy",), ("eV",))
    ends = round(0.8 * count), round(0.9 * count)
    train, check, test = np.split(np.arange(count), ends)
    metrics, seconds = [], {}
    for name, fields in VARIANTS.items():
        choice = chosen(
            len(train),
            fields,
            LossConfig(),
            model="ani",
            seed=config.seed,
            members=1,
            epochs=epochs,
            batch=config.batch,
            learning_rate=config.learning_rate,
        )
        stem = config.out / name.lower()
        if not stem.with_suffix(".mlmat").exists():
            trained = fit_task(
                task,
                train,
                check,
                choice,
                extensive=True,
                checkpoint=stem.with_suffix(".state"),
                log=stem.with_suffix(".log.jsonl"),
                report=lambda row, name=name: print(
                    f"{name} epoch {row['epoch']:>4} loss {row['loss']:.5f} score {row['score']:.5f} "
                    f"{row['seconds']:.1f} s",
                    flush=True,
                ),
            )
            save_predictor(trained.predictor, stem.with_suffix(".mlmat"), {"seconds": trained.seconds})
        rows = read_lines(stem.with_suffix(".log.jsonl"))
        seconds[f"training, {name}"] = round(sum(row["seconds"] for row in rows), 1)
        predictor = load_predictor(stem.with_suffix(".mlmat"))
        said = predict_items(predictor, [items[i] for i in test]).mean[:, 0] / KCAL_PER_MOL
        truth = energies[test, 0] / KCAL_PER_MOL
        low, high = bootstrap_interval(mae, said, truth, seed=config.seed)
        common = {"dataset": "ani1_small", "split": "random test", "variant": name, "unit": "kcal/mol"}
        common |= {"n_train": len(train), "n_test": len(test)}
        metrics += [
            Metric("energy MAE", mae(said, truth), std=(high - low) / (2 * 1.96), **common),
            Metric("energy RMSE", rmse(said, truth), **common),
        ]
        print(f"{name}: MAE {metrics[-2].value:.3f}, RMSE {metrics[-1].value:.3f} kcal/mol", flush=True)
    record = RunRecord(
        system="ANI on the ANI-1 conformations at hand",
        preset=config.preset,
        command=f"python -m experiments.ani1.run --preset {config.preset}",
        config={k: v for k, v in asdict(config).items() if k != "out"} | {"epochs": epochs},
        seeds=[config.seed],
        data=checksums("ani1_small"),
        seconds={"run": round(time.perf_counter() - began, 1), **seconds},
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.preset}.json")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
