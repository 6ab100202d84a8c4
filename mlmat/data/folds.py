"""Splits and folds that keep duplicates together, by the names the command line uses."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mlmat.data.splits import FRACTIONS, Split, group_split, kfold, random_split
from mlmat.errors import InputError, SmilesError

NAMES = "random, skeleton, group:LABEL, kfold, kfold:K, kfold:K:LABEL or leave-out:LABEL"
FOLDS = 5
MOST_LEFT_OUT = 30
"""Labels that a leave-out split takes at most: each is a training of its own."""


class OuterFold(NamedTuple):
    """One outer fold of nested cross-validation; all indices count items of the whole set.

    Attributes:
        train: everything the search may look at, sorted.
        test: what only the outer score sees, sorted.
        inner: (train, validation) pairs, each a partition of `train`.
    """

    train: np.ndarray
    test: np.ndarray
    inner: list[tuple[np.ndarray, np.ndarray]]


def k_folds(groups_or_n: Sequence[Hashable] | int, k: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(train, test) indices of `k` folds of a number of items, or of items with group labels.

    Raises:
        InputError: fewer than two folds, or more than items or groups.
    """
    if isinstance(groups_or_n, (int, np.integer)):
        return kfold(int(groups_or_n), k, seed)
    return kfold(len(groups_or_n), k, seed, groups_or_n)


def nested(
    groups_or_n: Sequence[Hashable] | int, outer: int = 5, inner: int = 4, seed: int = 0
) -> Iterator[OuterFold]:
    """Outer folds of nested cross-validation, each with inner folds of its own training part.

    Raises:
        InputError: fewer than two folds, or more than items or groups.
    """
    whole = isinstance(groups_or_n, (int, np.integer))
    for number, (train, test) in enumerate(k_folds(groups_or_n, outer, seed)):
        rest = len(train) if whole else [groups_or_n[i] for i in train]
        pairs = [(train[a], train[b]) for a, b in k_folds(rest, inner, seed + 1 + number)]
        yield OuterFold(train, test, pairs)


def joined(*labels: Sequence[Hashable]) -> np.ndarray:
    """Labels ``[n]`` of the groups that hold together whatever shares any of the labels.

    Two items are in one group if a chain of items leads from one to the other in which
    neighbours share at least one label. A label of None is shared with nothing.

    Raises:
        InputError: labels of different length.
    """
    if len({len(column) for column in labels}) != 1:
        raise InputError(f"labels differ in length: {[len(column) for column in labels]}; give one per item")
    parent = list(range(len(labels[0])))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for column in labels:
        first: dict[Hashable, int] = {}
        for item, label in enumerate(column):
            if label is not None:
                a, b = root(first.setdefault(label, item)), root(item)
                parent[max(a, b)] = min(a, b)
    return np.array([root(item) for item in range(len(parent))], int)


def grouped_split(
    identity: Sequence[Hashable], fractions: Sequence[float] = FRACTIONS, seed: int = 0
) -> Split:
    """Random split by fractions in which equal items never part.

    Args:
        identity: ``[n]`` what makes two items the same (canonical SMILES, structure hash);
            None for an item that equals no other.
        fractions: train, validation, test.
        seed: of the random order.

    Raises:
        InputError: bad fractions, or a part that would stay empty.
    """
    return _deal(joined(identity), fractions, seed)


def _deal(labels: np.ndarray, fractions: Sequence[float], seed: int) -> Split:
    # Without duplicates the shares can be met exactly, and a million items take no time.
    if len(np.unique(labels)) == len(labels):
        return random_split(len(labels), fractions, seed)
    return group_split(labels.tolist(), fractions, seed)


def split_by_name(
    name: str,
    smiles_or_none: Sequence[str] | None,
    identity: Sequence[Hashable],
    groups: Mapping[str, Sequence[Hashable]] | None = None,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
) -> list[Split]:
    """Splits by the name a user types; whatever the name, equal items stay together.

    Args:
        name: ``"random"``; ``"skeleton"`` (families of molecules with the same bare
            graph); ``"group:LABEL"``; ``"kfold"``, ``"kfold:10"`` or, with groups in one fold
            each, ``"kfold:10:LABEL"``; ``"leave-out:LABEL"``, where each group is tested on once.
        smiles_or_none: ``[n]`` SMILES; None for structures.
        identity: ``[n]`` what makes two items the same, see `grouped_split`.
        groups: labels ``[n]`` by name, for ``LABEL``.
        fractions: train, validation, test. For ``"kfold"`` and ``"leave-out"`` the test part is a
            fold, and the rest is shared out in the ratio of the first two: by groups, or where they
            are too few for that, by items.
        seed: of the random order.

    Returns:
        One split; for ``"kfold"`` and ``"leave-out"`` one per fold, whose test parts make up the
        whole set.

    Raises:
        InputError: unknown name, no such column, no SMILES, too few items or groups.
        SmilesError: a SMILES that RDKit cannot read.
    """
    kind, _, detail = name.partition(":")
    if kind == "random" and not detail:
        return [grouped_split(identity, fractions, seed)]
    if kind == "skeleton" and not detail:
        if smiles_or_none is None:
            raise InputError("split skeleton needs molecules as SMILES: use random, kfold or group:COLUMN")
        return [_deal(joined(identity, _skeletons(smiles_or_none)), fractions, seed)]
    if kind == "group" and detail:
        return [_deal(joined(identity, _labels(name, groups)), fractions, seed)]
    if kind == "leave-out" and detail:
        whole = joined(identity, _labels(name, groups))
        count = len(np.unique(whole))
        if count > MOST_LEFT_OUT:
            raise InputError(
                f"split {name}: {count} groups would be {count} trainings: use kfold:{FOLDS}:{detail}"
            )
        return _fold_splits(whole, count, fractions, seed, joined(identity))
    number, _, label = detail.partition(":")
    if kind == "kfold" and (not number or number.isdecimal()):
        equal = joined(identity)
        whole = joined(identity, _labels(name, groups)) if label else equal
        return _fold_splits(whole, int(number or FOLDS), fractions, seed, equal)
    raise InputError(f"unknown split {name!r}: choose {NAMES}")


def label_of(name: str) -> str | None:
    """The label that a split goes by: ``"solvent"`` for ``"group:solvent"``; None if it needs none."""
    kind, _, detail = name.partition(":")
    if kind == "kfold":
        detail = detail.partition(":")[2]
    return detail if detail and kind in ("group", "kfold", "leave-out") else None


def _labels(name: str, groups: Mapping[str, Sequence[Hashable]] | None) -> Sequence[Hashable]:
    label, columns = label_of(name), groups or {}
    if label not in columns:
        raise InputError(f"split {name}: no column {label!r}; there are {', '.join(columns) or 'none'}")
    return columns[label]


def _fold_splits(
    labels: np.ndarray, k: int, fractions: Sequence[float], seed: int, equal: np.ndarray
) -> list[Split]:
    """Folds of whole groups; validation parts, too, where there are groups enough for that."""
    train_share, validation_share = fractions[0], fractions[1]
    if not train_share > 0 or not validation_share >= 0:
        raise InputError(f"fractions {tuple(fractions)} leave nothing to train on: raise the first one")
    share = validation_share / (train_share + validation_share)
    splits = []
    for number, (rest, test) in enumerate(k_folds(labels.tolist(), k, seed)):
        shares = 1 - share, share, 0.0
        try:
            inner = _deal(labels[rest], shares, seed + 1 + number)
        except InputError:  # the groups are too few, or too large, for a part of their own
            inner = _deal(equal[rest], shares, seed + 1 + number)
        splits.append(Split(rest[inner.train], rest[inner.validation], test))
    return splits


def _skeletons(smiles: Sequence[str]) -> list[str]:
    """Heavy-atom skeleton of each molecule, elements and bonds erased."""
    # RDKit is slow to import, and no other split needs it.
    from rdkit import Chem

    from mlmat.graphs.chemistry import silence_rdkit, skeleton

    labels = []
    with silence_rdkit():
        for text in smiles:
            molecule = Chem.MolFromSmiles(text)
            if molecule is None or molecule.GetNumAtoms() == 0:
                raise SmilesError(text)
            labels.append(skeleton(molecule))
    return labels
