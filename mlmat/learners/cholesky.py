"""The solver of all kernel methods: K + λ1 = L Lᵀ in float64, by LAPACK.

One factor serves any number of targets. LAPACK on the host takes half the time of
XLA's CPU solver, and works in place.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import lapack

from mlmat.errors import InputError

SAFE = 10
"""A reciprocal condition number of so many roundings needs no closer look."""


class Factor(NamedTuple):
    """A factorised kernel matrix.

    Attributes:
        upper: ``[N, N]`` U of K + λ1 = Uᵀ U in the upper triangle; below it, anything.
        reciprocal_condition: estimate of 1 / (‖A‖₁ ‖A⁻¹‖₁), A = K + λ1; or, where that already is
            enough, λ / ‖A‖₁, its lower bound to within √N for a positive semidefinite K.
    """

    upper: np.ndarray
    reciprocal_condition: float


def factorise(kernel: np.ndarray, regularisation: float, *, overwrite: bool = False) -> Factor:
    """Factorise K + λ1.

    Args:
        kernel: ``[N, N]`` symmetric.
        regularisation: λ.
        overwrite: use the memory of a float64 `kernel` for the factor.

    Raises:
        InputError: not positive definite at this λ, or so ill-conditioned that no digit of a
            solution would be right; the message names a λ that is large enough.
    """
    kernel = np.array(kernel, np.float64, copy=None if overwrite else True, order="C")
    kernel[np.diag_indices_from(kernel)] += regularisation
    # LAPACK wants Fortran order; of a symmetric matrix, the transpose is just that.
    columns = kernel.T
    norm = float(lapack.dlange("1", columns))
    epsilon = np.finfo(np.float64).eps
    upper, failed = lapack.dpotrf(columns, lower=False, clean=False, overwrite_a=True)
    condition = 0.0
    if not failed and np.isfinite(norm):
        # λ bounds the smallest eigenvalue from below, unless K has negative ones, which a pivot below
        # λ betrays. The estimate, several passes over the matrix, is for such cases.
        condition = regularisation / norm
        if condition < SAFE * epsilon or np.diagonal(upper).min() ** 2 < 0.5 * regularisation:
            condition = float(lapack.dpocon(upper, norm, uplo="U")[0])
    if condition < epsilon:
        raise InputError(
            f"the kernel matrix is ill-conditioned at regularisation {regularisation:g}: raise it, to "
            f"{10 * epsilon * norm:.0e} or more, or choose a narrower kernel, or remove repeated items"
        )
    return Factor(upper, condition)


def solve(factor: Factor, y: np.ndarray) -> np.ndarray:
    """(K + λ1)⁻¹ y for ``[N]`` or ``[N, P]``: all targets share the factor."""
    weights, _ = lapack.dpotrs(factor.upper, np.asarray(y, np.float64), lower=False)
    return weights
