"""Weighting forces by how rare an atom's surroundings are: silicon with vacancies and interstitials.

    MLMAT_DATA=… python -m experiments.simple_nn_gdf.run --preset full --out runs/simple_nn_gdf

W. Jeong et al., J. Phys. Chem. C 122, 22790 (2018), and SIMPLE-NN (K. Lee et al., Comput. Phys. Commun.
242, 95 (2019)). One potential is fitted as usual and one with weights from the Gaussian density of
the descriptors of the training atoms, everything else being equal. Then the published test part is
predicted, and forces are scored over all atoms and over the tenth whose surroundings are rarest
among the training atoms.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from experiments.hdnnp_mlearn.potential import chosen, fewer, fitted, task_of
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data.registry import checksums, load
from mlmat.data.structures import published_split
from mlmat.descriptors.density import automatic_width, force_weights, rarity
from mlmat.descriptors.scaling import fit_scaling, scaled
from mlmat.descriptors.spread import spread_functions
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.hdnnp import HDNNP
from mlmat.recipes.mechanics_scores import predict_mechanics
from mlmat.recipes.task import Task
from mlmat.training.config import EnergyLoss

DATA = "si_mo_group"
RAREST = 0.1


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: all training structures, 100 epochs, three seeds; quick: 40, 8 epochs, one seed.
        out: folder for the results; what is finished there is not run again.
        seeds: how many; default by preset.
        epochs: default by preset.
        n_train: training structures at most; default by preset.
        cutoff: Å.
        width: of the two hidden layers; SIMPLE-NN's default.
        batch: structures a step.
        learning_rate: peak of the schedule.
        steepness: b of the weights.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/simple_nn_gdf")
    seeds: int | None = None
    epochs: int | None = None
    n_train: int | None = None
    cutoff: float = 5.0
    width: int = 30
    batch: int = 4
    learning_rate: float = 5e-3
    steepness: float = 1.0


def surroundings(task: Task, rows: np.ndarray, config: Config) -> np.ndarray:
    """Descriptors ``[N, D]`` of the atoms of some structures."""
    encoder = RadiusGraphEncoder(("Si",), config.cutoff)
    graphs = [encoder(task.items[row]) for row in rows]
    return HDNNP(1, spread_functions(config.cutoff)).grown(graphs).descriptors(graphs)[0]


def main(config: Config) -> RunRecord:
    prepare_process()
    began, full = time.perf_counter(), config.preset == "full"
    epochs = config.epochs or (100 if full else 8)
    seeds = list(range(config.seeds or (3 if full else 1)))
    config.out.mkdir(parents=True, exist_ok=True)
    data = load(DATA)
    task = task_of(data)
    parts = fewer(published_split(data), config.n_train or (None if full else 40), 0)
    raw = surroundings(task, parts.train, config)
    kinds = np.zeros(len(raw), int)
    scaling = fit_scaling(raw, kinds, 1)
    x = np.asarray(scaled(scaling, raw, kinds), float)
    width = automatic_width(x)
    found = force_weights(x, kinds, width=width, steepness=config.steepness)
    weights = [np.ones(len(atoms), np.float32) for atoms in task.items]
    sizes = [len(task.items[row]) for row in parts.train]
    for row, own in zip(parts.train, np.split(found, np.cumsum(sizes)[:-1]), strict=True):
        weights[row] = own.astype(np.float32)
    tested = surroundings(task, parts.test, config)
    rare = rarity(np.asarray(scaled(scaling, tested, np.zeros(len(tested), int)), float), x, width)
    rarest = rare >= np.quantile(rare, 1 - RAREST)
    truth = np.concatenate([task.forces[row] for row in parts.test])
    print(f"σ = {width:.4f}; weights from {found.min():.3g} to {found.max():.3g}", flush=True)

    errors: dict[tuple[str, str], list[float]] = {}
    training = 0.0
    for seed in seeds:
        for name, own in (("unweighted", None), ("weighted", weights)):
            fields = {
                "descriptor": spread_functions(config.cutoff),
                "hidden": (config.width, config.width),
                "scaling": "whitened",
            }
            choice = chosen(
                len(parts.train),
                fields,
                # Squared errors, as in SIMPLE-NN.
                EnergyLoss(10.0, 1.0, kind="mse"),
                seed=seed,
                members=1,
                epochs=epochs,
                batch=config.batch,
                learning_rate=config.learning_rate,
                cutoff=config.cutoff,
            )
            predictor, seconds = fitted(
                replace(task, force_weights=own), parts, choice, config.out / f"{name}-{seed}"
            )
            training += seconds
            said = predict_mechanics(predictor, [task.items[row] for row in parts.test])
            wrong = np.concatenate(said.forces) - truth
            for part, rows in (("all atoms", slice(None)), ("rarest tenth", rarest)):
                value = float(np.sqrt((wrong[rows] ** 2).mean()))
                errors.setdefault((name, part), []).append(value)
                print(f"seed {seed} {name}, {part}: force RMSE {value:.4f} eV/Å", flush=True)
    metrics = [
        Metric(
            "forces RMSE",
            float(np.mean(values)),
            "eV/Å",
            float(np.std(values, ddof=1) / len(values) ** 0.5) if len(values) > 1 else None,
            dataset=DATA,
            split="published test",
            variant=f"{name}, {part}",
            n_train=len(parts.train),
            n_test=int(rarest.sum()) if part == "rarest tenth" else len(truth),
            n_seeds=len(values),
        )
        for (name, part), values in errors.items()
    ]
    record = RunRecord(
        system="Forces weighted by the density of surroundings",
        preset=config.preset,
        command=f"python -m experiments.simple_nn_gdf.run --preset {config.preset}",
        config={k: v for k, v in asdict(config).items() if k != "out"} | {"epochs": epochs, "width σ": width},
        seeds=seeds,
        data=checksums(DATA),
        seconds={"run": round(time.perf_counter() - began, 1), "training": round(training, 1)},
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.preset}.json")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
