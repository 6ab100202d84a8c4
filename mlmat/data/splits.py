"""Splitting data so that the test set asks a fair question.

Splits are index arrays. Prefer `skeleton_split` for molecules: whole families of one
heavy-atom skeleton (bonds and elements erased) go to one side.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from mlmat.errors import InputError

FRACTIONS = (0.8, 0.1, 0.1)


class Split(NamedTuple):
    """Indices of the three parts, each sorted."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def _check(count: int, fractions: Sequence[float]) -> np.ndarray:
    shares = np.asarray(fractions, float)
    if count == 0:
        raise InputError("cannot split an empty set")
    if shares.shape != (3,) or (shares < 0).any() or abs(shares.sum() - 1) > 1e-9:
        raise InputError(f"fractions must be three numbers that sum to 1, not {tuple(fractions)}")
    return shares


def _cut(order: np.ndarray, shares: np.ndarray) -> Split:
    ends = np.round(np.cumsum(shares) * len(order)).astype(int)
    return Split(*(np.sort(part) for part in np.split(order, ends[:2])))


def random_split(count: int, fractions: Sequence[float] = FRACTIONS, seed: int = 0) -> Split:
    """Split at random; fair only if no two items are related."""
    shares = _check(count, fractions)
    return _cut(np.random.default_rng(seed).permutation(count), shares)


def stratified_split(
    values: np.ndarray, fractions: Sequence[float] = FRACTIONS, seed: int = 0, strata: int = 10
) -> Split:
    """Split at random inside each quantile of a target, so that the parts look alike.

    Raises:
        InputError: a value is NaN.
    """
    values = np.asarray(values, float)
    shares = _check(len(values), fractions)
    if np.isnan(values).any():
        raise InputError("cannot stratify by NaN: drop the items without a value first")
    rng = np.random.default_rng(seed)
    parts = [_cut(rng.permutation(rows), shares) for rows in np.array_split(np.argsort(values), strata) if len(rows)]
    return Split(*(np.sort(np.concatenate(side)) for side in zip(*parts, strict=True)))


def group_split(groups: Sequence[Hashable], fractions: Sequence[float] = FRACTIONS, seed: int = 0) -> Split:
    """Split so that every group is on one side only.

    Groups are dealt in random order, large ones first among their size class, each to
    the side that is furthest below its share; so the shares are met approximately.
    """
    shares = _check(len(groups), fractions)
    members: dict[Hashable, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    rng = np.random.default_rng(seed)
    keys = list(members)
    order = [keys[i] for i in rng.permutation(len(keys))]
    order.sort(key=lambda group: -int(np.log2(len(members[group]))))
    sides: list[list[int]] = [[], [], []]
    for group in order:
        missing = shares * len(groups) - [len(side) for side in sides]
        sides[int(missing.argmax())].extend(members[group])
    return Split(*(np.sort(np.array(side, int)) for side in sides))


def skeleton_split(smiles: Sequence[str], fractions: Sequence[float] = FRACTIONS, seed: int = 0) -> Split:
    """Split molecules by heavy-atom skeleton (see `mlmat.graphs.chemistry.skeleton`)."""
    from mlmat.graphs.chemistry import parse_smiles, skeleton

    return group_split([skeleton(parse_smiles(s)) for s in smiles], fractions, seed)


def kfold(
    count: int, folds: int, seed: int = 0, groups: Sequence[Hashable] | None = None
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cross-validation: ``folds`` pairs of (train, test) indices.

    Args:
        count: number of items.
        folds: number of parts, at least two.
        seed: of the order.
        groups: if given, a group is never cut.

    Raises:
        InputError: fewer than two folds, or more than items or groups.
    """
    labels = list(range(count)) if groups is None else list(groups)
    distinct = len(set(labels))
    if not 2 <= folds <= distinct:
        raise InputError(f"folds must lie between 2 and {distinct}, not {folds}")
    rng = np.random.default_rng(seed)
    members: dict[Hashable, list[int]] = {}
    for index, label in enumerate(labels):
        members.setdefault(label, []).append(index)
    parts: list[list[int]] = [[] for _ in range(folds)]
    keys = list(members)
    for i in rng.permutation(len(keys)):
        min(parts, key=len).extend(members[keys[i]])
    everything = np.arange(count)
    tests = [np.sort(np.array(part, int)) for part in parts]
    return [(np.setdiff1d(everything, test), test) for test in tests]
