"""Items of a data set as `ase.Atoms`, and its published parts."""

from __future__ import annotations

from collections.abc import Sequence

import ase
import numpy as np

from mlmat.data.dataset import Dataset
from mlmat.data.splits import Split
from mlmat.errors import InputError

SHARE = 0.1
"""Of the training part, taken for validation where a set has no such part."""


def structures(data: Dataset, rows: Sequence[int] | None = None) -> list[ase.Atoms]:
    """Molecules or periodic structures, without their labels.

    Args:
        data: with geometries; ``cell [m, 3, 3]`` and ``pbc [m, 3]`` where it is periodic.
        rows: which items, in this order; default all.

    Raises:
        InputError: a set without geometries, or no such item.
    """
    found = []
    for row in range(len(data)) if rows is None else rows:
        numbers, positions = data.molecule(int(row))
        atoms = ase.Atoms(numbers, positions)
        if "cell" in data.arrays:
            atoms.cell, atoms.pbc = data["cell"][row], data["pbc"][row]
        found.append(atoms)
    return found


def of_atoms(data: Dataset, name: str, rows: Sequence[int] | None = None) -> list[np.ndarray]:
    """An array over atoms, such as ``"forces"``, as one array ``[n, …]`` for each item."""
    parts = np.split(data[name], data.offsets[1:-1])
    return parts if rows is None else [parts[int(row)] for row in rows]


def published_split(data: Dataset, seed: int = 0, share: float = SHARE) -> Split:
    """The parts that the authors of a set give; see `split_by_parts`.

    Raises:
        InputError: a set without a published test part.
    """
    parts = data["split"] if "split" in data.arrays else None
    return split_by_parts(parts, data.arrays.get("group"), seed, share)


def split_by_parts(
    parts: Sequence[str] | None, groups: Sequence[str] | None = None, seed: int = 0, share: float = SHARE
) -> Split:
    """The split that the names of parts describe.

    Without a validation part, a share of the training part is taken for it: drawn within each
    group, so that every kind of structure is in both.

    Args:
        parts: ``[N]`` training, validation or test; other items are left out.
        groups: ``[N]`` kinds of items.
        seed: of the draw.
        share: of the training part.

    Raises:
        InputError: no parts, or no test part.
    """
    parts = np.asarray([] if parts is None else parts)
    if not (parts == "test").any():
        raise InputError("these data have no published test part: use another split, such as random")
    train, check, test = (np.flatnonzero(parts == part) for part in ("training", "validation", "test"))
    if len(check):
        return Split(train, check, test)
    kinds = np.full(len(train), "") if groups is None else np.asarray(groups)[train]
    generator = np.random.default_rng(seed)
    # Shuffled first, then sorted by group, every 1/share-th row: each group gives its share.
    order = generator.permutation(len(train))
    order = order[np.argsort(kinds[order], kind="stable")]
    step = round(1 / share)
    chosen = np.zeros(len(train), bool)
    chosen[order[int(generator.integers(step)) :: step]] = True
    return Split(train[~chosen], train[chosen], test)
