"""Active learning of a copper-gold particle: a committee explores, EMT labels what it doubts.

    python -m experiments.active_learning.run --preset quick --out runs/active_learning

The campaign of `mlmat learn`, twice from the same labels at 300 K: once with the frames that the
members of the committee disagree most about, once with as many at random times of the
explorations. Both are judged on trajectories of EMT itself that are never used for anything else.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import ase
import ase.io
import tyro

from experiments.nanoparticle_md.run import ELEMENTS, TIME_STEP, particle, trajectory
from mlmat.analysis.record import RunRecord, save_record
from mlmat.commands.learn_outputs import draw_rounds, learning_metrics
from mlmat.commands.runs import prepare_process
from mlmat.design.campaign.explorations import LearningConfig
from mlmat.design.campaign.frames import Committee, labelled, write_frames
from mlmat.design.campaign.potential import learn_potential
from mlmat.oracles.structures import StructureOracle
from mlmat.potentials import emt
from mlmat.potentials.calculator import evaluate_atoms
from mlmat.simulate.ensembles import Langevin

TEMPERATURES = (300.0, 600.0, 900.0, 1200.0)
LEAST, FURTHEST = 0.05, 1.5
"""eV/Å of disagreement: less teaches little, more is no structure."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment; run again with the same `out` to go on.

    Attributes:
        preset: quick: 55 atoms, two rounds; full: four rounds.
        out: folder for the results.
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


def emt_frames(seeds: list[int], temperatures: list[float], frames: int, interval: int, path: Path) -> list:
    """Labelled frames of trajectories of EMT, made once and kept in a file."""
    if not path.exists():
        found = []
        for seed, kelvin in zip(seeds, temperatures, strict=True):
            ensemble = Langevin(TIME_STEP, kelvin, friction=5.0)
            found += trajectory(emt(ELEMENTS), particle(3, seed), ensemble, frames, interval, kelvin, seed)[0]
        write_frames(path, [label(one) for one in found])
    return ase.io.read(path, ":")


def label(atoms: ase.Atoms) -> ase.Atoms:
    """A frame with energy and forces of EMT."""
    energy, forces = evaluate_atoms(emt(ELEMENTS), ase.Atoms(atoms.numbers, atoms.positions))
    return labelled(atoms, {"energy": energy, "forces": forces})


def main(config: Config) -> RunRecord:
    prepare_process()
    began = time.perf_counter()
    config.out.mkdir(parents=True, exist_ok=True)
    seed, rounds = config.seed, config.rounds or (4 if config.preset == "full" else 2)
    count = len(TEMPERATURES)
    test = emt_frames(
        [seed + 500 + k for k in range(count)], list(TEMPERATURES), 20, 50, config.out / "test.extxyz"
    )
    known = emt_frames([seed, seed + 1], [300.0, 300.0], 12, 25, config.out / "known.extxyz")
    starts = [particle(3, seed + 1000 + k) for k in range(4 * count)]
    metrics = []
    for way in ("uncertain", "random"):
        folder = config.out / way
        folder.mkdir(exist_ok=True)
        settings = LearningConfig(
            rounds, config.labels, TEMPERATURES, time_step=TIME_STEP,
            least=LEAST, furthest=FURTHEST, pick=way, seed=seed,
        )  # fmt: skip
        learned = learn_potential(
            starts,
            StructureOracle("emt"),
            settings,
            Committee(cutoff=5.0, epochs=config.epochs),
            folder,
            known=known,
            test=test,
            report=lambda number, stage, done, total: print(
                f"\r{number} {stage} {done}/{total}    ", end="", flush=True
            ),
        )
        draw_rounds(learned.rounds, learned.test, folder / "campaign.png")
        metrics += learning_metrics(learned, way)
    record = RunRecord(
        system="active learning of a copper-gold particle",
        preset=config.preset,
        command=f"python -m experiments.active_learning.run --preset {config.preset}",
        config={key: str(value) for key, value in asdict(config).items() if key != "out"},
        seeds=[seed],
        data={},
        seconds={"run": round(time.perf_counter() - began, 1)},
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.preset}.json")
    for one in metrics:
        print(f"{one.variant:<22} {one.name:<34} {one.value:.4f} {one.unit}")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
