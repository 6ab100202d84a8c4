"""What every model is printed beside: the mean, the nearest neighbour, tuned kernel ridge.

Three predictions that need no network and a few seconds. A model that does not beat them
has learned nothing that a table look-up does not know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mlmat.errors import InputError
from mlmat.learners.baseline_kernels import Comparison, gaussian, tanimoto
from mlmat.learners.cholesky import factorise, solve

if TYPE_CHECKING:
    import ase

TUNING_ROWS = (700, 2000)
"""Training rows for trying all hyperparameters, then the best ones: a solve grows with the cube."""

CHECK_ROWS = 1500
"""Most validation rows used for tuning."""

TEST_ROWS = 2000
"""Test rows whose kernel is in memory at a time."""


class Baselines(NamedTuple):
    """What the baselines predict, and from what.

    Attributes:
        predictions: name → ``[n_test]`` in the unit of the target, or class labels.
        tuned: name → hyperparameters and their validation error (MAE, or the share of
            wrong labels).
        rows: name → training rows used.
        notes: name → what a reader should know, e.g. that rows were left out.
    """

    predictions: dict[str, np.ndarray]
    tuned: dict[str, dict[str, float]]
    rows: dict[str, int]
    notes: dict[str, str]


def run_baselines(
    kind: str,
    train_items: Sequence[str | ase.Atoms],
    train_y: np.ndarray,
    validation_items: Sequence[str | ase.Atoms],
    validation_y: np.ndarray,
    test_items: Sequence[str | ase.Atoms],
    *,
    max_rows: int = 4000,
    seed: int = 0,
    classification: bool = False,
) -> Baselines:
    """Fit all baselines for one target and predict the test items.

    Molecules are compared by the Tanimoto kernel of Morgan counts, structures by a
    Gaussian kernel of standardised `mlmat.graphs.structure_features`. Kernel ridge is
    tuned on the validation part. Labels are fitted one against the rest.

    Args:
        kind: ``"smiles"`` or ``"structure"``.
        train_items: SMILES strings, or structures.
        train_y: ``[n_train]`` targets or class labels; rows with NaN are dropped.
        validation_items: as `train_items`.
        validation_y: as `train_y`.
        test_items: to predict.
        max_rows: training rows beyond this number are left out, at random (the mean uses
            all of them).
        seed: of that choice.
        classification: whether targets are class labels.

    Raises:
        InputError: unknown `kind`, lengths that differ, no training rows with a value, or
            no validation rows with one.
    """
    if kind not in ("smiles", "structure"):
        raise InputError(f"unknown kind of items {kind!r}: choose smiles or structure")
    items, y = _with_value(train_items, train_y, "training")
    check_items, check_y = _with_value(validation_items, validation_y, "validation")
    constant = _majority(y) if classification else float(y.mean())
    name = "majority class" if classification else "mean"
    predictions = {name: np.full(len(test_items), constant)}
    rows, notes, total = {name: len(y)}, {name: ""}, len(y)

    random = np.random.default_rng(seed)
    if total > max_rows:
        chosen = np.sort(random.choice(total, max_rows, replace=False))
        items, y = [items[k] for k in chosen], y[chosen]
    few = random.permutation(len(check_y))[:CHECK_ROWS]
    check_items, check_y = [check_items[k] for k in few], check_y[few]
    compare = tanimoto(items) if kind == "smiles" else gaussian(items)

    ridge = _Ridge(y, classification)
    tuned, kernel = _tune(ridge, compare, check_items, check_y, random)
    weights, tuned["regularisation"] = _solve_all(ridge, kernel(compare.train), tuned["regularisation"])
    neighbours, fitted = [], []
    for start in range(0, len(test_items), TEST_ROWS):
        raw = compare.to_train(test_items[start : start + TEST_ROWS])
        neighbours.append(y[compare.nearest(raw)])
        fitted.append(ridge.read(kernel(raw) @ weights))
    for name, parts in (("nearest neighbour", neighbours), ("kernel ridge", fitted)):
        predictions[name] = np.concatenate(parts) if parts else np.zeros(0)
        rows[name] = len(y)
        notes[name] = f"{len(y):,} of {total:,} training rows, at random" if len(y) < total else ""
    return Baselines(predictions, {"kernel ridge": tuned}, rows, notes)


class _Ridge:
    """Kernel ridge regression of one target, or of one indicator per class."""

    def __init__(self, y: np.ndarray, classification: bool):
        self.labels = np.unique(y) if classification else None
        self.targets = (y[:, None] == self.labels).astype(float) if classification else y[:, None]
        self.mean = self.targets.mean(axis=0)

    def solve(self, kernel: np.ndarray, rows: np.ndarray | slice, regularisation: float) -> np.ndarray:
        """Dual coefficients ``[n, columns]`` of the given rows.

        Raises:
            InputError: λ is below the rounding of the kernel.
        """
        return solve(factorise(kernel, regularisation), self.targets[rows] - self.mean)

    def read(self, columns: np.ndarray) -> np.ndarray:
        """Columns of a fit → values or labels ``[m]``."""
        columns = columns + self.mean
        return columns[:, 0] if self.labels is None else self.labels[columns.argmax(axis=1)]

    def error(self, predicted: np.ndarray, y: np.ndarray) -> float:
        """Mean absolute error, or share of wrong labels."""
        return float(np.abs(predicted - y).mean() if self.labels is None else (predicted != y).mean())


def _solve_all(ridge: _Ridge, kernel: np.ndarray, regularisation: float) -> tuple[np.ndarray, float]:
    """The final fit; λ rises tenfold while it is below the rounding of the larger kernel."""
    while True:
        try:
            return ridge.solve(kernel, slice(None), regularisation), regularisation
        except InputError:
            if regularisation > 1:  # kernels of ones on the diagonal: something else is wrong
                raise
            regularisation *= 10


def _tune(
    ridge: _Ridge, compare: Comparison, items: Sequence, y: np.ndarray, random: np.random.Generator
) -> tuple[dict[str, float], Callable[[np.ndarray], np.ndarray]]:
    """The kernel and λ with the smallest validation error when fitted on some of the rows.

    All pairs on few rows, then λ and its neighbours on more: the best λ falls as rows grow.
    """
    order = random.permutation(len(compare.train))
    cross = compare.to_train(items)
    best, kernel, settings = math.inf, None, {}
    grid = compare.regularisations
    for settings_here, kernel_here in compare.kernels:
        errors = _errors(ridge, kernel_here, compare.train, cross, order[: TUNING_ROWS[0]], y, grid)
        if min(errors) < best:
            best, kernel, settings, k = min(errors), kernel_here, settings_here, int(np.argmin(errors))
    near = grid[max(k - 1, 0) : k + 2]
    rows = order[: TUNING_ROWS[1]]
    if len(rows) > TUNING_ROWS[0]:
        errors = _errors(ridge, kernel, compare.train, cross, rows, y, near)
        best, k = min(errors), max(k - 1, 0) + int(np.argmin(errors))
    return {**settings, "regularisation": grid[k], "validation error": best, "tuning rows": len(rows)}, kernel


def _errors(
    ridge: _Ridge,
    kernel: Callable[[np.ndarray], np.ndarray],
    train: np.ndarray,
    cross: np.ndarray,
    rows: np.ndarray,
    y: np.ndarray,
    grid: Sequence[float],
) -> list[float]:
    """Validation error for each λ of `grid`; infinite where the solve breaks down."""
    inside, outside = kernel(train[np.ix_(rows, rows)]), kernel(cross[:, rows])
    errors = []
    for regularisation in grid:
        try:
            weights = ridge.solve(inside, rows, regularisation)
        except InputError:  # λ below the rounding of the kernel
            errors.append(math.inf)
        else:
            errors.append(ridge.error(ridge.read(outside @ weights), y))
    return errors


def _with_value(items: Sequence, y: np.ndarray, part: str) -> tuple[list, np.ndarray]:
    y = np.asarray(y, float)
    if y.shape != (len(items),):
        raise InputError(f"{len(items)} {part} items need as many targets [n], not {y.shape}")
    kept = np.flatnonzero(np.isfinite(y))
    if not len(kept):
        raise InputError(f"no {part} item has a value: the baselines need at least one")
    return [items[k] for k in kept], y[kept]


def _majority(y: np.ndarray) -> float:
    labels, counts = np.unique(y, return_counts=True)
    return float(labels[counts.argmax()])
