"""What reading a user's own data gives: items, targets, and an account of what was lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from mlmat.errors import InputError


class Skip(NamedTuple):
    """A row that was left out.

    Attributes:
        row: line of the table, number of the frame, or line of the list of ids; from 1.
        id: the row's id, its number where there is none.
        reason: why, in plain words.
    """

    row: int
    id: str
    reason: str


class Row(NamedTuple):
    """One line or frame of a file that is read for prediction.

    Attributes:
        line: line of the table or list, or number of the frame or file; from 1.
        id: its id or name, its number where there is none.
        text: the SMILES as written, or where the structure comes from.
        item: SMILES or `ase.Atoms`; None if the row cannot be used.
        reason: why not; None if it can.
    """

    line: int
    id: str
    text: str
    item: Any
    reason: str | None


@dataclass(frozen=True)
class OwnData:
    """A user's own data after all checks.

    Attributes:
        kind: ``"smiles"`` or ``"structure"``.
        items: SMILES as written, or `ase.Atoms`.
        targets: ``[N, P]`` float64 in `units`; NaN where one of several values is missing;
            class indices for a property with `labels`.
        properties: names of the P columns.
        units: of the P columns.
        ids: one for each item; the row number where the file has none.
        groups: labels to split by, or None.
        identity: canonical SMILES without stereo marks, or a hash of composition and
            distances: items with one identity must stay in one part of a split.
        notes: what was guessed, found or converted, in plain words.
        skips: rows left out.
        sha256: of the file; of the list of names and checksums if there are several.
        labels: property → names of its classes, for classification.
        forces: eV/Å or the unit given, ``[n, 3]`` for each item, if ``forces`` was a target.
        stress: ``[N, 6]`` in energy/Å³ (xx, yy, zz, yz, xz, xy; tension positive), if ``stress`` was
            a target; NaN where missing.
        parts: published part of each item (training, validation, test), or None.
    """

    kind: str
    items: list
    targets: np.ndarray
    properties: tuple[str, ...]
    units: tuple[str, ...]
    ids: list[str]
    groups: list[str] | None
    identity: list[str]
    notes: list[str]
    skips: list[Skip]
    sha256: str
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)
    forces: list[np.ndarray] | None = None
    stress: np.ndarray | None = None
    parts: list[str] | None = None

    def __len__(self) -> int:
        return len(self.items)


def frequent_reasons(skips: Sequence[Skip], most: int = 3) -> str:
    """The most frequent reasons, values and numbers in them left out: ``"41 x bad SMILES …"``."""
    kinds = Counter(re.sub(r"'[^']*'|\"[^\"]*\"|\d+", "…", skip.reason) for skip in skips)
    first = {}
    for skip in skips:
        first.setdefault(re.sub(r"'[^']*'|\"[^\"]*\"|\d+", "…", skip.reason), skip)
    return "; ".join(
        f"{count} x {kind} (first: row {first[kind].row})" for kind, count in kinds.most_common(most)
    )


def check_enough(path: str, kept: int, skips: Sequence[Skip]) -> None:
    """Refuse a file of which most was lost.

    Raises:
        InputError: no usable row, only one, or more than half of the rows skipped.
    """
    total = kept + len(skips)
    if total and len(skips) > total / 2:
        raise InputError(
            f"{path}: {len(skips)} of {total} rows cannot be used: {frequent_reasons(skips)}. "
            "Mend the file, or name other columns."
        )
    if kept < 2:
        raise InputError(f"{path} has {kept} usable row{'s' * (kept != 1)}: learning needs at least two")
