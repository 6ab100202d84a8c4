"""Records of a folder of structure files with a table of ids and values (as CGCNN's id_prop.csv)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from mlmat.data.own.cells import bare
from mlmat.data.own.delimited import open_table
from mlmat.data.own.records import Record
from mlmat.data.own.single_files import Single, read_files
from mlmat.data.own.structures import FILES, kind_of_file
from mlmat.data.own.table import SAMPLE, find_columns
from mlmat.data.own.text import readable, suffix_of
from mlmat.errors import DataError, InputError


def structure_files(folder: Path) -> dict[str, Path]:
    """Structure files of a folder by their name without suffix, sorted by name.

    Raises:
        DataError: no such folder, or no structure files in it.
        InputError: two files of one name.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder: structures= must name one with {', '.join(FILES)} files")
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if kind_of_file(path) in FILES and not path.name.startswith("."):
            if path.stem in files:
                raise InputError(f"{path.name} and {files[path.stem].name} have one id: rename one")
            files[path.stem] = path
    if not files:
        raise DataError(f"{folder} holds no structure files ({', '.join(FILES)})")
    return files


def folder_records(
    path: Path,
    targets: list[str],
    options: dict[str, str | None],
    structures: str | Path | None,
    notes: list[str],
) -> tuple[list[Record], list[Path]]:
    """Records of the rows of the table, and the files they name.

    Args:
        path: table of ids, or the folder, whose only CSV it then is.
        targets: names of the columns; a table of ids and values without a header line
            takes them in this order.
        options: ``id`` and ``group`` columns or None; no ``smiles``.
        structures: folder of the structure files; None where it is `path`.
        notes: is given what was guessed.

    Raises:
        DataError, InputError: as of `mlmat.data.own.read.read_own_data`.
    """
    folder = Path(structures) if structures is not None else path
    if options["smiles"] is not None:
        raise InputError(f"{folder} holds structures, not SMILES: leave the SMILES column out")
    files = structure_files(folder)
    table = _only_table(path, notes) if path.is_dir() else path
    records = list(_rows(table, files, targets, options, notes))
    named = {record.id for record in records if record.id is not None}
    left = sorted(files.keys() - {_stem(name, files) for name in named})
    if left:
        shown = ", ".join(left[:5]) + (", ..." if len(left) > 5 else "")
        notes.append(f"{len(left)} structure files are not named in {table.name} and not used: {shown}")
    used = [files[key] for key in sorted(files.keys() - set(left))]
    return records, [table, *used]


def _only_table(folder: Path, notes: list[str]) -> Path:
    tables = [path for path in sorted(folder.iterdir()) if suffix_of(path) in (".csv", ".tsv")]
    if len(tables) != 1:
        names = ", ".join(path.name for path in tables) or "none"
        raise InputError(f"{folder} must hold one CSV of ids and values (there are: {names}); name it")
    notes.append(f"ids and values are taken from {tables[0].name}")
    return tables[0]


def _stem(name: str, files: dict[str, Path]) -> str | None:
    """The key of the file that a table means by a name, with or without suffix or folder."""
    return next((key for key in (name, Path(name).name, Path(name).stem) if key in files), None)


def _rows(
    table: Path,
    files: dict[str, Path],
    targets: list[str],
    options: dict[str, str | None],
    notes: list[str],
) -> Iterator[Record]:
    with open_table(table) as probe:
        first = probe.header
    bare_list = _stem(first[0], files) is not None  # a first line that names a file is no header
    if bare_list and len(first) != 1 + len(targets):
        raise InputError(
            f"{table.name} has no header line and {len(first)} columns: it needs an id and "
            f"{len(targets)} values, or a header line with {', '.join(targets)}"
        )
    with open_table(table, header=not bare_list) as opened:
        header = ["id", *targets] if bare_list else opened.header
        if bare_list:
            notes.append(f"{table.name} has no header line: its columns are taken as {', '.join(header)}")
        sample = list(islice(opened.rows, SAMPLE))
        if not sample:
            raise DataError(f"{table} has a header line and no rows")
        whole = [row for _, row in sample if len(row) == len(header)]
        columns = find_columns(header, whole, targets=targets, notes=notes, want_smiles=False, **options)
        id_at = columns.id if columns.id is not None else _naming(header, whole, files, notes)
        notes += opened.notes
        rows = [*sample, *opened.rows]
    names = [readable(row[id_at]).strip() if len(row) == len(header) else "" for _, row in rows]
    keys = [_stem(name, files) if name else None for name in names]
    # Files are read together, since reading a CIF takes some twenty milliseconds.
    wanted = sorted({key for key in keys if key is not None})
    single = dict(zip(wanted, read_files([files[key] for key in wanted]), strict=True))
    for (line, row), name, key in zip(rows, names, keys, strict=True):
        if not row:
            continue
        if len(row) != len(header):
            reason = f"{len(row)} cells where the header has {len(header)}"
            yield Record(line, None, None, "", (), None, None, reason)
            continue
        group = None if columns.group is None else readable(row[columns.group]).strip()
        values = [row[k] for k in columns.targets]
        found = Single(None, "", f"no structure file for id {name!r}") if key is None else single[key]
        reason = found.reason
        if columns.group is not None and not group:
            reason = reason or f"no label in {header[columns.group]}"
        yield Record(line, name or None, found.atoms, found.identity, values, group, None, reason)


def _naming(header: list[str], rows: list[list[str]], files: dict[str, Path], notes: list[str]) -> int:
    """The column whose cells name files."""
    hits = [sum(_stem(row[k].strip(), files) is not None for row in rows) for k in range(len(header))]
    best = max(range(len(header)), key=hits.__getitem__)
    if not hits[best] and bare(header[0]) not in ("name", "file", "filename", "structure"):
        raise InputError(f"no column names the structure files: name it. Columns: {', '.join(header)}")
    notes.append(f"ids are taken from column {header[best]!r}")
    return best
