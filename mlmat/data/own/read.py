"""Reading a user's own data for training: every row is used, or skipped by name."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlmat.data.own import cells
from mlmat.data.own.contents import OwnData, Skip, check_enough
from mlmat.data.own.plausible import unit_name, unit_warning
from mlmat.data.own.records import FORCES, STRESS, Record, table_records
from mlmat.data.own.text import suffix_of
from mlmat.errors import InputError, TargetError
from mlmat.files import sha256
from mlmat.units import convert

TABLES = (".csv", ".tsv", ".txt", ".dat")


def read_own_data(
    path: str | Path,
    *,
    targets: Sequence[str],
    units: Sequence[str] | str,
    smiles_column: str | None = None,
    id_column: str | None = None,
    group_column: str | None = None,
    structures: str | Path | None = None,
    task: str = "regression",
) -> OwnData:
    """Read materials and properties from a user's file, and say what was guessed and skipped.

    Args:
        path: CSV or TSV with SMILES (``.xz``, ``.gz`` or ``.zip`` too); xyz or extxyz with
            values in its comment lines; ASE database; a folder of structure files with a
            CSV of ids.
        targets: names of the properties; ``"forces"`` (with ``"energy"``) reads forces, and
            ``"stress"`` with them stress.
        units: one for each target, or one for all; see `mlmat.units`.
        smiles_column: None guesses it.
        id_column: None takes a column called id, or the row number.
        group_column: labels that a split must not cut.
        structures: folder that holds the structures named in the table `path`.
        task: ``"regression"`` or ``"classification"``.

    Raises:
        DataError: the file is missing, empty, damaged or not what its name says.
        InputError: a column is missing, ids are not unique, one class only, fewer than two
            rows, or more than half of the rows cannot be used (names the reasons).
    """
    names = [targets] if isinstance(targets, str) else list(targets)
    if not names or len(set(names)) != len(names):
        raise InputError("name at least one target, each once")
    if task not in ("regression", "classification"):
        raise InputError(f"unknown task {task!r}: choose regression or classification")
    unit_list = [units] * len(names) if isinstance(units, str) else list(units)
    if len(unit_list) != len(names):
        raise InputError(
            f"{len(unit_list)} units for {len(names)} targets: give one for each, or one for all"
        )
    notes: list[str] = []
    unit_of = {}
    for name, unit in zip(names, unit_list, strict=True):
        unit_of[name], note = unit_name(unit)
        notes += [note] if note and note not in notes else []
    scalars = [name for name in names if name not in (FORCES, STRESS)]
    if not scalars:
        raise InputError("forces need an energy to be the gradient of: name both targets")
    if STRESS in names and FORCES not in names:
        raise InputError("stress is learnt together with forces: name energy, forces and stress")
    path = Path(path)
    options = {"smiles": smiles_column, "id": id_column, "group": group_column}
    records, files = _records(path, scalars, FORCES in names, options, structures, notes)
    kept, skips, values, labels = _targets(records, scalars, task, str(path), notes)
    _check_ids([record.id for record in kept], path)
    identity = [record.identity for record in kept]
    notes += _repeats(identity, values, scalars)
    if task == "regression":
        warnings = [unit_warning(column, unit_of[p], p) for p, column in zip(scalars, values.T, strict=True)]
        notes += [f"warning: {warning}" for warning in warnings if warning]
    return OwnData(
        kind="smiles" if isinstance(kept[0].item, str) else "structure",
        items=[record.item for record in kept],
        targets=values,
        properties=tuple(scalars),
        units=tuple(unit_of[name] for name in scalars),
        ids=[str(record.row) if record.id is None else record.id for record in kept],
        groups=None if group_column is None else [record.group or "" for record in kept],
        identity=identity,
        notes=notes,
        skips=skips,
        sha256=files if isinstance(files, str) else _checksum(files),
        labels=labels,
        forces=_forces(kept, unit_of, scalars[0]) if FORCES in names else None,
        stress=_stress(kept, unit_of, scalars[0]) if STRESS in names else None,
    )


def _forces(records: list[Record], unit_of: dict[str, str], energy: str) -> list[np.ndarray]:
    """Forces in the unit of the energy per Å, whatever length they were given in."""
    unit = unit_of[FORCES]
    if unit == unit_of[energy]:  # one unit for all: the energy's, and Å
        return [record.forces for record in records]
    try:
        numerator, denominator = unit.rsplit("/", 1)
        factor = convert(1.0, numerator, unit_of[energy]) / convert(1.0, denominator, "Å")
    except (ValueError, InputError) as error:
        raise InputError(
            f"forces in {unit!r} cannot be brought to {unit_of[energy]}/Å: give their unit as "
            f"ENERGY/LENGTH, such as {unit_of[energy]}/Å or hartree/bohr"
        ) from error
    return [factor * record.forces for record in records]


def _stress(records: list[Record], unit_of: dict[str, str], energy: str) -> np.ndarray:
    """Stress in the unit of the energy per Å³; NaN where a structure has none."""
    unit = unit_of[STRESS]
    try:
        if unit != unit_of[energy]:  # one unit for all: the energy's, and Å
            factor = convert(1.0, unit, "eV/Å^3") / convert(1.0, unit_of[energy], "eV")
        else:
            factor = 1.0
    except InputError as error:
        raise InputError(
            f"stress in {unit!r} cannot be brought to {unit_of[energy]}/Å^3: give a unit of pressure, such "
            "as eV/Å^3, GPa or kbar (tension positive, as ASE has it)"
        ) from error
    return np.array([np.full(6, np.nan) if r.stress is None else factor * r.stress for r in records])


def _records(
    path: Path,
    targets: list[str],
    forces: bool,
    options: dict[str, str | None],
    structures: str | Path | None,
    notes: list[str],
) -> tuple[list[Record], list[Path]]:
    """Records of any kind of file, and the files that were read."""
    # ASE takes a second to import, and a table of SMILES does not need it: imported where used.
    if path.is_dir() or structures is not None:
        from mlmat.data.own.folder import folder_records

        if forces:
            raise InputError("forces come from extxyz files or ASE databases, not from a folder with a CSV")
        return folder_records(path, targets, options, structures, notes)
    suffix = suffix_of(path)
    if suffix in TABLES:
        if forces:
            raise InputError("a table of SMILES holds no forces: give an extxyz file or an ASE database")
        return list(table_records(path, targets, options, notes)), [path]
    from mlmat.data.own.frames import frame_records

    return list(frame_records(path, targets, forces, options, notes)), [path]


def _targets(
    records: list[Record], names: list[str], task: str, path: str, notes: list[str]
) -> tuple[list[Record], list[Skip], np.ndarray, dict[str, tuple[str, ...]]]:
    """Texts → numbers or classes; rows without a usable value become skips."""
    skips, kept, rows = [], [], []
    commas = sum(
        cells.has_decimal_comma(v) for record in records for v in record.values if isinstance(v, str)
    )
    if commas and task == "regression":
        notes.append(f"decimal commas are read as points in {commas} values")
    for record in records:
        reason, values = record.reason, []
        if reason is None:
            values, reason = _values(record, names, task)
        if reason is None:
            kept.append(record)
            rows.append(values)
        else:
            skips.append(Skip(record.row, str(record.row) if record.id is None else record.id, reason))
    check_enough(path, len(kept), skips)
    labels: dict[str, tuple[str, ...]] = {}
    if task == "regression":
        return kept, skips, np.array(rows, float).reshape(len(kept), len(names)), labels
    columns = []
    for p, name in enumerate(names):
        column, labels[name] = cells.classes([row[p] for row in rows], name)
        columns.append(column)
    return kept, skips, np.stack(columns, axis=1), labels


def _values(record: Record, names: list[str], task: str) -> tuple[list, str | None]:
    if task == "classification":
        texts = [str(value) for value in record.values]
        empty = all(text.strip().lower() in cells.MISSING for text in texts)
        return texts, f"no value of {', '.join(names)}" if empty else None
    values = []
    for name, value in zip(names, record.values, strict=True):
        try:
            values.append(cells.number(str(value), decimal_comma=True))
        except TargetError as error:
            return [], f"{name}: {error}"
    return values, f"no value of {', '.join(names)}" if np.isnan(values).all() else None


def _check_ids(ids: list[str | None], path: Path) -> None:
    twice = [name for name, count in Counter(name for name in ids if name is not None).items() if count > 1]
    if twice:
        shown = ", ".join(twice[:5]) + (", ..." if len(twice) > 5 else "")
        raise InputError(
            f"{path}: {len(twice)} ids occur more than once ({shown}). Make them unique, or name another "
            "column of ids."
        )


def _repeats(identity: list[str], values: np.ndarray, names: list[str]) -> list[str]:
    """A note on materials that occur more than once, and how far their values disagree."""
    rows: dict[str, list[int]] = {}
    for k, name in enumerate(identity):
        rows.setdefault(name, []).append(k)
    repeated = [members for members in rows.values() if len(members) > 1]
    if not repeated:
        return []
    spreads = [float(np.ptp(column)) for k in repeated if not np.isnan(column := values[k, 0]).any()]
    return [
        f"{len(repeated)} materials occur more than once ({len(identity) - len(rows)} rows more than "
        f"materials; {names[0]} differs by up to {max(spreads, default=0):g} within one): "
        "a split keeps them together"
    ]


def _checksum(files: list[Path]) -> str:
    if len(files) == 1:
        return sha256(files[0])
    lines = sorted(f"{file.name} {sha256(file)}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
