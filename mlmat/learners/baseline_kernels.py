"""How the baselines compare two items: what nearest neighbour and kernel ridge share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import ase

TANIMOTO_REGULARISATIONS = (1e-5, 1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1.0)
GAUSSIAN_REGULARISATIONS = (1e-7, 1e-5, 1e-3, 1e-2, 0.1)
GAUSSIAN_WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""In units of the median distance between training items."""


class Comparison(NamedTuple):
    """How items are compared.

    Attributes:
        train: ``[n, n]`` Tanimoto kernel, or squared distances, of the training items.
        to_train: items → ``[m, n]`` the same to the training items.
        nearest: rows of `to_train` → number of the nearest training item, ``[m]``.
        kernels: hyperparameters and the function that makes a kernel of `train`.
        regularisations: λ to try.
    """

    train: np.ndarray
    to_train: Callable[[Sequence], np.ndarray]
    nearest: Callable[[np.ndarray], np.ndarray]
    kernels: list[tuple[dict[str, float], Callable[[np.ndarray], np.ndarray]]]
    regularisations: tuple[float, ...]


def tanimoto(items: Sequence[str]) -> Comparison:
    """Molecules by the Tanimoto kernel of their Morgan counts.

    Args:
        items: SMILES of the training molecules.
    """
    from mlmat.graphs.fingerprints import morgan_counts

    known = morgan_counts(items)
    similarity = tanimoto_to(known)
    return Comparison(
        similarity(known),
        lambda others: similarity(morgan_counts(others)),
        partial(np.argmax, axis=1),
        [({}, lambda similarity: similarity)],
        TANIMOTO_REGULARISATIONS,
    )


def tanimoto_to(known: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The Tanimoto kernel to known counts, Σ min / Σ max, prepared once for many queries.

    Σ min(x, y) = Σ_k [x ≥ k] · [y ≥ k], as a product of a sparse matrix (few environments
    occur in a molecule) and a dense one over the (feature, k) that occur at all.

    Args:
        known: ``[n, D]`` whole-numbered counts.

    Returns:
        ``[m, D]`` counts → ``[m, n]`` float32 kernel.
    """
    from scipy.sparse import csr_matrix, hstack

    levels = range(1, int(known.max(initial=0)) + 1)
    columns = [np.flatnonzero((known >= level).any(axis=0)) for level in levels]

    def steps(counts: np.ndarray) -> csr_matrix:
        parts = [csr_matrix(counts[:, c] >= level) for level, c in zip(levels, columns, strict=True)]
        return hstack(parts, format="csr", dtype=np.float32)

    known_total = known.sum(axis=1)
    known_steps = np.ascontiguousarray(steps(known).T.toarray())

    def kernel(counts: np.ndarray) -> np.ndarray:
        common = np.asarray(steps(counts) @ known_steps)
        return common / np.maximum(counts.sum(axis=1)[:, None] + known_total - common, 1e-12)

    return kernel


def gaussian(items: Sequence[ase.Atoms]) -> Comparison:
    """Structures by a Gaussian kernel of their standardised features.

    Args:
        items: training structures; their elements and their spread set the scale.
    """
    from mlmat.graphs.structure_features import describe

    features = describe(items)
    known = features(items)
    mean, std = known.mean(axis=0), known.std(axis=0)
    varies = std > 1e-9 * (1 + np.abs(mean))

    def scaled(raw: np.ndarray) -> np.ndarray:
        return ((raw - mean)[:, varies] / std[varies]).astype(np.float32)

    known = scaled(known)

    def squared(rows: np.ndarray) -> np.ndarray:
        product = rows @ known.T
        return np.maximum((rows**2).sum(1)[:, None] + (known**2).sum(1) - 2 * product, 0)

    train = squared(known)
    # Of equal features everywhere the median is zero; then any width says the same.
    typical = float(np.median(train)) or 1.0

    def kernel(width: float) -> Callable[[np.ndarray], np.ndarray]:
        return lambda d2: np.exp(d2 / (-2 * width**2 * typical))

    return Comparison(
        train,
        lambda others: squared(scaled(features(others))),
        partial(np.argmin, axis=1),
        [({"width": width}, kernel(width)) for width in GAUSSIAN_WIDTHS],
        GAUSSIAN_REGULARISATIONS,
    )
