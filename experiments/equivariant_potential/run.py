"""A potential of an element by the equivariant network, trained on energies, forces and stress.

    MLMAT_DATA=… python -m experiments.equivariant_potential.run --element Si --preset full --out runs/si

The mlearn sets (Zuo et al., J. Phys. Chem. A 124, 731 (2020)): crystals that are strained, heated,
melted, with vacancies and surfaces, PBE. A tenth of the training part, drawn from each kind of
structure, chooses the epoch; the published test part is predicted once, at the end. Resumable.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import tyro

from mlmat.analysis.record import RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data.registry import checksums, load
from mlmat.data.structures import of_atoms, published_split, structures
from mlmat.files import read_lines
from mlmat.predictor import load_predictor, save_predictor
from mlmat.recipes.choice import choose
from mlmat.recipes.fit import fit_task
from mlmat.recipes.mechanics_scores import mechanical_metrics, predict_mechanics
from mlmat.recipes.task import Task
from mlmat.training.config import LossConfig

STRESS_OF_OTHERS = ("Ni", "Cu")
"""Elements whose stresses disagree with the slopes of their energies: they are not learnt."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        element: one of the mlearn sets.
        preset: full: 40 epochs; quick: 10.
        out: folder for the results; what is finished there is not run again.
        seed: of the validation part, weights and order.
        epochs: default by preset.
        features: channels of each l.
        layers: rounds of messages; the last one makes scalars alone.
        order: factors of the products on atoms.
        degree: largest l of the spherical harmonics; above 2 they make scalars of pairs of neighbours.
        cutoff: Å.
        batch: structures a step.
        learning_rate: peak of the schedule.
        weight_decay: of AdamW.
        ema: decay of the averaged weights.
        energy_weight: of an energy per atom in the loss.
        force_weight: of a force component.
        stress_weight: of stress times volume per atom.
        delta: residual, in root mean square forces, from which the loss grows linearly.
        score: predict the test part at the end; not while settings are being chosen.
    """

    element: Literal["Si", "Ge", "Li", "Mo", "Ni", "Cu"] = "Si"
    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/equivariant_potential")
    seed: int = 0
    epochs: int | None = None
    features: int = 32
    layers: int = 2
    order: int = 3
    degree: int = 4
    cutoff: float = 5.0
    batch: int = 4
    learning_rate: float = 1e-2
    weight_decay: float = 1e-3
    ema: float = 0.995
    energy_weight: float = 10.0
    force_weight: float = 1.0
    stress_weight: float = 1.0
    delta: float = 0.1
    score: bool = True


def main(config: Config) -> RunRecord | None:
    prepare_process()
    began = time.perf_counter()
    epochs = config.epochs or (40 if config.preset == "full" else 10)
    name = f"mlearn_{config.element.lower()}"
    config.out.mkdir(parents=True, exist_ok=True)
    data = load(name)
    parts = published_split(data, config.seed)
    learnt = config.stress_weight > 0 and config.element not in STRESS_OF_OTHERS
    task = Task(
        "structure",
        structures(data),
        data["energy"][:, None],
        ("energy",),
        ("eV",),
        forces=of_atoms(data, "forces"),
        stress=data["stress"] if learnt else None,
        groups=data["group"].tolist(),
    )
    stem = config.out / f"{config.element}-{config.seed}"
    if not stem.with_suffix(".mlmat").exists():
        choice = choose(
            "structure",
            len(parts.train),
            model="equivariant",
            seed=config.seed,
            members=1,
            epochs=epochs,
            batch=config.batch,
            learning_rate=config.learning_rate,
            weight_decay=config.weight_decay,
            ema=config.ema,
            features=config.features,
            layers=config.layers,
            cutoff=config.cutoff,
            report=print,
        )
        loss = LossConfig(config.energy_weight, config.force_weight, config.stress_weight, delta=config.delta)
        choice = replace(
            choice, loss=loss, fields={**choice.fields, "order": config.order, "degree": config.degree}
        )
        trained = fit_task(
            task,
            parts.train,
            parts.validation,
            choice,
            checkpoint=stem.with_suffix(".state"),
            log=stem.with_suffix(".log.jsonl"),
            report=_report,
        )
        save_predictor(trained.predictor, stem.with_suffix(".mlmat"), {"seconds": trained.seconds})
    history = list(read_lines(stem.with_suffix(".log.jsonl")))
    best = min(history, key=lambda row: row["score"])
    print(f"best epoch {best['epoch']}, validation force MAE {best['validation MAE force']:.4f} eV/Å")
    if not config.score:
        return None
    predictor = load_predictor(stem.with_suffix(".mlmat"))
    common = {"dataset": name, "n_train": len(parts.train)}
    variant = f"{config.element}, {config.layers} layers, {config.features} features, {epochs} epochs"
    said = predict_mechanics(predictor, [task.items[row] for row in parts.test])
    metrics = mechanical_metrics(
        said, task, parts.test, variant=variant, split="published test", seed=config.seed, **common
    )
    for metric in metrics:
        print(f"{metric.name:<30} {metric.value:.4g} {metric.unit}  {metric.variant}", flush=True)
    record = RunRecord(
        system="Equivariant potential",
        preset=config.preset,
        command=f"python -m experiments.equivariant_potential.run --element {config.element} "
        f"--preset {config.preset}",
        config={key: value for key, value in asdict(config).items() if key != "out"} | {"epochs": epochs},
        seeds=[config.seed],
        data=checksums(name),
        # From the log, which outlives interruptions.
        seconds={
            "run": round(time.perf_counter() - began, 1),
            "training": round(sum(row["seconds"] for row in history), 1),
        },
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.element}-{config.preset}.json")
    return record


def _report(row: dict[str, float]) -> None:
    stress = row.get("validation MAE stress (GPa)")
    print(
        f"epoch {row['epoch']:>4} loss {row['loss']:.5f} "
        f"energy {1e3 * row['validation MAE energy per atom']:.2f} meV/atom "
        f"force {row['validation MAE force']:.4f} eV/Å"
        + ("" if stress is None else f" stress {stress:.3f} GPa")
        + f" {row['seconds']:.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    main(tyro.cli(Config))
