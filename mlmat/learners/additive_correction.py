"""Additive corrections: a constant for each element, bond or electron pair, by least squares.

What composite methods end with. The higher-level correction of Gn theory (L. A. Curtiss et al.,
J. Chem. Phys. 94, 7221 (1991), eq. 4) is −A n_β − B (n_α − n_β), two constants for pairs and unpaired
valence electrons; bond additivity corrections have one for each kind of bond. It costs nothing, adds
up over molecules far apart, and is what any learned correction has to beat:

    Δ(M) ≈ Σ_k c_k n_k(M)

Counts come from `mlmat.descriptors.valence_counts`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlmat.errors import InputError
from mlmat.typing import Array


class AdditiveState(NamedTuple):
    """A fit.

    Attributes:
        constants: ``[K]`` or ``[K, P]``, one for each kind, in the unit of the target, float64.
        seen: ``[K]`` training molecules that had the kind; the constant of an unseen one is 0.
    """

    constants: Array
    seen: Array


def fit(x: Array, y: Array, *, regularisation: float = 0.0) -> AdditiveState:
    """Least squares, min ‖y − n c‖² + λ ‖c‖²; of equally good ones the smallest constants.

    No intercept: a constant for every molecule would not add up over two molecules far apart.

    Args:
        x: ``[N, K]`` counts n.
        y: ``[N]`` or ``[N, P]`` target, or target minus baseline (`mlmat.learners.delta`).
        regularisation: λ; above 0 it keeps a kind that few molecules have from fitting their noise.

    Raises:
        InputError: shapes that do not fit, or a negative λ.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 2 or len(x) != len(y) or not len(x):
        raise InputError(f"counts must be [N, K] and targets [N] or [N, P], not {x.shape} and {y.shape}")
    if not regularisation >= 0:
        raise InputError(f"a regularisation cannot be negative: {regularisation}")
    size = x.shape[1]
    # Rows √λ 1 with targets of 0: better conditioned than the normal equations.
    rows = np.concatenate([x, np.sqrt(regularisation) * np.eye(size)])
    wanted = np.concatenate([y, np.zeros((size, *y.shape[1:]))])
    return AdditiveState(np.linalg.lstsq(rows, wanted, rcond=None)[0], (x != 0).sum(axis=0))


def predict(state: AdditiveState, x: Array) -> Array:
    """``[N, K]`` → ``[N]`` or ``[N, P]``; linear in `x`."""
    return x @ state.constants
