"""Options of `mlmat predict`, free of heavy imports so that ``--help`` is quick."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class PredictOptions:
    """Predict the properties of molecules or structures with a predictor file.

    Writes a CSV with one row for each line or frame of the input, in its order; a row that
    cannot be used is kept with its reason. The file may be larger than the memory. A potential on
    descriptors says in the column "outside" how far a structure lies beyond its training range, in
    units of that range, and warns of those that do.

    Examples: mlmat predict new.csv --predictor runs/dyes/predictor.mlmat | mlmat predict list.smi |
    cat list.smi | mlmat predict - --out -

    Args:
        file: CSV or TSV with a SMILES column, list of SMILES (.smi), xyz, extxyz, CIF, ASE database,
            a folder of structure files, or - for SMILES on standard input.
        predictor: predictor file. Default: the gap predictor that ships with mlmat.
        out: CSV to write, or - for standard output. Default: FILE-predictions.csv here.
        smiles: column with SMILES; found out if left out.
        id: column with names of the rows.
        workers: processes that read molecules. Default: one per core.
        batch: items predicted together.
        forces: write the structures with energies (eV) and forces (eV/Å) beside the CSV, as .extxyz.
    """

    file: tyro.conf.Positional[Path]
    predictor: Path | None = None
    out: Path | None = None
    smiles: str | None = None
    id: str | None = None
    workers: int | None = None
    batch: int = 256
    forces: Annotated[bool, tyro.conf.FlagCreatePairsOff] = False


OPTIONS = PredictOptions
