"""Options of `mlmat relax`, free of heavy imports so that ``--help`` is quick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class RelaxOptions:
    """Relax structures, and cells where wanted, with a trained or classical potential.

    All structures of the file are relaxed side by side. Writes NAME.extxyz with the relaxed
    structures, and NAME.csv with energy, largest force, steps and whether each converged.

    Examples: mlmat relax frames.xyz --potential runs/mine/predictor.mlmat |
    mlmat relax cuau.cif --potential emt --cell --pressure 5

    Args:
        file: structures in any format that ASE reads.
        potential: predictor file of an energy, or lennard-jones (argon), morse (copper),
            stillinger-weber (silicon), emt (Al, Ni, Cu, Pd, Ag, Pt, Au and alloys).
        method: lbfgs (fewest steps) or fire (robust far from a minimum).
        cell: relax the cell, too, of structures that are periodic in all directions.
        force: converged when no atom feels more, eV/Å.
        stress: with --cell: converged when no component of the stress is further off, GPa.
        pressure: with --cell: from outside, GPa.
        steps: at most.
        batch: structures side by side.
        out: NAME of the files. Default: FILE-relaxed here.
    """

    file: tyro.conf.Positional[Path]
    potential: str
    method: Literal["lbfgs", "fire"] = "lbfgs"
    cell: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    force: float = 0.01
    stress: float = 0.05
    pressure: float = 0.0
    steps: int = 1000
    batch: int = 64
    out: Path | None = None


OPTIONS = RelaxOptions
