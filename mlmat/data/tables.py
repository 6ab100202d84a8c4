"""A user's own table: SMILES and a property from a CSV file, checked row by row."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np

from mlmat.errors import DataError, InputError, MlmatError, TargetError
from mlmat.graphs.chemistry import canonical_smiles, parse_smiles


def read_table(path: str | Path, target: str, smiles: str = "smiles") -> tuple[list[str], np.ndarray]:
    """Read molecules and one property from a CSV file with a header line.

    Args:
        path: CSV file.
        target: name of the property's column; its unit is the caller's to know.
        smiles: name of the SMILES column.

    Returns:
        Canonical SMILES and values ``[N]``.

    Raises:
        DataError: no such file, or no rows.
        InputError: a column is missing, or a SMILES or element is not covered (names the line).
        TargetError: a value is not a finite number (names the line).
    """
    try:
        with open(path, newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            columns = reader.fieldnames or []
            rows = list(reader)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    if not rows:
        raise DataError(
            f"{path} is empty: it needs a header line with {smiles},{target} and at least one molecule"
        )
    for name in (smiles, target):
        if name not in columns:
            raise InputError(f"{path} has no column {name!r}; it has {', '.join(columns)}")
    molecules, values = [], []
    for line, row in enumerate(rows, 2):
        try:
            molecules.append(canonical_smiles(parse_smiles(row[smiles] or "")))
        except MlmatError as error:
            raise InputError(f"{path}, line {line}: {error}") from error
        try:
            value = float(row[target])
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            raise TargetError(f"{path}, line {line}: {target} is {row[target]!r}, not a finite number")
        values.append(value)
    return molecules, np.array(values)
