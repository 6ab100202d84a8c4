"""A data set of the registry in the place of a user's file, for training."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlmat.data import registry
from mlmat.data.dataset import Dataset
from mlmat.data.own.contents import OwnData
from mlmat.data.own.geometry import identity_of_structure
from mlmat.data.own.records import FORCES, STRESS
from mlmat.data.structures import of_atoms, structures
from mlmat.errors import InputError


def registered_data(name: str, targets: Sequence[str] = (), data_dir: str | Path | None = None) -> OwnData:
    """Structures and properties of a set of the registry, in its own units.

    Args:
        name: of the set.
        targets: of its arrays; default: energy, forces and, where there is one, stress.
        data_dir: folder to look in first.

    Raises:
        UnknownDatasetError, DataError: as of `mlmat.data.registry.load`.
        InputError: a set without structures, no such array, one that is no number for each
            structure, or no targets named where there are no forces.
    """
    data = registry.load(name, data_dir)
    if "positions" not in data.arrays:
        raise InputError(f"{name} holds no structures; its arrays are {', '.join(data.arrays)}")
    targets = tuple(targets) or _mechanical(data)
    scalars = [target for target in targets if target not in (FORCES, STRESS)]
    numbers = [key for key, value in data.arrays.items() if value.ndim == 1 and value.dtype.kind == "f"]
    for target in targets:
        if target not in data.arrays or (target in scalars and target not in numbers):
            raise InputError(f"{name} has no {target!r} to learn; it has {', '.join(sorted(numbers))}")
    if not scalars or (STRESS in targets and FORCES not in targets):
        raise InputError(
            "forces and stress are learnt as derivatives of an energy: name energy and forces, too"
        )
    items = structures(data)
    sums = registry.checksums(name)
    item = registry.entry(name)
    return OwnData(
        kind="structure",
        items=items,
        targets=np.stack([data[target] for target in scalars], axis=1),
        properties=tuple(scalars),
        units=tuple(data.units[target] for target in scalars),
        ids=[str(row) for row in range(len(data))],
        groups=data["group"].tolist() if "group" in data.arrays else None,
        identity=[identity_of_structure(atoms) for atoms in items],
        notes=[f"{item.title}; cite {item.citation}", *([item.notes] if item.notes else [])],
        skips=[],
        sha256=next(iter(sums.values())) if len(sums) == 1 else _joined(sums),
        forces=of_atoms(data, FORCES) if FORCES in targets else None,
        stress=data[STRESS] if STRESS in targets else None,
        parts=data["split"].tolist() if "split" in data.arrays else None,
    )


def _mechanical(data: Dataset) -> tuple[str, ...]:
    if "forces" not in data.arrays or "energy" not in data.arrays:
        numbers = [key for key, value in data.arrays.items() if value.ndim == 1 and value.dtype.kind == "f"]
        raise InputError(f"name what is to be learnt: --target, one of {', '.join(sorted(numbers))}")
    return ("energy", FORCES, STRESS) if STRESS in data.arrays else ("energy", FORCES)


def _joined(sums: dict[str, str | None]) -> str:
    lines = sorted(f"{file} {value}\n" for file, value in sums.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()
