"""What is to be learnt: items with targets, and the numbers that describe the targets."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mlmat.data.own.contents import OwnData
from mlmat.errors import InputError

EXTENSIVE_R2 = 0.9
"""Counting atoms must explain this share of a target's variance before it is called extensive."""


@dataclasses.dataclass(frozen=True)
class Task:
    """Items and targets.

    Attributes:
        kind: ``"smiles"`` or ``"structure"``.
        items: SMILES strings, or `ase.Atoms`.
        targets: ``[N, P]`` in physical units, NaN where missing; class numbers ``[N, 1]``.
        properties: names of the targets.
        units: their units.
        classes: names of the classes; empty for regression.
        forces: ``[n, 3]`` of each item, if an energy is learnt with its gradient; NaN where unknown.
        stress: ``[N, 6]`` in energy/Å³ (xx, yy, zz, yz, xz, xy; tension positive), if it is learnt
            too; NaN where unknown.
        force_weights: ``[n]`` of each item: weights of the atoms' forces in the loss; None: 1.
        groups: kind of each item, by which errors of a potential are reported, too.
    """

    kind: str
    items: Sequence[Any]
    targets: np.ndarray
    properties: tuple[str, ...]
    units: tuple[str, ...]
    classes: tuple[str, ...] = ()
    forces: Sequence[np.ndarray] | None = None
    stress: np.ndarray | None = None
    force_weights: Sequence[np.ndarray] | None = None
    groups: Sequence[str] | None = None

    @property
    def crystals(self) -> bool:
        """Whether items are crystals, which repeat in three directions, and no forces are learnt of them."""
        return (
            self.kind == "structure" and self.forces is None and all(atoms.pbc.all() for atoms in self.items)
        )


def task_of(data: OwnData) -> Task:
    """The task that a user's file describes.

    Raises:
        InputError: several targets of which one is a class, or forces beside other targets
            than one energy.
    """
    classes = ()
    if data.labels:
        if len(data.properties) > 1:
            raise InputError("one class target at a time: name a single --target")
        classes = data.labels[data.properties[0]]
    if data.forces is not None and len(data.properties) > 1:
        raise InputError("forces go with one energy: name energy and forces as the only targets")
    targets = np.asarray(data.targets, float).reshape(len(data.items), -1)
    return Task(
        data.kind, data.items, targets, data.properties, data.units, classes, data.forces, data.stress,
        groups=data.groups,
    )  # fmt: skip


class Scaling(NamedTuple):
    """How targets are brought to the scale of a network's output.

    Attributes:
        mean: ``[P]``.
        scale: ``[P]``, never zero.
        reference: ``[E, P]`` contribution of each atom, or None.
        note: what was found, in plain words.
    """

    mean: np.ndarray
    scale: np.ndarray
    reference: np.ndarray | None
    note: str


def fit_scaling(
    counts: np.ndarray, targets: np.ndarray, train: np.ndarray, check: np.ndarray, extensive: bool | None
) -> Scaling:
    """Mean and spread of the training targets, or contributions of atoms where they add up.

    A target is extensive if counting atoms predicts the validation targets better than the
    shares of the elements do, and explains most of their variance. Then least squares gives
    every element its contribution (the reference energies of a potential), and the network,
    summed over atoms, learns the rest.

    Args:
        counts: ``[N, E]`` atoms of each element.
        targets: ``[N, P]``, NaN where missing.
        train: rows to fit.
        check: validation rows, for the decision.
        extensive: the user's word, or None to find out.
    """
    counts, targets = np.asarray(counts, float), np.asarray(targets, float)
    if extensive is None:
        extensive = all(_adds_up(counts, column, train, check) for column in targets.T)
        note = f"targets {'grow' if extensive else 'do not grow'} with the number of atoms (found out)"
    else:
        note = f"targets are taken as {'extensive' if extensive else 'intensive'}, as told"
    if not extensive:
        mean = np.nanmean(targets[train], axis=0)
        return Scaling(mean, _spread(targets[train]), None, note)
    reference = np.stack([_least_squares(counts[train], column) for column in targets[train].T], axis=1)
    rest = targets[train] - counts[train] @ reference
    return Scaling(np.zeros(targets.shape[1]), _spread(rest), reference, note)


def _spread(values: np.ndarray) -> np.ndarray:
    spread = np.nanstd(values, axis=0)
    return np.where(spread > 0, spread, 1.0)


def _least_squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    known = np.isfinite(y)
    # A trace of ridge: elements that always come together share their contribution.
    lifted = x[known].T @ x[known] + 1e-8 * len(y) * np.eye(x.shape[1])
    return np.linalg.solve(lifted, x[known].T @ y[known])


def _adds_up(counts: np.ndarray, y: np.ndarray, train: np.ndarray, check: np.ndarray) -> bool:
    check = check[np.isfinite(y[check])]
    if len(check) < 2 or not np.ptp(y[check]) or not np.ptp(counts[check].sum(axis=1)):
        return False
    shares = counts / counts.sum(axis=1, keepdims=True)
    by_shares = np.concatenate([shares, np.ones((len(y), 1))], axis=1)
    rest = [
        np.square(y[check] - x[check] @ _least_squares(x[train], y[train])).mean()
        for x in (counts, by_shares)
    ]
    return bool(rest[0] < rest[1] and 1 - rest[0] / y[check].var() > EXTENSIVE_R2)
