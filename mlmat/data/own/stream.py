"""Items of a file one at a time, for prediction: constant memory, and no row is ever lost."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from mlmat.data.own.contents import Row
from mlmat.data.own.delimited import open_table
from mlmat.data.own.molecules import identity_of_smiles
from mlmat.data.own.table import SAMPLE, find_columns
from mlmat.data.own.text import broken, open_text, readable, suffix_of
from mlmat.errors import DataError, InputError, MlmatError

TABLES = (".csv", ".tsv")
LISTS = (".smi", ".smiles", ".txt")


def iterate_items(
    path: str | Path,
    kind: str | None = None,
    *,
    smiles_column: str | None = None,
    id_column: str | None = None,
    check: bool = True,
    notes: list[str] | None = None,
) -> Iterator[Row]:
    """Materials of a file, one `Row` for each line or frame, bad ones with their reason.

    Args:
        path: CSV or TSV with a SMILES column, or ``.smi`` (a SMILES and optionally a name in
            each line), compressed or not; xyz, extxyz, CIF, SDF or ASE database; a folder of
            structure files; ``-`` for a list of SMILES on standard input.
        kind: what the predictor takes, ``"smiles"`` or ``"structure"``; None takes either.
        smiles_column: None guesses it.
        id_column: None takes a column called id, or the line number.
        check: parse each SMILES here. An encoder parses it again, and says the same of a
            bad one; without the check reading is faster by what one parse takes.
        notes: is given what was guessed.

    Raises:
        DataError: the file is missing, empty, damaged or not what its name says.
        InputError: an unknown kind of file, not one of `kind`, or no SMILES column.
    """
    notes = [] if notes is None else notes
    path = path if str(path) == "-" else Path(path)
    suffix = "" if path == "-" else suffix_of(path)
    found = "smiles" if path == "-" or suffix in (*TABLES, *LISTS) else "structure"
    if isinstance(path, Path) and not path.exists():
        raise DataError(f"cannot read {path}: no such file or folder")
    if isinstance(path, Path) and path.is_dir():
        found = "structure"
    if kind not in (None, found):
        wanted = {"smiles": "SMILES (.csv, .tsv, .smi or -)", "structure": "structures (.xyz, .cif, ...)"}
        raise InputError(f"{path} holds {found}, and this predictor takes {wanted.get(kind, kind)}")
    if found == "structure":
        return _structures(path)
    if suffix in TABLES:
        return _table(path, smiles_column, id_column, check, notes)
    return _list(path, check, notes)


def _smiles_row(line: int, name: str, text: str, check: bool) -> Row:
    reason = f"bad SMILES: {broken(text)}" if broken(text) else None
    if not text:
        reason = "no SMILES"
    elif check and reason is None:
        try:
            identity_of_smiles(text)
        except MlmatError as error:
            reason = str(error)
    return Row(line, name, readable(text), None if reason else text, reason)


def _table(path: Path, smiles: str | None, id: str | None, check: bool, notes: list[str]) -> Iterator[Row]:
    with open_table(path) as table:
        sample = list(islice(table.rows, 20 * SAMPLE))
        if not sample:
            raise DataError(f"{path} has a header line and no rows")
        width = len(table.header)
        whole = [row for _, row in sample if len(row) == width][:SAMPLE]
        columns = find_columns(table.header, whole, targets=(), smiles=smiles, id=id, group=None, notes=notes)
        notes += table.notes
        for rows in (sample, table.rows):
            for line, row in rows:
                if len(row) != width:
                    count = f"{len(row)} cells where the header has {width}" if row else "an empty line"
                    yield Row(line, str(line), readable(",".join(row)), None, count)
                    continue
                name = readable(row[columns.id]).strip() if columns.id is not None else ""
                yield _smiles_row(line, name or str(line), row[columns.smiles].strip(), check)


def _list(path: str | Path, check: bool, notes: list[str]) -> Iterator[Row]:
    line = 0
    with open_text(path) as (stream, found):
        for line, text in enumerate(stream, 1):
            smiles, _, name = text.strip().partition("\t" if "\t" in text.strip() else " ")
            yield _smiles_row(line, readable(name).strip() or str(line), smiles, check)
    notes += found
    if not line:
        raise DataError(f"{path} is empty: it needs one SMILES in each line")


def _structures(path: Path) -> Iterator[Row]:
    # ASE takes a second to import, and a list of SMILES does not need it.
    from mlmat.data.own.folder import structure_files
    from mlmat.data.own.structures import read_frames

    files = list(structure_files(path).values()) if path.is_dir() else [path]
    count = 0
    for file in files:
        try:
            for frame in read_frames(file):
                count += 1
                id = str(frame.values.get("id", file.stem if path.is_dir() else frame.number))
                where = file.name if frame.number == 1 else f"{file.name}#{frame.number}"
                yield Row(count, id, where, frame.atoms, frame.reason)
        except MlmatError as error:
            if not path.is_dir():
                raise
            count += 1
            yield Row(count, file.stem, file.name, None, str(error))
