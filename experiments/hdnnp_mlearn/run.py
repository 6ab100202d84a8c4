"""High-dimensional neural network potentials of the mlearn elements.

    MLMAT_DATA=… python -m experiments.hdnnp_mlearn.run --preset full --elements Si --out runs/hdnnp_mlearn

The sets of Zuo et al., J. Phys. Chem. A 124, 731 (2020). A tenth of the training part, drawn from each
kind of structure, chooses the epoch; the published test part is predicted once, at the end. Every
element has files of its own, so that a killed run goes on where it was; the record holds the elements
that are finished.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import tyro

from experiments.hdnnp_mlearn.potential import chosen, fewer, fitted, scores, task_of
from experiments.hdnnp_mlearn.published import beside_published
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data.registry import checksums, load
from mlmat.data.structures import published_split
from mlmat.descriptors.scaling import WHITENING
from mlmat.descriptors.spread import spread_functions
from mlmat.training.config import LossConfig

ELEMENTS = ("Si", "Ge", "Li", "Mo", "Ni", "Cu")


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: all training structures, 200 epochs; quick: 40 of them, 8 epochs.
        out: folder for the results; what is finished there is not run again.
        elements: which sets.
        seed: of the validation part, weights and order.
        epochs: default by preset.
        n_train: training structures at most; default by preset.
        cutoff: Å.
        radial: radial symmetry functions.
        angular: values of η of the angular ones.
        width: of the two hidden layers.
        scaling: of the descriptors: range, or whitened principal components.
        whitening: added to their variances before they are made equal.
        batch: structures a step.
        learning_rate: peak of the schedule.
        energy_weight: of an energy per atom beside a force component.
        score: predict the test part at the end; not while settings are being chosen.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/hdnnp_mlearn")
    elements: tuple[Literal["Si", "Ge", "Li", "Mo", "Ni", "Cu"], ...] = ELEMENTS
    seed: int = 0
    epochs: int | None = None
    n_train: int | None = None
    cutoff: float = 5.0
    radial: int = 10
    angular: int = 3
    width: int = 30
    scaling: Literal["range", "whitened"] = "whitened"
    whitening: float = WHITENING
    batch: int = 4
    learning_rate: float = 5e-3
    energy_weight: float = 10.0
    score: bool = True


def main(config: Config) -> RunRecord | None:
    prepare_process()
    began, full = time.perf_counter(), config.preset == "full"
    epochs = config.epochs or (200 if full else 8)
    n_train = config.n_train or (None if full else 40)
    config.out.mkdir(parents=True, exist_ok=True)
    metrics: list[Metric] = []
    record = None
    seconds: dict[str, float] = {}
    for element in config.elements:
        name = f"mlearn_{element.lower()}"
        data = load(name)
        task, parts = task_of(data), fewer(published_split(data, config.seed), n_train, config.seed)
        functions = spread_functions(config.cutoff, radial=config.radial, angular=config.angular)
        fields = {
            "descriptor": functions,
            "hidden": (config.width, config.width),
            "scaling": config.scaling,
            "whitening": config.whitening,
        }
        choice = chosen(
            len(parts.train),
            fields,
            LossConfig(config.energy_weight, 1.0),
            seed=config.seed,
            members=1,
            epochs=epochs,
            batch=config.batch,
            learning_rate=config.learning_rate,
            cutoff=config.cutoff,
        )
        predictor, training = fitted(task, parts, choice, config.out / f"{element}-{config.seed}")
        if not config.score:
            continue
        seconds[f"training, {element}"] = round(training, 1)
        common = {"dataset": name, "split": "published test", "n_train": len(parts.train)}
        found = scores(predictor, task, parts.test, variant=element, seed=config.seed, **common)
        metrics += [beside_published(metric, element) for metric in found]
        record = RunRecord(
            system="HDNNP of the mlearn elements",
            preset=config.preset,
            command=f"python -m experiments.hdnnp_mlearn.run --preset {config.preset}",
            config={k: v for k, v in asdict(config).items() if k != "out"} | {"epochs": epochs},
            seeds=[config.seed],
            data=checksums(*(f"mlearn_{e.lower()}" for e in config.elements)),
            seconds={"run": round(time.perf_counter() - began, 1), **seconds},
            metrics=metrics,
        )
        save_record(record, config.out / f"{config.preset}.json")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
