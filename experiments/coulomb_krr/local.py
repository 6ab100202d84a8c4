"""The same folds by a local kernel: FCHL19 vectors of atoms, summed over pairs of atoms.

One kernel matrix of the whole set serves all folds that choose the same σ: a fold takes its rows
and columns. σ and λ are chosen inside each training part.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mlmat.descriptors.fchl19 import Settings, fchl19
from mlmat.errors import InputError
from mlmat.files import atomic_write
from mlmat.learners.cholesky import factorise, solve
from mlmat.learners.kernels import kernel
from mlmat.learners.local_kernels import Atoms, composition, local_gram
from mlmat.metrics import mae, rmse

WIDTHS = (1.0, 2.0, 4.0, 8.0)
REGULARISATIONS = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2)
GRID_ROWS, GRID_CHECK = 700, 500
"""Molecules of the training part that fit the grid, and that judge it."""

TAIL = 1e-5
"""Mean squared length that shortening may take from the vectors of an element."""

BLOCK = 100
"""Molecules whose vectors are made at a time."""


def describe(numbers: np.ndarray, positions: np.ndarray, settings: Settings | None = None) -> Atoms:
    """FCHL19 of all atoms of padded molecules, float64; the paper's settings by default."""
    settings = settings or Settings()
    parts = []
    with jax.enable_x64(True):
        for start in range(0, len(numbers), BLOCK):
            # The last block is filled up, so that one shape is compiled.
            rows = np.minimum(np.arange(start, start + BLOCK), len(numbers) - 1)
            found = np.asarray(fchl19(numbers[rows], positions[rows], settings))
            found, inside = found[: len(numbers) - start], numbers[start : start + BLOCK] > 0
            parts.append(found[inside])
    return Atoms(np.concatenate(parts), numbers[numbers > 0], (numbers > 0).sum(axis=1))


def shortened(atoms: Atoms, tail: float = TAIL) -> Atoms:
    """The vectors along the principal axes of each element, but for those that hardly vary.

    Distances stay: what is left out is `tail` of mean squared length in all, beside σ² of 1 and
    more. The axes know geometries only, no energies.
    """
    parts = {}
    for element in np.unique(atoms.numbers):
        x = atoms.x[atoms.numbers == element]
        centred = x - x.mean(axis=0)
        values, axes = np.linalg.eigh(centred.T @ centred / len(x))
        parts[element] = centred @ axes[:, np.cumsum(values) > tail]
    short = np.zeros((len(atoms.x), max(part.shape[1] for part in parts.values())))
    for element, part in parts.items():
        short[atoms.numbers == element, : part.shape[1]] = part
    return Atoms(short, atoms.numbers, atoms.n_atoms)


def some(atoms: Atoms, molecules: np.ndarray) -> Atoms:
    """The atoms of some molecules, in that order."""
    starts = np.cumsum(atoms.n_atoms) - atoms.n_atoms
    rows = np.concatenate([np.arange(starts[k], starts[k] + atoms.n_atoms[k]) for k in molecules])
    return Atoms(atoms.x[rows], atoms.numbers[rows], atoms.n_atoms[molecules])


def fit_predict(
    matrix: np.ndarray, counts: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray, lam: float
) -> np.ndarray:
    """Kernel ridge on what a linear fit of the composition leaves; predicts ``[test]``."""
    energies = np.linalg.lstsq(counts[train], y[train], rcond=None)[0]
    factor = factorise(matrix[np.ix_(train, train)], lam, overwrite=True)
    weights = solve(factor, y[train] - counts[train] @ energies)
    return matrix[np.ix_(test, train)] @ weights + counts[test] @ energies


def choose(
    atoms: Atoms,
    y: np.ndarray,
    train: np.ndarray,
    widths: Sequence[float] = WIDTHS,
    regularisations: Sequence[float] = REGULARISATIONS,
) -> tuple[float, float, float]:
    """σ, λ and their error on molecules held out of the training part."""
    chosen = train[: GRID_ROWS + GRID_CHECK]
    split = len(chosen) * GRID_ROWS // (GRID_ROWS + GRID_CHECK)
    part, rows = some(atoms, chosen), np.arange(len(chosen))
    counts = composition(part, np.unique(atoms.numbers))
    best = (0.0, 0.0, math.inf)
    for width in widths:
        matrix = local_gram(kernel("gaussian", "l2", width), part)
        for lam in regularisations:
            try:
                found = fit_predict(matrix, counts, y[chosen], rows[:split], rows[split:], lam)
            except InputError:
                continue
            error = mae(found, y[chosen][split:])
            best = min(best, (width, lam, error), key=lambda choice: choice[2])
    return best


def local_cells(
    data: tuple[np.ndarray, np.ndarray, np.ndarray],
    parts: Sequence[tuple[np.ndarray, np.ndarray]],
    folder: Path,
    sizes: Sequence[int] = (),
) -> list[dict[str, Any]]:
    """Every fold, and the first one with smaller training parts; matrices are kept in `folder`."""
    began = time.perf_counter()
    numbers, positions, values = data
    y = values[:, 0]
    atoms = shortened(describe(numbers, positions))
    counts = composition(atoms, np.unique(numbers[numbers > 0]))
    print(
        f"FCHL19 of {len(atoms.x):,} atoms, {atoms.x.shape[1]} axes: {time.perf_counter() - began:.0f} s",
        flush=True,
    )
    choices = [choose(atoms, y, train) for train, _ in parts]
    print(f"σ, λ and their errors: {choices}, {time.perf_counter() - began:.0f} s", flush=True)
    cells = []
    for width in sorted({choice[0] for choice in choices}):
        path = folder / f"local_kernel_{len(y)}_{width:g}.npy"
        if not path.exists():
            made = local_gram(kernel("gaussian", "l2", width), atoms)
            with atomic_write(path) as stream:
                np.save(stream, made)
        matrix = np.load(path)
        for fold, ((train, test), choice) in enumerate(zip(parts, choices, strict=True)):
            if choice[0] != width:
                continue
            for size in (*sizes, len(train)) if fold == 0 else (len(train),):
                found = fit_predict(matrix, counts, y, train[:size], test, choice[1])
                row = {"width": width, "regularisation": choice[1], "check_mae": choice[2]}
                row |= {"mae": mae(found, y[test]), "rmse": rmse(found, y[test])}
                name = "local kernel (FCHL19)"
                cells.append(
                    {
                        "variant": name if size == len(train) else f"{name}, {size:,} molecules",
                        "split": fold,
                        "targets": {"energy": row},
                        "copies": 1,
                        "n_train": size,
                        "n_test": len(test),
                        "seconds": time.perf_counter() - began,
                    }
                )
                began = time.perf_counter()
    return sorted(cells, key=lambda cell: (cell["split"], cell["n_train"]))
