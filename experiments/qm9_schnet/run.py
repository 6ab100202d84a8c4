"""QM9 by the continuous-filter network: gap and energy at a given number of training molecules.

    MLMAT_DATA=… python -m experiments.qm9_schnet.run --preset full --out runs/qm9_schnet

A random part of QM9 (B3LYP/6-31G(2df,p)) is drawn: training, 1,000 for validation, 10,000
for the test. The energy is U at 298 K less the free atoms' (U0 is at hand for a sixth of
the set only). One network per target; resumable; scored once at the end.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import ase
import numpy as np
import tyro

from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data.registry import checksums, load
from mlmat.files import read_lines
from mlmat.metrics import bootstrap_interval, mae
from mlmat.predictor import load_predictor, predict_items, save_predictor
from mlmat.recipes.choice import choose
from mlmat.recipes.fit import fit_task
from mlmat.recipes.task import Task

TARGETS = {"gap": "gap", "energy": "atomisation_energy"}


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: 10,000 training molecules; quick: 1,000 and few epochs.
        out: folder for the results; what is finished there is not run again.
        seed: of split, weights and order.
        n_train: training molecules; default by preset.
        epochs: default by preset.
        targets: which of gap and energy.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/qm9_schnet")
    seed: int = 0
    n_train: int | None = None
    epochs: int | None = None
    targets: tuple[Literal["gap", "energy"], ...] = ("energy", "gap")


def molecules(data, rows: np.ndarray) -> list[ase.Atoms]:
    """Structures of some rows of a ragged data set."""
    starts = np.cumsum(data["n_atoms"], dtype=np.int64) - data["n_atoms"]
    return [
        ase.Atoms(data["numbers"][s : s + n], data["positions"][s : s + n])
        for s, n in zip(starts[rows], data["n_atoms"][rows], strict=True)
    ]


def main(config: Config) -> RunRecord:
    prepare_process()
    began = time.perf_counter()
    full = config.preset == "full"
    n_train = config.n_train or (10_000 if full else 1_000)
    epochs = config.epochs or (60 if full else 20)
    n_check, n_test = (1_000, 10_000) if full else (200, 1_000)
    config.out.mkdir(parents=True, exist_ok=True)
    data = load("qm9")
    order = np.random.default_rng(config.seed).permutation(len(data["n_atoms"]))[: n_train + n_check + n_test]
    items = molecules(data, order)
    train, check = np.arange(n_train), np.arange(n_train, n_train + n_check)
    test = np.arange(n_train + n_check, len(order))
    metrics, seconds = [], {}
    for name in config.targets:
        values = data[TARGETS[name]][order][:, None]
        task = Task("structure", items, values, (name,), ("eV",))
        choice = choose(
            "structure",
            n_train,
            18.0,
            model="schnet",
            seed=config.seed,
            members=1,
            epochs=epochs,
            batch=32,
            report=print,
        )
        file = config.out / f"{name}.mlmat"
        if not file.exists():

            def report(row: dict[str, float], name: str = name) -> None:
                print(
                    f"{name} epoch {row['epoch']:>4} loss {row['loss']:.5f} validation {row['score']:.5f} "
                    f"{row['seconds']:.1f} s",
                    flush=True,
                )

            trained = fit_task(
                task,
                train,
                check,
                choice,
                extensive=name == "energy",
                checkpoint=config.out / f"{name}.state",
                log=config.out / f"{name}.log.jsonl",
                report=report,
            )
            save_predictor(trained.predictor, file, {"seconds": trained.seconds, "epochs": epochs})
        # From the log, which outlives interruptions.
        rows = read_lines(config.out / f"{name}.log.jsonl")
        seconds[f"training, {name}"] = round(sum(row["seconds"] for row in rows), 1)
        predicted = predict_items(load_predictor(file), [items[i] for i in test]).mean[:, 0]
        truth = values[test, 0]
        low, high = bootstrap_interval(mae, predicted, truth, seed=config.seed)
        print(f"{name}: test MAE {1e3 * mae(predicted, truth):.1f} meV", flush=True)
        metrics.append(
            Metric(
                f"{name} MAE",
                mae(predicted, truth),
                "eV",
                std=(high - low) / (2 * 1.96),
                dataset="qm9",
                split="random test",
                variant=f"SchNet, {n_train:,} training molecules, {epochs} epochs",
                n_train=n_train,
                n_test=len(test),
            )
        )
    record = RunRecord(
        system="QM9 by the continuous-filter network",
        preset=config.preset,
        command=f"python -m experiments.qm9_schnet.run --preset {config.preset}",
        config={key: str(value) for key, value in asdict(config).items()},
        seeds=[config.seed],
        data=checksums("qm9"),
        seconds={"run": round(time.perf_counter() - began, 1), **seconds},
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.preset}.json")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
