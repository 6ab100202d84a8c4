"""Records of structures that carry their own values: extxyz files and ASE databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ase.stress import full_3x3_to_voigt_6_stress

from mlmat.data.own.cells import find_column
from mlmat.data.own.geometry import identity_of_structure
from mlmat.data.own.records import FORCES, STRESS, Record
from mlmat.data.own.structures import Frame, read_frames
from mlmat.errors import InputError

_SYNONYMS = {"forces": ("forces", "force"), "energy": ("energy", "Energy", "free_energy")}


def frame_records(
    path: Path, targets: list[str], forces: bool, options: dict[str, str | None], notes: list[str]
) -> Iterator[Record]:
    """Records of every frame; a target's name is matched on the first good frame.

    Raises:
        InputError: a target, id or group name that no frame has; a SMILES column was named.
        DataError: as of `read_frames`.
    """
    if options["smiles"] is not None:
        raise InputError(f"{path} holds structures, not SMILES: leave the SMILES column out")
    keys: dict[str, str] = {}
    for frame in read_frames(path):
        if frame.reason is not None:
            yield Record(frame.number, None, None, "", (), None, None, frame.reason)
            continue
        missing = [name for name in targets if name not in keys]
        if missing:
            keys |= _match(missing, frame, notes, must=not keys)
        yield _record(frame, targets, forces, keys, options)


def _match(names: list[str], frame: Frame, notes: list[str], must: bool) -> dict[str, str]:
    """Target → key of the frame's values; later frames may bring keys the first one lacks."""
    there = [key for key, value in frame.values.items() if np.ndim(value) == 0]
    found = {}
    for name in names:
        try:
            found[name] = there[find_column(name, there, "property", "Values stand in the comment line.")]
        except InputError:
            if must:
                raise
            continue
        if found[name] != name:
            notes.append(f"target {name!r} is taken as {found[name]!r}")
    return found


def _record(
    frame: Frame, targets: list[str], forces: bool, keys: dict[str, str], options: dict[str, str | None]
) -> Record:
    values = frame.values
    reason = None
    group = options["group"]
    label = None if group is None else values.get(group)
    if group is not None and label is None:
        reason = f"no label {group!r}"
    id_key = options["id"] or next((key for key in ("id", "identifier", "mol_id") if key in values), None)
    name = None if id_key is None else values.get(id_key)
    found = None
    if forces:
        found = next((values[key] for key in _SYNONYMS[FORCES] if values.get(key) is not None), None)
        found = None if found is None else np.asarray(found, float)
        if found is None or found.shape != (len(frame.atoms), 3) or not np.isfinite(found).all():
            reason = "no forces, or not three finite numbers for each atom"
    return Record(
        frame.number,
        None if name is None else str(name),
        frame.atoms,
        identity_of_structure(frame.atoms),
        [_text(values.get(keys.get(target))) for target in targets],
        None if label is None else str(label),
        found,
        reason,
        _stress(values.get(STRESS)),
    )


def _stress(value: Any) -> np.ndarray | None:
    """Six components in ASE's order, of six or nine numbers."""
    numbers = np.array([]) if value is None else np.asarray(value, float).ravel()
    if len(numbers) == 9:
        numbers = full_3x3_to_voigt_6_stress(numbers.reshape(3, 3))
    return numbers if len(numbers) == 6 and np.isfinite(numbers).all() else None


def _text(value: Any) -> Any:
    return "" if value is None else value
