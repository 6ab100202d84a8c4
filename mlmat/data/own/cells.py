"""Cells of a table → numbers and classes."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence

import numpy as np

from mlmat.data.own.text import broken, readable
from mlmat.errors import InputError, TargetError

MISSING = frozenset(("", "nan", "na", "n/a", "none", "null", "-", "--", "?"))
"""Cells (lower case) that stand for no value."""

CLASSES = 100
"""More classes than this are taken for a mistake."""

_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")


def number(text: str, decimal_comma: bool = False) -> float:
    """A cell as a finite number, NaN if it is empty or says that there is no value.

    Args:
        text: the cell.
        decimal_comma: whether ``3,14`` is a number.

    Raises:
        TargetError: infinite, or not a number.
    """
    text = text.strip()
    if text.lower() in MISSING:
        return math.nan
    if decimal_comma and _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    if reason := broken(text):
        raise TargetError(f"{readable(text)!r}: {reason}")
    try:
        value = float(text)
    except ValueError:
        raise TargetError(f"{text!r} is not a number") from None
    if not math.isfinite(value):
        raise TargetError(f"{text!r} is infinite")
    return value


def has_decimal_comma(text: str) -> bool:
    """Whether a cell is a number written with a decimal comma."""
    return bool(_DECIMAL_COMMA.fullmatch(text.strip()))


def looks_numeric(cells: Sequence[str]) -> bool:
    """Whether at least half of the cells that are not empty are numbers, and one is."""
    filled = [cell for cell in cells if cell.strip().lower() not in MISSING]

    def good(cell: str) -> bool:
        try:
            return math.isfinite(number(cell, decimal_comma=True))
        except TargetError:
            return False

    return bool(filled) and sum(map(good, filled)) >= len(filled) / 2


def classes(cells: Sequence[str], name: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Class names → indices.

    Numbers that mean the same (``1`` and ``1.0``) are one class; classes are sorted, as
    numbers where all are.

    Returns:
        Indices ``[N]`` float64, NaN where the cell is empty; names of the classes.

    Raises:
        InputError: one class only, or more than `CLASSES`.
    """
    texts = [None if cell.strip().lower() in MISSING else cell.strip() for cell in cells]
    try:
        numbers = {text: float(text) for text in texts if text is not None}
        names = {text: f"{value:g}" for text, value in numbers.items()}
        order = [f"{value:g}" for value in sorted(set(numbers.values()))]
    except ValueError:
        names = {text: readable(text) for text in texts if text is not None}
        order = sorted(set(names.values()))
    if len(order) < 2:
        raise InputError(f"{name} has one class only ({', '.join(order) or 'none'}): nothing to learn")
    if len(order) > CLASSES:
        raise InputError(
            f"{name} has {len(order)} different values, too many for classes: use task regression"
        )
    index = {label: k for k, label in enumerate(order)}
    values = [math.nan if text is None else index[names[text]] for text in texts]
    return np.array(values, float), tuple(order)


def find_column(wanted: str, names: Sequence[str], what: str, advice: str = "") -> int:
    """Position of a column: by exact name, then ignoring case, then ignoring punctuation.

    Args:
        wanted: name given by the user.
        names: names there are.
        what: ``"column"`` or ``"property"``, for the message.
        advice: added to the message.

    Raises:
        InputError: no such column, or several; lists near names.
    """
    for form in (str, str.casefold, bare):
        found = [k for k, name in enumerate(names) if form(name) == form(wanted) and form(wanted)]
        if len(found) > 1:
            raise InputError(f"{what} {wanted!r} is not unique: {', '.join(names[k] for k in found)}")
        if found:
            return found[0]
    plain = {bare(name): name for name in names}
    near = [plain[key] for key in difflib.get_close_matches(bare(wanted), plain, n=3, cutoff=0.6)]
    near += [name for key, name in plain.items() if bare(wanted) and bare(wanted) in key and name not in near]
    hint = f"Did you mean {', '.join(map(repr, near))}? " if near else ""
    raise InputError(f"no {what} {wanted!r}. {hint}There are: {', '.join(names) or 'none'}. {advice}".strip())


def bare(name: str) -> str:
    """Letters and digits of a name in lower case, so that ``Mol_Smiles`` is ``molsmiles``."""
    return "".join(character for character in name.casefold() if character.isalnum())
