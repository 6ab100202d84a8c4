"""Records: the rows of any kind of file before their targets are read; those of a table of SMILES."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlmat.data.own.delimited import open_table
from mlmat.data.own.molecules import identity_of_smiles
from mlmat.data.own.table import SAMPLE, find_columns
from mlmat.data.own.text import readable
from mlmat.errors import DataError, MlmatError

FORCES, STRESS = "forces", "stress"
"""The targets that stand for an array for each structure."""


class Record(NamedTuple):
    """A row before its targets are read.

    Attributes:
        row: line or frame.
        id: its id, None where there is none.
        item: SMILES or atoms, None if it cannot be used.
        identity: see `OwnData`.
        values: texts or numbers of the targets, in their order.
        group: label or None.
        forces: ``[n, 3]`` or None.
        reason: why it cannot be used, or None.
        stress: ``[6]`` xx, yy, zz, yz, xz, xy, or None.
    """

    row: int
    id: str | None
    item: Any
    identity: str
    values: Sequence[Any]
    group: str | None
    forces: np.ndarray | None
    reason: str | None
    stress: np.ndarray | None = None


def table_records(
    path: Path, targets: list[str], options: dict[str, str | None], notes: list[str]
) -> Iterator[Record]:
    """Records of the rows of a table of SMILES; empty lines are left out.

    Args:
        path: table.
        targets: names of the columns with values.
        options: ``smiles``, ``id`` and ``group`` columns, None to guess or for none.
        notes: is given what was guessed.

    Raises:
        DataError, InputError: as of `mlmat.data.own.read.read_own_data`.
    """
    with open_table(path) as table:
        sample = list(islice(table.rows, 20 * SAMPLE))
        width = len(table.header)
        if not sample:
            raise DataError(f"{path} has a header line and no rows")
        whole = [row for _, row in sample if len(row) == width][:SAMPLE]
        columns = find_columns(table.header, whole, targets=targets, notes=notes, **options)
        notes += table.notes
        known: dict[str, tuple[str, str | None]] = {}  # one molecule often stands in many rows
        for line, row in (*sample, *table.rows):
            if len(row) != width:
                if row:
                    reason = f"{len(row)} cells where the header has {width}"
                    yield Record(line, None, None, "", (), None, None, reason)
                continue
            id_text = None if columns.id is None else readable(row[columns.id]).strip() or None
            group = None if columns.group is None else readable(row[columns.group]).strip()
            text = row[columns.smiles].strip()
            if text not in known:
                known[text] = _identity(text)
            identity, reason = known[text]
            if columns.group is not None and not group:
                reason = reason or f"no label in {table.header[columns.group]}"
            yield Record(
                line, id_text, text, identity, [row[k] for k in columns.targets], group, None, reason
            )


def _identity(smiles: str) -> tuple[str, str | None]:
    """Identity and None, or nothing and the reason."""
    try:
        return identity_of_smiles(smiles), None
    except MlmatError as error:
        return "", str(error)
