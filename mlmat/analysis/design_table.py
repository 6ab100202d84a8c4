"""Designs as rows: one per submission, failures kept; CSV and SDF files of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
from rdkit import Chem

from mlmat.errors import DataError, InputError, SmilesError
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
    """Write rows under their column names, atomically.

    None becomes an empty cell, numbers get four decimals, far below the predictor's error.
    """
    with atomic_write(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            cells = (f"{c:.4f}" if isinstance(c, float) else c for c in astuple(row))
            writer.writerow(["" if c is None else c for c in cells])


def read_csv(path: str | Path) -> list[DesignRow]:
    """Read ``designs.csv`` back; an empty cell becomes None.

    Raises:
        DataError: not readable, empty, other columns, or a cell of the wrong type; the
            message says which line and column.
    """
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            lines = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"cannot read the designs {path}: {error}") from error
    if not lines or tuple(lines[0]) != COLUMNS:
        raise DataError(f"{path} is not a table of designs: its first line must be {','.join(COLUMNS)}")
    return [_row(line, f"{path}, line {number}") for number, line in enumerate(lines[1:], 2)]


def _row(cells: list[str], where: str) -> DesignRow:
    if len(cells) != len(COLUMNS):
        raise DataError(f"{where}: {len(cells)} cells instead of {len(COLUMNS)}")
    kinds = get_type_hints(DesignRow)
    values = {}
    for name, text in zip(COLUMNS, cells, strict=True):
        try:
            values[name] = _cell(text, kinds[name])
        except ValueError as error:
            raise DataError(f"{where}: {name} cannot be {text!r}") from error
    return DesignRow(**values)


def _cell(text: str, kind: Any) -> Any:
    """Value of one cell; `kind` is a class, or a union of one class with None."""
    optional = not isinstance(kind, type)
    if optional and not text:
        return None
    kind = kind.__args__[0] if optional else kind
    if kind is bool:
        # bool("False") is true, so the two words are looked up.
        return ("False", "True").index(text) == 1
    return kind(text)


def write_structures(
    designs: Iterable[tuple[DesignRow, np.ndarray]], path: str | Path, engine: str = "GFN2-xTB"
) -> None:
    """Write verified geometries as an SDF file, atomically.

    Args:
        designs: rows with their relaxed positions ``[atoms, 3]`` in Å, hydrogens
            included, in RDKit's order of ``AddHs(MolFromSmiles(smiles))``.
        path: the SDF file.
        engine: that made the geometries, for the SD property of this name.

    Raises:
        SmilesError: a row's SMILES cannot be read.
        InputError: positions of another shape than the molecule's, NaN or infinite.
    """
    with atomic_write(path, "w", encoding="utf-8") as stream:
        writer = Chem.SDWriter(stream)
        for row, positions in designs:
            molecule = _with_positions(row.smiles, np.asarray(positions, float))
            molecule.SetProp("_Name", row.smiles)
            for name in ("rank", "gap_predicted", "gap_std", "gap_verified"):
                molecule.SetProp(name, str(getattr(row, name)))
            molecule.SetProp("engine", engine)
            writer.write(molecule)
        writer.close()


def _with_positions(smiles: str, positions: np.ndarray) -> Chem.Mol:
    heavy = Chem.MolFromSmiles(smiles)
    if heavy is None:
        raise SmilesError(smiles)
    molecule = Chem.AddHs(heavy)
    wanted = (molecule.GetNumAtoms(), 3)
    if positions.shape != wanted or not np.isfinite(positions).all():
        raise InputError(
            f"{smiles} with hydrogens needs finite positions {list(wanted)}, not {list(positions.shape)}"
        )
    conformer = Chem.Conformer(len(positions))
    conformer.SetPositions(positions)
    molecule.AddConformer(conformer, assignId=True)
    Chem.AssignStereochemistryFrom3D(molecule)
    return molecule
