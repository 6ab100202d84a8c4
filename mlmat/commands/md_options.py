"""Options of `mlmat md`, free of heavy imports so that ``--help`` is quick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class MdOptions:
    """Molecular dynamics of a molecule, cluster or crystal with a trained or classical potential.

    Everything runs in one compiled loop, the neighbour list included. You get the trajectory
    (extxyz: positions not wrapped, velocities, forces), a log, and figures of energy,
    temperature and, in a periodic cell, of the radial distribution. A run that is interrupted or
    killed goes on from its last checkpoint with --resume, to the same bits.

    Examples: mlmat md silicon.cif --potential runs/si/predictor.mlmat --temperature 600 |
    mlmat md particle.xyz --potential emt --ensemble nose-hoover --steps 100000 |
    mlmat md argon.xyz --potential lennard-jones --ensemble npt --pressure 0.1 --repeat 4 4 4

    Args:
        file: structure in any format that ASE reads.
        potential: predictor file of an energy, or lennard-jones (argon), morse (copper),
            stillinger-weber (silicon), emt (Al, Ni, Cu, Pd, Ag, Pt, Au and alloys).
        ensemble: nve (energy constant), langevin or nose-hoover (temperature), npt (pressure, too).
        steps: how many; rounded up to whole frames.
        time_step: fs. 1 is safe for most, 0.5 with hydrogen, 2 to 5 for heavy atoms.
        temperature: K, of the start and of the thermostat.
        keep_velocities: start from the velocities in the file instead of drawing new ones.
        friction: of langevin and npt, 1/ps.
        thermostat_time: of nose-hoover, fs.
        pressure: of npt, GPa.
        barostat_time: of npt, fs.
        compressibility: of npt, 1/GPa; a guess, which only scales the time above.
        cell: what npt changes of it: volume, axes (lengths along x, y and z, each for itself) or
            shape (lengths and angles; for solids, as a liquid resists no change of shape).
        interval: steps from frame to frame of trajectory and log.
        frame: which structure of the file, from 0; -1 is the last.
        repeat: copies of the cell in each direction.
        relax: relax the atoms first.
        skin: Å of the neighbour list beyond the cutoff.
        double: compute in float64.
        seed: of velocities and noise.
        out: folder for the results. Default: runs/md-<time>.
        resume: go on with an interrupted run in this folder; other options are taken from it.
    """

    file: tyro.conf.Positional[Path | None] = None
    potential: str = ""
    ensemble: Literal["nve", "langevin", "nose-hoover", "npt"] = "langevin"
    steps: int = 10_000
    time_step: float = 1.0
    temperature: float = 300.0
    keep_velocities: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    friction: float = 5.0
    thermostat_time: float = 100.0
    pressure: float = 0.0
    barostat_time: float = 1000.0
    compressibility: float = 0.01
    cell: Literal["volume", "axes", "shape"] = "volume"
    interval: int = 100
    frame: int = -1
    repeat: tuple[int, int, int] = (1, 1, 1)
    relax: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    skin: float = 0.5
    double: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    seed: int = 0
    out: Path | None = None
    resume: Path | None = None


OPTIONS = MdOptions
