"""Weighting forces by how rare the surroundings of an atom are: silicon with few defects and with many.

    MLMAT_DATA=… python -m experiments.simple_nn_gdf.run --preset full --out runs/simple_nn_gdf

W. Jeong et al., J. Phys. Chem. C 122, 22790 (2018), and SIMPLE-NN (K. Lee et al., Comput. Phys. Commun.
242, 95 (2019)). One potential is fitted as usual and others with weights from the Gaussian density of
the descriptors of the training atoms, everything else being equal. Forces of the test part are scored
over all atoms and over the tenth whose surroundings are rarest among the training atoms.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from experiments.hdnnp_mlearn.potential import chosen, fewer, fitted
from experiments.simple_nn_gdf.sets import SETS
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.analysis.seeds import mean_interval
from mlmat.commands.runs import prepare_process
from mlmat.data.registry import checksums
from mlmat.descriptors.density import automatic_width, force_weights, rarity
from mlmat.descriptors.scaling import fit_scaling, scaled
from mlmat.descriptors.spread import spread_functions
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.hdnnp import HDNNP
from mlmat.recipes.choice import Choice
from mlmat.recipes.mechanics_scores import predict_mechanics
from mlmat.recipes.task import Task
from mlmat.training.config import LossConfig

RAREST = 0.1
WEIGHTS: dict[str, tuple[float, float | None] | None] = {
    "unweighted": None,
    "weighted": (1.0, 1.0),
    "weighted widely": (3.0, None),
}
"""Name → width of the density in units of SIMPLE-NN's automatic one, and its b (None: not bent)."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: all sets, epochs and seeds of `SETS`; quick: few defects, 8 epochs, one seed.
        out: folder for the results; what is finished there is not run again.
        sets: names, see `SETS`; default by preset.
        seeds: how many; default by preset and set.
        epochs: of trainings, each from the start; default by preset and set.
        n_train: training structures at most; default by preset.
        cutoff: Å.
        width: of the two hidden layers; default by set.
        batch: structures a step.
        learning_rate: peak of the schedule.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/simple_nn_gdf")
    sets: tuple[str, ...] = ()
    seeds: int | None = None
    epochs: tuple[int, ...] = ()
    n_train: int | None = None
    cutoff: float = 5.0
    width: int | None = None
    batch: int = 4
    learning_rate: float = 5e-3


def surroundings(task: Task, rows: np.ndarray, config: Config) -> np.ndarray:
    """Descriptors ``[N, D]`` of the atoms of some structures."""
    encoder = RadiusGraphEncoder(("Si",), config.cutoff)
    graphs = [encoder(task.items[row]) for row in rows]
    return HDNNP(1, spread_functions(config.cutoff)).grown(graphs).descriptors(graphs)[0]


class Density:
    """Density of the surroundings in the training part of a split."""

    def __init__(self, task: Task, train: np.ndarray, config: Config):
        self.task, self.train, self.config = task, train, config
        raw = surroundings(task, train, config)
        self.scaling = fit_scaling(raw, np.zeros(len(raw), int), 1)
        self.known = self._scaled(raw)
        self.width = automatic_width(self.known)

    def _scaled(self, raw: np.ndarray) -> np.ndarray:
        return np.asarray(scaled(self.scaling, raw, np.zeros(len(raw), int)), float)

    def weights(self, width: float, steepness: float | None) -> list[np.ndarray]:
        """Weights of the atoms of every structure, 1 outside the training part."""
        kinds = np.zeros(len(self.known), int)
        found = force_weights(self.known, kinds, width=width * self.width, steepness=steepness)
        weights = [np.ones(len(atoms), np.float32) for atoms in self.task.items]
        ends = np.cumsum([len(self.task.items[row]) for row in self.train])[:-1]
        for row, own in zip(self.train, np.split(found, ends), strict=True):
            weights[row] = own.astype(np.float32)
        return weights

    def rarest(self, rows: np.ndarray) -> np.ndarray:
        """Which atoms of some structures are the tenth that the training part knows least."""
        tested = self._scaled(surroundings(self.task, rows, self.config))
        rare = rarity(tested, self.known, self.width)
        return rare >= np.quantile(rare, 1 - RAREST)


def choice_of(config: Config, width: int, n_train: int, epochs: int, seed: int) -> Choice:
    """Network and training: SIMPLE-NN's two hidden layers, whitened inputs, squared errors."""
    fields = {
        "descriptor": spread_functions(config.cutoff),
        "hidden": (width, width),
        "scaling": "whitened",
        "whitening": 1e-6,  # as SIMPLE-NN, but for the rounding of float32
    }
    return chosen(
        n_train,
        fields,
        LossConfig(10.0, 1.0, kind="mse"),
        seed=seed,
        members=1,
        epochs=epochs,
        batch=config.batch,
        learning_rate=config.learning_rate,
        cutoff=config.cutoff,
    )


def run_set(name: str, seeds: Sequence[int], epochs: int, config: Config) -> tuple[list[Metric], float]:
    """Errors of the three potentials on one set, and the seconds of their trainings.

    Args:
        name: of `SETS`.
        seeds: of the draw of the parts, of weights and order.
        epochs: of a training.
        config: options.
    """
    source = SETS[name]
    training, errors, sizes = 0.0, {}, {}
    n_train = config.n_train or (None if config.preset == "full" else 40)
    for seed in seeds:
        task, parts = source.read(seed, config.out)
        parts = fewer(parts, n_train, seed)
        density = Density(task, parts.train, config)
        rarest = density.rarest(parts.test)
        truth = np.concatenate([task.forces[row] for row in parts.test])
        sizes = {"all atoms": len(truth), "rarest tenth": int(rarest.sum()), "train": len(parts.train)}
        for how, settings in WEIGHTS.items():
            weighted = replace(task, force_weights=None if settings is None else density.weights(*settings))
            stem = config.out / f"{name}-{how}-{epochs}-{seed}".replace(" ", "_")
            choice = choice_of(config, config.width or source.width, len(parts.train), epochs, seed)
            predictor, seconds = fitted(weighted, parts, choice, stem)
            training += seconds
            said = predict_mechanics(predictor, [task.items[row] for row in parts.test])
            wrong = np.concatenate(said.forces) - truth
            for part, rows in (("all atoms", slice(None)), ("rarest tenth", rarest)):
                value = float(np.sqrt((wrong[rows] ** 2).mean()))
                errors.setdefault((how, part), []).append(value)
                print(
                    f"{name}, {epochs} epochs, seed {seed}, {how}, {part}: force RMSE {value:.4f} eV/Å",
                    flush=True,
                )
    return metrics_of(name, errors, sizes, epochs), training


def metrics_of(
    name: str, errors: Mapping[tuple[str, str], Sequence[float]], sizes: Mapping[str, int], epochs: int
) -> list[Metric]:
    """Force errors of each potential, and how much the weights take from those of the same seed without.

    Args:
        name: of the set.
        errors: (weights, atoms) → eV/Å of each seed.
        sizes: atoms of each part, and structures to train on.
        epochs: of the trainings; named where a set is trained for several lengths of time.
    """
    source, metrics = SETS[name], []
    name = f"{name}, {epochs} epochs" if len(source.epochs) > 1 else name
    dataset = source.data or "Stillinger-Weber silicon"
    for (how, part), values in errors.items():
        common = {"dataset": dataset, "n_test": sizes[part], "n_train": sizes["train"]}
        common |= {"n_seeds": len(values), "variant": f"{how}, {part}"}
        mean, half = mean_interval(values)
        std = half / 1.96 if np.isfinite(half) else None
        metrics.append(Metric(f"forces RMSE, {name}", mean, "eV/Å", std, **common))
        if how != "unweighted":
            plain = errors["unweighted", part]
            mean, half = mean_interval([1 - own / other for own, other in zip(values, plain, strict=True)])
            std = half / 1.96 if np.isfinite(half) else None
            metrics.append(Metric(f"less than unweighted, {name}", mean, "", std, **common))
    return metrics


def main(config: Config) -> RunRecord:
    prepare_process()
    began, full = time.perf_counter(), config.preset == "full"
    names = config.sets or (tuple(SETS) if full else ("few defects",))
    config.out.mkdir(parents=True, exist_ok=True)
    metrics, training, most = [], 0.0, 0
    for name in names:
        source = SETS[name]
        count = config.seeds or (source.seeds if full else 1)
        for epochs in config.epochs or (source.epochs if full else (8,)):
            found, seconds = run_set(name, range(count), epochs, config)
            metrics, training, most = metrics + found, training + seconds, max(most, count)
            known = [SETS[name].data for name in names if SETS[name].data]
            record = RunRecord(
                system="Forces weighted by the density of surroundings",
                preset=config.preset,
                command=f"python -m experiments.simple_nn_gdf.run --preset {config.preset}",
                config={k: str(v) for k, v in asdict(config).items() if k != "out"},
                seeds=list(range(most)),
                data=checksums(*known),
                seconds={"run": round(time.perf_counter() - began, 1), "training": round(training, 1)},
                metrics=metrics,
            )
            save_record(record, config.out / f"{config.preset}.json")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
