"""Options of `mlmat learn`, free of heavy imports so that ``--help`` is quick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro


@dataclass(frozen=True)
class LearnOptions:
    """An interatomic potential that asks for the labels it lacks (active learning).

    Round by round a committee of networks is trained on all labels, runs molecular dynamics until
    its members disagree, and the frames they disagree most about are labelled by the oracle. You get
    the predictor (for mlmat md, relax and predict), all labels, a table of each beside what was
    foreseen, a figure, and a record. Every finished step is kept: an interrupted or killed run goes
    on with --resume.

    Examples: mlmat learn particle.xyz --oracle emt --temperature 300 900 |
    mlmat learn molecule.xyz --oracle gfn2 --model ani --rounds 6 |
    mlmat learn cell.cif --oracle my_lab:label --known frames.extxyz --pressure 0

    Args:
        file: one or more structures, where the dynamics begin, in any format that ASE reads.
        oracle: emt, gfn2 (molecules), or MODULE:FUNCTION: takes ase.Atoms and returns an ASE
            calculator, or a dictionary with energy (eV), forces (eV/Å) and perhaps stress.
        known: structures with energies and forces to begin with; without them the first round
            labels displaced copies of the file's structures.
        test: structures with energies and forces that are never fitted, for the error.
        rounds: of exploring and labelling.
        labels: structures labelled in each round, at most.
        temperature: K of the dynamics; several are taken in turn.
        pressure: GPa, at which the cell changes in size and shape; else it stays as it is.
        frames: of each exploration, at most.
        interval: steps from frame to frame.
        time_step: fs.
        friction: of the thermostat, 1/ps.
        least: eV/Å of disagreement below which a frame is not worth a label.
        furthest: eV/Å of disagreement at which an exploration ends.
        pick: uncertain frames, or random ones to compare with.
        rattle: Å of the displacements in a first round without known labels.
        model: network: hdnnp, ani, schnet, equivariant.
        preset: how much work goes into each training: quick, default, large.
        members: of the committee.
        epochs: of each training; found out by default.
        cutoff: of neighbours, Å.
        workers: processes that label at the same time.
        time_limit: seconds for one label.
        seed: of everything random.
        out: folder for the results. Default: runs/learn-<time>.
        resume: go on with an interrupted run in this folder; other options are taken from it.
    """

    file: tyro.conf.Positional[Path | None] = None
    oracle: str = ""
    known: Path | None = None
    test: Path | None = None
    rounds: int = 4
    labels: int = 24
    temperature: tuple[float, ...] = (300.0,)
    pressure: float | None = None
    frames: int = 40
    interval: int = 25
    time_step: float = 1.0
    friction: float = 5.0
    least: float = 0.05
    furthest: float = 1.5
    pick: Literal["uncertain", "random"] = "uncertain"
    rattle: float = 0.1
    model: Literal["hdnnp", "ani", "schnet", "equivariant"] = "hdnnp"
    preset: Literal["quick", "default", "large"] = "quick"
    members: int = 2
    epochs: int | None = None
    cutoff: float | None = None
    workers: int | None = None
    time_limit: float = 3600.0
    seed: int = 0
    out: Path | None = None
    resume: Path | None = None


OPTIONS = LearnOptions
