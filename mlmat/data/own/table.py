"""Which column of a table is what: guessed where the user did not say, and told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from mlmat.data.own.cells import bare, find_column, looks_numeric
from mlmat.data.own.molecules import parses
from mlmat.errors import InputError

SAMPLE = 50
"""Rows that columns are guessed from."""

_SMILES_NAMES = ("smiles", "molsmiles", "canonicalsmiles", "isomericsmiles")
_ID_NAMES = ("id", "identifier", "molid", "materialid", "compoundid")


class Columns(NamedTuple):
    """Positions in the header; None where there is no such column."""

    smiles: int | None
    id: int | None
    group: int | None
    targets: tuple[int, ...]


def find_columns(
    header: Sequence[str],
    sample: Sequence[Sequence[str]],
    *,
    targets: Sequence[str],
    smiles: str | None,
    id: str | None,
    group: str | None,
    notes: list[str],
    want_smiles: bool = True,
) -> Columns:
    """Positions of the columns that the user named or that can be guessed.

    Args:
        header: names.
        sample: first rows, of the header's length.
        targets: names of the properties.
        smiles: SMILES column, None to guess.
        id: column of ids, None to guess by name.
        group: column to split by, None for none.
        notes: is given a line for each guess.
        want_smiles: False for a list of structure files.

    Raises:
        InputError: a column is missing, not unique, or cannot be guessed.
    """

    def cells(position: int) -> list[str]:
        return [row[position] for row in sample]

    numeric = [name for k, name in enumerate(header) if looks_numeric(cells(k))]
    advice = f"Columns with numbers: {', '.join(numeric) or 'none'}."
    if (len(header[0]) > 2 and parses(header[0])) or any(map(_is_number, header)):
        advice += " The first line looks like data: a header line with the names must come first."
    found = tuple(find_column(name, header, "column", advice) for name in targets)
    for wanted, position in zip(targets, found, strict=True):
        if header[position] != wanted:
            notes.append(f"target {wanted!r} is taken as column {header[position]!r}")
    group_at = None if group is None else find_column(group, header, "column", "Name a column to group by.")
    id_at = _id_column(header, id, notes)
    smiles_at = None
    if smiles is not None:
        smiles_at = find_column(smiles, header, "column", "Name the SMILES column.")
    elif want_smiles:
        smiles_at = _smiles_column(header, cells, set(found), notes, advice)
    return Columns(smiles_at, id_at, group_at, found)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _id_column(header: Sequence[str], wanted: str | None, notes: list[str]) -> int | None:
    if wanted is not None:
        return find_column(wanted, header, "column", "Name the column of ids.")
    found = [k for k, name in enumerate(header) if bare(name) in _ID_NAMES]
    if len(found) != 1:
        return None
    notes.append(f"ids are taken from column {header[found[0]]!r}")
    return found[0]


def _smiles_column(
    header: Sequence[str],
    cells: Callable[[int], list[str]],
    taken: set[int],
    notes: list[str],
    advice: str,
) -> int:
    named = [k for name in _SMILES_NAMES for k in range(len(header)) if bare(header[k]) == name]
    scores = []
    for k in named or (k for k in range(len(header)) if k not in taken):
        filled = [cell.strip() for cell in cells(k) if cell.strip()]
        good = sum(map(parses, filled)) / max(len(filled), 1)
        scores.append((good, sum(map(len, filled)) / max(len(filled), 1), k))
    # Formulas, solvents and single letters parse too: of those that parse, the longest texts win.
    likely = [score for score in scores if score[0] >= 0.5]
    if likely:
        _, _, best = max(likely, key=lambda score: score[1] if not named else score[0])
        others = [header[k] for _, _, k in likely if k != best]
        notes.append(
            f"SMILES are taken from column {header[best]!r}"
            + (f" (not from {', '.join(others)}); name it to change that" if others else "")
        )
        return best
    if named:
        return named[0]  # the rows will say what is wrong with them
    raise InputError(
        f"no column holds SMILES: name it with --smiles-column. Columns: {', '.join(header)}. {advice}"
    )
