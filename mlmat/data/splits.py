"""Splitting data so that the test set asks a fair question.

Splits are index arrays. Prefer `skeleton_split` for molecules: whole families of one
heavy-atom skeleton (bonds and elements erased) go to one side.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np

from mlmat.data.dataset import Dataset
from mlmat.errors import InputError, SmilesError, TargetError

FRACTIONS = (0.8, 0.1, 0.1)


class Split(NamedTuple):
    """Indices of the three parts, each sorted."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    @property
    def fractions(self) -> tuple[float, float, float]:
        """Shares that were reached; with groups they only come near the wanted ones."""
        total = sum(len(part) for part in self)
        return tuple(len(part) / total for part in self)


def split(
    data: Dataset | int,
    by: str = "random",
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    *,
    target: str | np.ndarray | None = None,
    groups: str | Sequence[Hashable] | None = None,
    folds: int = 5,
) -> Split | list[tuple[np.ndarray, np.ndarray]]:
    """Split a data set, or a number of items.

    Args:
        data: data set, or number of items (not for ``"skeleton"``).
        by: ``"random"``, ``"stratified"`` (needs `target`), ``"group"`` (needs `groups`),
            ``"skeleton"`` (needs an array ``smiles``) or ``"kfold"`` (groups optional).
        fractions: train, validation, test; ignored by ``"kfold"``.
        seed: of the random order.
        target: values ``[m]``, or the name of an array.
        groups: labels ``[m]``, or the name of an array.
        folds: number of parts of ``"kfold"``.

    Returns:
        A `Split`; for ``"kfold"`` the pairs of `kfold`.

    Raises:
        InputError: an unknown `by`, a missing or too short argument, or as of the function used.
    """
    needs = {"stratified": ("target", target), "group": ("groups", groups)}
    if by in needs and needs[by][1] is None:
        raise InputError(
            f"split by={by!r} needs {needs[by][0]}=: values of every item, or the name of an array"
        )
    if by == "random":
        return random_split(_count(data), fractions, seed)
    if by == "stratified":
        return stratified_split(_column(data, target), fractions, seed)
    if by == "group":
        return group_split(_column(data, groups).tolist(), fractions, seed)
    if by == "skeleton":
        return skeleton_split(_column(data, "smiles").tolist(), fractions, seed)
    if by == "kfold":
        return kfold(_count(data), folds, seed, None if groups is None else _column(data, groups).tolist())
    raise InputError(f"unknown split {by!r}: choose random, stratified, group, skeleton or kfold")


def _count(data: Dataset | int) -> int:
    return len(data) if isinstance(data, Dataset) else data


def _column(data: Dataset | int, values: str | Sequence) -> np.ndarray:
    """An array of the data set by name, or the caller's own, one value per item."""
    if isinstance(values, str):
        if not isinstance(data, Dataset):
            raise InputError(f"an array named {values!r} needs a data set, not a number of items")
        return data[values]
    if len(values) != _count(data):
        raise InputError(f"{len(values)} values for {_count(data)} items: give one for each")
    # Object, so that labels of mixed types stay what they are.
    return values if isinstance(values, np.ndarray) else np.fromiter(values, object, len(values))


def _check(count: int, fractions: Sequence[float]) -> np.ndarray:
    shares = np.asarray(fractions, float)
    if count < 1:
        raise InputError("cannot split an empty set")
    # Written so that NaN fails too.
    if shares.shape != (3,) or not (shares >= 0).all() or not abs(shares.sum() - 1) <= 1e-9:
        raise InputError(f"fractions must be three numbers that sum to 1, not {tuple(fractions)}")
    return shares


def _cut(order: np.ndarray, shares: np.ndarray) -> Split:
    ends = np.round(np.cumsum(shares) * len(order)).astype(int)
    return Split(*(np.sort(part) for part in np.split(order, ends[:2])))


def _filled(parts: Split, shares: np.ndarray) -> Split:
    """The split, if every part that was asked for got something."""
    empty = [
        name
        for name, part, share in zip(parts._fields, parts, shares, strict=True)
        if share and not len(part)
    ]
    if empty:
        raise InputError(
            f"nothing left for {', '.join(empty)}: too few items or groups; set that fraction to 0"
        )
    return parts


def random_split(count: int, fractions: Sequence[float] = FRACTIONS, seed: int = 0) -> Split:
    """Split at random; fair only if no two items are related."""
    shares = _check(count, fractions)
    return _filled(_cut(np.random.default_rng(seed).permutation(count), shares), shares)


def stratified_split(
    values: np.ndarray, fractions: Sequence[float] = FRACTIONS, seed: int = 0, strata: int = 10
) -> Split:
    """Split at random inside each quantile of a target, so that the parts look alike.

    Raises:
        TargetError: a value is NaN.
    """
    values = np.asarray(values, float)
    shares = _check(len(values), fractions)
    if np.isnan(values).any():
        raise TargetError("cannot stratify by NaN: drop the items without a value first")
    # Smaller strata would round the smallest part down to nothing.
    strata = max(1, min(strata, int(len(values) * shares[shares > 0].min())))
    rng = np.random.default_rng(seed)
    quantiles = np.array_split(np.argsort(values, kind="stable"), strata)
    parts = [_cut(rng.permutation(rows), shares) for rows in quantiles]
    return _filled(Split(*(np.sort(np.concatenate(side)) for side in zip(*parts, strict=True))), shares)


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
    return _filled(Split(*(np.sort(np.array(side, int)) for side in sides)), shares)


def skeleton_split(smiles: Sequence[str], fractions: Sequence[float] = FRACTIONS, seed: int = 0) -> Split:
    """Split molecules by heavy-atom skeleton (see `mlmat.graphs.chemistry.skeleton`).

    Unlike the design space, this takes any element and charge.

    Raises:
        SmilesError: a SMILES that RDKit cannot read.
    """
    # RDKit is slow to import, and no other split needs it.
    from rdkit import Chem

    from mlmat.graphs.chemistry import silence_rdkit, skeleton

    groups = []
    with silence_rdkit():
        for text in smiles:
            molecule = Chem.MolFromSmiles(text)
            if molecule is None or molecule.GetNumAtoms() == 0:
                raise SmilesError(text)
            groups.append(skeleton(molecule))
    return group_split(groups, fractions, seed)


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
