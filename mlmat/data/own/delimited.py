"""Tables of text: header, rows, and a guess of the separator."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from mlmat.data.own.text import open_text, readable
from mlmat.errors import DataError

SEPARATORS = ",;\t"


class Table(NamedTuple):
    """A table that is being read.

    Attributes:
        header: column names, stripped.
        rows: (line number, cells) of each line below the header; an empty line is ``[]``.
        separator: one of `SEPARATORS`.
        notes: what was guessed.
    """

    header: list[str]
    rows: Iterator[tuple[int, list[str]]]
    separator: str
    notes: list[str]


@contextlib.contextmanager
def open_table(path: str | Path, header: bool = True) -> Iterator[Table]:
    """Open a table with a header line and guess its separator.

    Args:
        path: file, or ``-``.
        header: False makes names ``column 1`` … and gives the first line as a row.

    Raises:
        DataError: as of `open_text`; an empty file, or one that holds structures.
    """
    with open_text(path) as (stream, notes):
        lines = iter(stream)
        head = [line for _, line in zip(range(20), lines, strict=False)]
        first = next((line for line in head if line.strip()), None)
        if first is None:
            raise DataError(f"{path} is empty: it needs a header line and at least one row")
        if first.strip().isdigit() and len(head) > 2:
            raise DataError(f"{path} looks like an xyz file: name it .xyz or .extxyz")
        if first.startswith(("data_", "_cell_")):
            raise DataError(f"{path} looks like a CIF: name it .cif")
        separator = _separator(first, head)
        if separator != ",":
            notes.append(f"columns are separated by {'tabs' if separator == chr(9) else 'semicolons'}")
        reader = csv.reader(chain(head, lines), delimiter=separator)
        cells = _rows(reader, path)
        line, names = next((line, row) for line, row in cells if row)
        if not header:
            cells = chain([(line, names)], cells)
            names = [f"column {k}" for k in range(1, len(names) + 1)]
        yield Table([readable(name).strip() for name in names], cells, separator, notes)


def _rows(reader: Iterator[list[str]], path: str | Path) -> Iterator[tuple[int, list[str]]]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{path}, line {reader.line_num}: {error}. A quote may be left open.") from error
        yield reader.line_num, row


def _separator(first: str, head: list[str]) -> str:
    present = [separator for separator in SEPARATORS if separator in first]
    if len(present) == 1:
        return present[0]
    if present:
        try:
            return csv.Sniffer().sniff("".join(head), SEPARATORS).delimiter
        except csv.Error:
            return max(present, key=first.count)
    return ","
