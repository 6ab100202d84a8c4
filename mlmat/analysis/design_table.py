"""Designs as rows: one per submission, failures kept; CSV and SDF files of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import numpy as np
from rdkit import Chem

from mlmat.errors import DataError, InputError, SmilesError
from mlmat.files import atomic_write

FIRST = ("rank", "start", "method", "smiles", "status", "hit")
"""Columns before the wanted properties."""

OF_PROPERTY = ("relaxed", "predicted", "std", "verified", "error")
"""Columns ``NAME_relaxed`` … of each wanted property."""

LAST = ("in_training", "nearest_tanimoto", "seconds")
"""Columns after them; columns of further properties, by their names, follow."""


@dataclass(frozen=True)
class PropertyVerdict:
    """One wanted property of one design, in its unit.

    Attributes:
        relaxed: prediction for the relaxed molecule before rounding; None if it never was soft.
        predicted: ensemble mean for the real molecule.
        std: ensemble standard deviation.
        verified: the oracle's value; None if there is none.
    """

    relaxed: float | None
    predicted: float
    std: float
    verified: float | None

    @property
    def error(self) -> float | None:
        """Predicted minus verified."""
        return None if self.verified is None else self.predicted - self.verified


@dataclass(frozen=True)
class DesignRow:
    """One submitted design, a line of ``designs.csv``.

    Attributes:
        rank: 1 for the design the search trusts most.
        start: number of the start, draw or generation it came from.
        method: searcher.
        smiles: canonical SMILES.
        status: ``"ok"`` or why there is no verified value.
        hit: whether every want is met; None where nothing can be hit (the least or most of something).
        judged: wanted property → prediction and verdict, in the order of the wants.
        in_training: whether the predictor was trained on this molecule; None if unknown.
        nearest_tanimoto: similarity to the nearest training molecule (Morgan counts, radius 2).
        seconds: wall time of the verification.
        further: other properties of the molecule by name.
    """

    rank: int
    start: int
    method: str
    smiles: str
    status: str
    hit: bool | None
    judged: Mapping[str, PropertyVerdict]
    in_training: bool | None
    nearest_tanimoto: float | None
    seconds: float
    further: Mapping[str, float | None] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def first(self) -> PropertyVerdict:
        """What is said of the first want."""
        return next(iter(self.judged.values()))

    @property
    def verified(self) -> bool:
        """Whether the oracle gave a value of every want."""
        return all(judged.verified is not None for judged in self.judged.values())


def columns(properties: Sequence[str], further: Sequence[str] = ()) -> tuple[str, ...]:
    """Header of ``designs.csv`` for these wanted and further properties."""
    middle = [f"{name}_{part}" for name in properties for part in OF_PROPERTY]
    return (*FIRST, *middle, *LAST, *further)


def write_csv(rows: Sequence[DesignRow], path: str | Path, properties: Sequence[str] = ()) -> None:
    """Write rows under their column names, atomically.

    None becomes an empty cell, numbers get four decimals, far below the predictor's error.

    Args:
        rows: all about the same wants.
        path: the file.
        properties: the wanted properties, needed where there are no rows.
    """
    names = tuple(rows[0].judged) if rows else tuple(properties)
    further = tuple(rows[0].further) if rows else ()
    with atomic_write(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns(names, further))
        for row in rows:
            values = [getattr(row.judged[name], part) for name in names for part in OF_PROPERTY]
            cells = [getattr(row, name) for name in FIRST] + values
            cells += [getattr(row, name) for name in LAST] + [row.further[name] for name in further]
            writer.writerow(
                ["" if c is None else f"{c:.4f}" if isinstance(c, (float, np.floating)) else c for c in cells]
            )


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
    names = tuple(lines[0]) if lines else ()
    properties = [name.removesuffix("_relaxed") for name in names if name.endswith("_relaxed")]
    end = len(columns(properties))
    if not properties or names[:end] != columns(properties):
        raise DataError(
            f"{path} is not a table of designs: its first line must be {','.join(columns(['NAME']))}"
        )
    return [
        _row(line, names, properties, f"{path}, line {number}") for number, line in enumerate(lines[1:], 2)
    ]


def _row(cells: list[str], names: Sequence[str], properties: Sequence[str], where: str) -> DesignRow:
    if len(cells) != len(names):
        raise DataError(f"{where}: {len(cells)} cells instead of {len(names)}")
    texts = dict(zip(names, cells, strict=True))

    def value(name: str, kind: type, optional: bool = False):
        text = texts[name]
        if optional and not text:
            return None
        try:
            # bool("False") is true, so the two words are looked up.
            return ("False", "True").index(text) == 1 if kind is bool else kind(text)
        except ValueError as error:
            raise DataError(f"{where}: {name} cannot be {text!r}") from error

    judged = {
        name: PropertyVerdict(
            value(f"{name}_relaxed", float, optional=True),
            value(f"{name}_predicted", float),
            value(f"{name}_std", float),
            value(f"{name}_verified", float, optional=True),
        )
        for name in properties
    }
    return DesignRow(
        rank=value("rank", int),
        start=value("start", int),
        method=texts["method"],
        smiles=texts["smiles"],
        status=texts["status"],
        hit=value("hit", bool, optional=True),
        judged=judged,
        in_training=value("in_training", bool, optional=True),
        nearest_tanimoto=value("nearest_tanimoto", float, optional=True),
        seconds=value("seconds", float),
        further={name: value(name, float, optional=True) for name in names[len(columns(properties)) :]},
    )


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
            molecule.SetProp("rank", str(row.rank))
            for name, judged in row.judged.items():
                for part in ("predicted", "std", "verified"):
                    molecule.SetProp(f"{name}_{part}", str(getattr(judged, part)))
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
