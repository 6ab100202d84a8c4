"""Designs as rows: one per submission, failures kept; CSV and SDF files of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from rdkit import Chem
from rdkit.Chem import AllChem

from mlmat.files import atomic_write


@dataclass(frozen=True)
class DesignRow:
    """One submitted design; the fields are the columns of ``designs.csv``.

    Attributes:
        rank: 1 for the design the search trusts most.
        start: number of the start it came from.
        method: searcher.
        smiles: canonical SMILES.
        status: ``"ok"`` or why there is no verified value.
        gap_relaxed: prediction for the relaxed molecule before rounding, eV.
        gap_predicted: ensemble mean for the real molecule, eV.
        gap_std: ensemble standard deviation, eV.
        gap_verified: the oracle's value, eV.
        gap_error: predicted minus verified, eV.
        in_training: whether the predictor was trained on this molecule.
        nearest_tanimoto: similarity to the nearest training molecule (Morgan counts, radius 2).
        seconds: wall time of the verification.
    """

    rank: int
    start: int
    method: str
    smiles: str
    status: str
    gap_relaxed: float
    gap_predicted: float
    gap_std: float
    gap_verified: float | None
    gap_error: float | None
    in_training: bool | None
    nearest_tanimoto: float | None
    seconds: float


COLUMNS = tuple(f.name for f in fields(DesignRow))


def write_csv(rows: Iterable[DesignRow], path: str | Path) -> None:
    """Write rows under their column names, atomically; None becomes an empty cell."""
    with atomic_write(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        for row in rows:
            cells = (f"{c:.4f}" if isinstance(c, float) else c for c in astuple(row))
            writer.writerow(["" if c is None else c for c in cells])


def write_structures(designs: Iterable[tuple[DesignRow, np.ndarray]], path: str | Path) -> None:
    """Write verified geometries as an SDF file, atomically.

    Args:
        designs: rows with their relaxed positions ``[atoms, 3]`` in Å, hydrogens
            included, in RDKit's order of ``AddHs(MolFromSmiles(smiles))``.
        path: the SDF file.
    """
    with atomic_write(path, "w", encoding="utf-8") as stream:
        writer = Chem.SDWriter(stream)
        for row, positions in designs:
            molecule = Chem.AddHs(Chem.MolFromSmiles(row.smiles))
            conformer = Chem.Conformer(molecule.GetNumAtoms())
            conformer.SetPositions(np.asarray(positions, float))
            molecule.AddConformer(conformer, assignId=True)
            AllChem.AssignStereochemistryFrom3D(molecule)
            molecule.SetProp("_Name", row.smiles)
            for name in ("rank", "gap_predicted", "gap_std", "gap_verified"):
                molecule.SetProp(name, str(getattr(row, name)))
            molecule.SetProp("engine", "GFN2-xTB")
            writer.write(molecule)
        writer.close()
