"""Options of `mlmat design`, free of heavy imports so that ``--help`` is quick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class DesignOptions:
    """Design molecules with the HOMO-LUMO gap you want, and have them verified.

    Gradient descent through the gap predictor turns noise into molecules of 6 to 10 heavy
    atoms (C, N, O, F, S); GFN2-xTB, which is not in the loop, then judges every one.
    The gap is a difference of GFN2 orbital energies, not an optical gap.

    Examples: mlmat design --want gap=2.5 | mlmat design --want gap=6..7 --designs 32

    Args:
        want: wanted property in eV: gap=VALUE (hit within 0.3 eV) or gap=LOW..HIGH; also homo, lumo.
        designs: molecules submitted to quantum chemistry.
        out: folder for the results. Default: runs/design-<time>.
        resume: go on with an interrupted run in this folder; other options are taken from it.
        predictor: predictor file to use instead of the one that ships with mlmat.
        train: train the predictor anew first (about 15 minutes on two cores).
        data: train on this CSV file (columns smiles and gap, eV) instead of the embedded set.
        epochs: passes over the data when training.
        budget: predictor evaluations of the search; a gradient counts as three.
        seed: of the noise.
        workers: processes for quantum chemistry. Default: one per core.
    """

    want: str = "gap=4.0"
    designs: int = 128
    out: Path | None = None
    resume: Path | None = None
    predictor: Path | None = None
    train: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False
    data: Path | None = None
    epochs: int = 50
    budget: int = 160_000
    seed: int = 0
    workers: int | None = None


OPTIONS = DesignOptions
