"""How the baselines compare two items: what nearest neighbour and kernel ridge share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import ase

TANIMOTO_REGULARISATIONS = (1e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
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
    from mlmat.learners.kernel_ridge import tanimoto_counts

    known = morgan_counts(items)
    return Comparison(
        tanimoto_counts(known, known),
        lambda others: tanimoto_counts(morgan_counts(others), known),
        partial(np.argmax, axis=1),
        [({}, lambda similarity: similarity)],
        TANIMOTO_REGULARISATIONS,
    )


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
