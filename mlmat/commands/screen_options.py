"""Options of `mlmat screen`, free of heavy imports so that ``--help`` is quick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

Many = tyro.conf.UseAppendAction


@dataclass(frozen=True)
class ScreenOptions:
    """Predict the properties of every crystal that substitution makes of known prototypes.

    Each element of a prototype is replaced by each of the allowed ones, all different, and the cell is
    scaled by the covalent radii; nothing is relaxed. Writes files of equal length into a folder: number,
    prototype, formula, prediction and its standard deviation. Memory does not grow with the number of
    candidates, all devices share the work, and the same command goes on where it was stopped.

    Examples: mlmat screen runs/mine/predictor.mlmat perovskite.cif --fixed O |
    mlmat screen p.mlmat prototypes/ --element Li --element Na --element Cl --count 1000000

    Args:
        predictor: predictor file, from mlmat train, of structures.
        prototypes: crystals: CIF, POSCAR, extxyz, ASE database, or a folder of such files.
        element: that may stand in a prototype; repeatable. Default: all that the predictor knows.
        fixed: element of the prototypes that stays; repeatable.
        count: candidates, spread over the whole space. Default: all.
        seed: of their choice.
        out: folder. Default: runs/screen.
        format: parquet (needs pyarrow), npz, or auto: parquet where pyarrow is installed.
        rows: candidates of a file.
        batch: candidates a device predicts at once.
        workers: processes that make graphs. Default: one per core.
    """

    predictor: tyro.conf.Positional[Path]
    prototypes: tyro.conf.Positional[Path]
    element: Annotated[Many[tuple[str, ...]], tyro.conf.arg(metavar="SYMBOL")] = ()
    fixed: Annotated[Many[tuple[str, ...]], tyro.conf.arg(metavar="SYMBOL")] = ()
    count: int | None = None
    seed: int = 0
    out: Path = Path("runs/screen")
    format: Literal["auto", "parquet", "npz"] = "auto"
    rows: int = 10_000
    batch: int = 128
    workers: int | None = None


OPTIONS = ScreenOptions
