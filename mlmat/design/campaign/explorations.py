"""What a potential's campaign submits: frames of dynamics that the members of a committee disagree about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import ase
import numpy as np

from mlmat.design.campaign.loop import round_seed
from mlmat.errors import InputError
from mlmat.potentials.learned import from_predictor
from mlmat.predictor import Predictor
from mlmat.simulate.barostat import NPT
from mlmat.simulate.ensembles import Langevin
from mlmat.simulate.explore import Explored, explore, uncertain


@dataclass(frozen=True)
class LearningConfig:
    """How much of everything.

    Attributes:
        rounds: of exploring and labelling; a finished campaign can be continued with more.
        labels: structures submitted in each round, at most.
        temperatures: K; each round explores at each of them.
        frames: of each exploration.
        interval: steps from frame to frame.
        time_step: fs.
        friction: of the Langevin thermostat, 1/ps.
        pressure: GPa, at which the cell changes in size and shape; None: it stays as it is.
        least: eV/Å of disagreement below which a frame teaches too little.
        furthest: eV/Å of disagreement beyond which an exploration means nothing and ends.
        pick: the frames of most disagreement, or frames at random, to compare with.
        rattle: Å; without labels to begin with, the first round submits the starting structures
            displaced by up to this (standard deviation).
        seed: of everything random.
    """

    rounds: int = 4
    labels: int = 24
    temperatures: tuple[float, ...] = (300.0,)
    frames: int = 40
    interval: int = 25
    time_step: float = 1.0
    friction: float = 5.0
    pressure: float | None = None
    least: float = 0.05
    furthest: float = 1.5
    pick: Literal["uncertain", "random"] = "uncertain"
    rattle: float = 0.1
    seed: int = 0

    def __post_init__(self):
        if self.rounds < 1 or self.frames < 1 or self.labels < max(3, len(self.temperatures)):
            raise InputError(
                f"rounds ({self.rounds}) and frames ({self.frames}) must be at least 1, labels "
                f"({self.labels}) at least 3 and one for each temperature"
            )
        if not self.temperatures or not 0 <= self.least < self.furthest:
            raise InputError("give a temperature, and a least disagreement below the furthest")


class Submission(NamedTuple):
    """What a round submits.

    Attributes:
        rows: ``temperature`` (K) and ``disagreement`` (eV/Å) of each structure.
        frames: the structures.
        runs: of each exploration its ``temperature``, ``frames`` reached and why it ``ended``.
    """

    rows: list[dict[str, Any]]
    frames: list[ase.Atoms]
    runs: list[dict[str, Any]]


def rattled(starts: Sequence[ase.Atoms], config: LearningConfig) -> Submission:
    """The starting structures in turn, displaced more and more; their cells too if there is a pressure."""
    rng = np.random.default_rng(config.seed)
    frames: list[ase.Atoms] = []
    for index in range(config.labels):
        atoms = starts[index % len(starts)]
        clean = ase.Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        size = config.rattle * (index + 1) / config.labels
        if config.pressure is not None:
            strain = 0.2 * size * rng.standard_normal((3, 3))
            clean.set_cell(clean.cell.array @ (np.eye(3) + 0.5 * (strain + strain.T)), scale_atoms=True)
        clean.positions += size * rng.standard_normal(clean.positions.shape)
        frames.append(clean)
    return Submission([{"temperature": None, "disagreement": None} for _ in frames], frames, [])


def explorations(
    predictor: Predictor,
    starts: Sequence[ase.Atoms],
    config: LearningConfig,
    number: int,
    report: Callable[[int, int], None],
) -> Submission:
    """Dynamics at each temperature, and the frames of it to submit.

    Args:
        predictor: an ensemble.
        starts: taken in turn.
        config: temperatures, lengths, bounds.
        number: of the round, which has a seed of its own.
        report: called with explorations done and planned.
    """
    potential, count = from_predictor(predictor), len(config.temperatures)
    rng = np.random.default_rng(round_seed(config.seed, number))
    rows, frames, runs = [], [], []
    for index, kelvin in enumerate(config.temperatures):
        atoms = starts[((number - 1) * count + index) % len(starts)].copy()
        ensemble = Langevin(config.time_step, kelvin, config.friction)
        if config.pressure is not None:
            ensemble = NPT(config.time_step, kelvin, config.pressure, config.friction, cell="shape")
        seed = int(rng.integers(2**31))
        found = explore(
            potential, atoms, ensemble, config.frames, config.interval, kelvin, config.furthest, seed
        )
        runs.append({"temperature": kelvin, "frames": len(found.frames), "ended": found.ended})
        share = config.labels // count + (index < config.labels % count)
        for chosen in _picked(found, share, config, rng):
            rows.append({"temperature": kelvin, "disagreement": float(found.disagreement[chosen])})
            frames.append(found.frames[chosen])
        report(index + 1, count)
    return Submission(rows, frames, runs)


def _picked(found: Explored, share: int, config: LearningConfig, rng: np.random.Generator) -> list[int]:
    """Frames of one exploration to submit; one beyond all bounds is no structure to learn from."""
    usable = np.flatnonzero(found.disagreement <= config.furthest)
    if config.pick == "random":
        return sorted(rng.permutation(usable)[:share].tolist())
    return [int(usable[k]) for k in uncertain(found.disagreement[usable], share, config.least)]
