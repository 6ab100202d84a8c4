"""The Chebyshev potential of aenet on titanium dioxide.

    MLMAT_DATA=… python -m experiments.aenet_chebyshev.run --preset full --out runs/aenet_chebyshev

N. Artrith, A. Urban, G. Ceder, Phys. Rev. B 96, 014112 (2017): 44 numbers for an atom of TiO₂, radial
order 16 to 8 Å and angular order 4 to 6.5 Å, with networks of two hidden layers of 15. The set at hand
holds 1,000 of the 7,815 published structures, up to 3 eV/Å, so the paper's errors are for scale only.
Structures are split at random (no published parts), 800 : 100 : 100.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from experiments.hdnnp_mlearn.potential import chosen, fewer, fitted, scores, task_of
from mlmat.analysis.record import RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data.registry import checksums, load
from mlmat.data.splits import Split
from mlmat.descriptors.chebyshev import ChebyshevDescriptor
from mlmat.training.config import LossConfig

DATA = "aenet_tio2"


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: 800 training structures, 200 epochs; quick: 60, 6 epochs.
        out: folder for the results; what is finished there is not run again.
        seed: of the split, weights and order.
        epochs: default by preset.
        n_train: training structures at most; default by preset.
        cutoff: of the radial part, Å.
        angular_cutoff: of the angular part, Å.
        width: of the two hidden layers.
        batch: structures a step.
        learning_rate: peak of the schedule.
        energy_weight: of an energy per atom beside a force component.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/aenet_chebyshev")
    seed: int = 0
    epochs: int | None = None
    n_train: int | None = None
    cutoff: float = 8.0
    angular_cutoff: float = 6.5
    width: int = 15
    batch: int = 8
    learning_rate: float = 5e-3
    energy_weight: float = 10.0


def main(config: Config) -> RunRecord:
    prepare_process()
    began, full = time.perf_counter(), config.preset == "full"
    epochs = config.epochs or (200 if full else 6)
    config.out.mkdir(parents=True, exist_ok=True)
    data = load(DATA)
    # Its group is a name of each structure: no kind to score by.
    task = replace(task_of(data), groups=None)
    order = np.random.default_rng(config.seed).permutation(len(data))
    parts = Split(order[:800], order[800:900], order[900:])
    parts = fewer(parts, config.n_train or (None if full else 60), config.seed)
    if not full:
        parts = parts._replace(validation=parts.validation[:20], test=parts.test[:20])
    fields = {
        "descriptor": ChebyshevDescriptor(config.cutoff, 16, config.angular_cutoff, 4),
        "hidden": (config.width, config.width),
        "scaling": "whitened",
        "whitening": 1e-6,
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
    predictor, training = fitted(task, parts, choice, config.out / f"tio2-{config.seed}")
    metrics = scores(
        predictor,
        task,
        parts.test,
        variant="44 Chebyshev functions, 15-15",
        seed=config.seed,
        dataset=DATA,
        split="random test",
        n_train=len(parts.train),
    )
    record = RunRecord(
        system="Chebyshev potential of TiO2",
        preset=config.preset,
        command=f"python -m experiments.aenet_chebyshev.run --preset {config.preset}",
        config={k: v for k, v in asdict(config).items() if k != "out"} | {"epochs": epochs},
        seeds=[config.seed],
        data=checksums(DATA),
        seconds={"run": round(time.perf_counter() - began, 1), "training": round(training, 1)},
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.preset}.json")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
