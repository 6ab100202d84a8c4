"""An equivariant network on properties of crystals, beside CGCNN, the crystal network and no structure.

    MLMAT_DATA=… python -m experiments.equivariant_crystal.run --preset full --out runs/equivariant_crystal

The same crystals, splits and test parts as in `experiments.cgcnn`; cells (one property, size, split and
network) that are finished are not run again, and a stopped one goes on after its last epoch. The cheap
ones come first. Each test part is predicted once by each network.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Literal

import tyro

from experiments.cgcnn import cells as cgcnn
from experiments.cgcnn.run import metrics_of as cgcnn_metrics
from experiments.cgcnn.run import save_results
from experiments.cgcnn.targets import TARGETS, Crystals, crystals
from mlmat.analysis.record import Metric, RunRecord
from mlmat.commands.runs import prepare_process
from mlmat.recipes.choice import Choice, choose

EQUIVARIANT = "equivariant"
MODELS = (EQUIVARIANT, *cgcnn.MODELS)
FIELDS = {"features": 32, "layers": 2, "order": 2}
"""Network, and below rate and epochs, chosen on the validation part of log K with 1,000 training crystals."""

CUTOFF = 5.0
"""Å."""

SIZES = {
    "quick": {"log_bulk_modulus": (200,)},
    "full": {
        "log_bulk_modulus": (500, None),
        "perovskites": (2_000, None),
        "formation_energy": (4_000, None),
    },
}
"""Preset → property → training crystals; None: as many as CGCNN's paper or Matbench had, or are at hand."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: see `SIZES`; the largest cell of "full" is for an accelerator.
        out: folder for the results; what is finished there is not run again.
        targets: properties; default by preset.
        splits: "random", or "family": no chemical system in two parts; default by preset.
        models: of `MODELS`.
        n_train: training crystals; default by preset.
        epochs: of the equivariant network; default by preset and size.
        seed: of split, weights and order.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/equivariant_crystal")
    targets: tuple[str, ...] = ()
    splits: tuple[Literal["random", "family"], ...] = ()
    models: tuple[str, ...] = MODELS
    n_train: int | None = None
    epochs: int | None = None
    seed: int = 0


def settings(config: cgcnn.Config, name: str, model: str, n_train: int) -> Choice:
    """Network and training of a cell; those of CGCNN are as in its experiment."""
    if model != EQUIVARIANT:
        return cgcnn.settings(replace(config, epochs=None), name, model, n_train)
    usual = 15 if config.preset == "quick" else 25
    choice = choose(
        "structure",
        n_train,
        model="equivariant",
        members=1,
        epochs=config.epochs or usual,
        batch=32 if n_train > 1_000 else 16,
        learning_rate=1e-2,
        cutoff=CUTOFF,
        seed=config.seed,
    )
    return replace(choice, fields=FIELDS)


def cells(config: Config) -> list[tuple[str, int | None, str, str]]:
    """Property, training crystals (None: all), split and network of every cell, the cheap ones first."""
    sizes = SIZES[config.preset]
    splits = config.splits or (("random", "family") if config.preset == "full" else ("random",))
    found = []
    for name in config.targets or tuple(sizes):
        counts = (config.n_train,) if config.n_train else sizes.get(name, (None,))
        found += product((name,), counts, splits, config.models)
    return sorted(found, key=lambda cell: cell[1] or TARGETS[cell[0]].train)


def metrics_of(results: list[dict]) -> list[Metric]:
    """Errors as in `experiments.cgcnn`, without the published ones, which are of other training sizes."""
    return [replace(metric, paper=None, source=None) for metric in cgcnn_metrics(results)]


def main(config: Config) -> RunRecord:
    prepare_process()
    config.out.mkdir(parents=True, exist_ok=True)
    held: dict[str, Crystals] = {}

    def read(name: str) -> Crystals:
        if name not in held:
            held.clear()
            held[name] = crystals(name)
        return held[name]

    began, results = time.perf_counter(), []
    for name, n_train, split, model in cells(config):
        options = cgcnn.Config(
            config.preset, config.out, n_train=n_train, epochs=config.epochs, seed=config.seed
        )
        row = cgcnn.run_cell(options, name, model, split, read, settings)
        print(
            f"{name}, {row['n_train']}, {split}, {model}: MAE {row['mae']:.4f} {TARGETS[name].unit}",
            flush=True,
        )
        results.append(row)
        record = save_results(
            "equivariant network on crystals",
            "equivariant_crystal",
            config,
            results,
            metrics_of(results),
            began,
        )
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
