"""Active learning of a copper-gold particle: a committee explores, EMT labels what it doubts.

    python -m experiments.active_learning.run --preset quick --out runs/active_learning

Round by round: train an ensemble, let it run dynamics of particles at rising temperature until its
members disagree, label the frames they disagree most about with EMT, and add them. Beside it, as
many labels at random times of the same explorations. Both are judged on trajectories of EMT itself
that are never used for anything else. Every finished round is kept, so the run can be resumed.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import ase
import ase.io
import numpy as np
import tyro
from ase.calculators.singlepoint import SinglePointCalculator

from experiments.nanoparticle_md.run import ELEMENTS, TIME_STEP, labelled, particle, trajectory
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.files import atomic_write
from mlmat.metrics import mae
from mlmat.potentials import emt, from_predictor
from mlmat.potentials.calculator import evaluate_atoms
from mlmat.predictor import load_predictor, save_predictor
from mlmat.recipes.choice import choose
from mlmat.recipes.fit import fit_task
from mlmat.recipes.mechanics_scores import predict_mechanics
from mlmat.recipes.task import Task
from mlmat.simulate.ensembles import Langevin
from mlmat.simulate.explore import explore, uncertain

TEMPERATURES = (300.0, 600.0, 900.0, 1200.0)
LEAST, FURTHEST = 0.05, 1.5
"""eV/Å of disagreement: less teaches little, more is no structure."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: quick: 55 atoms, two rounds; full: four rounds.
        out: folder for the results; finished rounds are not run again.
        seed: of everything random.
        rounds: default by preset.
        labels: new labels in a round.
        epochs: of each training.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/active_learning")
    seed: int = 0
    rounds: int | None = None
    labels: int = 24
    epochs: int = 60


def label(frames: list[ase.Atoms]) -> list[ase.Atoms]:
    """Frames with energy and forces of EMT."""
    found = []
    for one in frames:
        clean = ase.Atoms(one.numbers, one.positions)
        energy, forces = evaluate_atoms(emt(ELEMENTS), clean)
        clean.calc = SinglePointCalculator(clean, energy=energy, forces=forces)
        found.append(clean)
    return found


def train(frames: list[ase.Atoms], file: Path, config: Config) -> None:
    """An ensemble of two on the frames, saved."""
    items, energies, forces = labelled(frames)
    order = np.random.default_rng(config.seed).permutation(len(items))
    cut = max(2, len(items) // 8)
    choice = choose(
        "structure", len(items) - cut, float(len(items[0])), model="hdnnp", preset="quick",
        seed=config.seed, members=2, epochs=config.epochs, batch=4, cutoff=5.0,
    )  # fmt: skip
    task = Task("structure", items, energies, ("energy",), ("eV",), forces=forces)
    state = file.with_suffix(".state")
    trained = fit_task(task, order[cut:], order[:cut], choice, extensive=True, checkpoint=state)
    save_predictor(trained.predictor, file)


def grow(frames: list[ase.Atoms], file: Path, way: str, number: int, config: Config) -> list[ase.Atoms]:
    """New labelled frames from explorations by the ensemble in `file`."""
    potential, new = from_predictor(load_predictor(file)), []
    for index, kelvin in enumerate(TEMPERATURES):
        atoms = particle(3, config.seed + 1000 * number + index)
        ensemble = Langevin(TIME_STEP, kelvin, friction=5.0)
        found = explore(potential, atoms, ensemble, 40, 25, kelvin, FURTHEST, config.seed + number)
        print(f"round {number} {way} {kelvin:.0f} K: {len(found.frames)} frames {found.ended}", flush=True)
        # A last frame beyond all bounds is no structure to learn from.
        usable = found._replace(
            frames=[f for f, s in zip(found.frames, found.disagreement, strict=True) if s <= FURTHEST],
            disagreement=found.disagreement[found.disagreement <= FURTHEST],
        )
        share = config.labels // len(TEMPERATURES)
        if way == "uncertain":
            new += uncertain(usable, share, LEAST) if usable.frames else []
        elif usable.frames:
            rng = np.random.default_rng(config.seed + 10 * number + index)
            picked = rng.permutation(len(usable.frames))[:share]
            new += [usable.frames[k] for k in sorted(picked)]
    return frames + label(new)


def main(config: Config) -> RunRecord:
    prepare_process()
    began = time.perf_counter()
    config.out.mkdir(parents=True, exist_ok=True)
    rounds = config.rounds or (4 if config.preset == "full" else 2)
    unseen, first = [], []
    for index, kelvin in enumerate(TEMPERATURES):
        ensemble = Langevin(TIME_STEP, kelvin, friction=5.0)
        atoms = particle(3, config.seed + 500 + index)
        unseen += trajectory(emt(ELEMENTS), atoms, ensemble, 20, 50, kelvin, config.seed)[0]
    for index in range(2):
        ensemble = Langevin(TIME_STEP, 300.0, friction=5.0)
        atoms = particle(3, config.seed + index)
        first += trajectory(emt(ELEMENTS), atoms, ensemble, 12, 25, 300.0, config.seed)[0]
    metrics = []
    for way in ("uncertain", "random"):
        frames = label(first)
        for number in range(rounds + 1):
            file = config.out / f"{way}-{number}.mlmat"
            stored = config.out / f"{way}-{number}.extxyz"
            if stored.exists():
                frames = ase.io.read(stored, ":")
            else:
                if number:
                    frames = grow(frames, config.out / f"{way}-{number - 1}.mlmat", way, number, config)
                with atomic_write(stored, "w", encoding="utf-8") as stream:
                    ase.io.write(stream, frames, format="extxyz")
            if not file.exists():
                train(frames, file, config)
            found = predict_mechanics(load_predictor(file), unseen)
            observed = np.concatenate([one.get_forces() for one in unseen])
            error = mae(np.concatenate(found.forces).ravel(), observed.ravel())
            print(f"{way} round {number}: {len(frames)} labels, force MAE {error:.4f} eV/Å", flush=True)
            metrics.append(
                Metric(
                    "force MAE", error, "eV/Å", split="EMT trajectories, 300 to 1,200 K",
                    variant=f"{way}, round {number}", n_train=len(frames), n_test=len(unseen),
                )
            )  # fmt: skip
    record = RunRecord(
        system="active learning of a copper-gold particle",
        preset=config.preset,
        command=f"python -m experiments.active_learning.run --preset {config.preset}",
        config={key: str(value) for key, value in asdict(config).items() if key != "out"},
        seeds=[config.seed],
        data={},
        seconds={"run": round(time.perf_counter() - began, 1)},
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.preset}.json")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
