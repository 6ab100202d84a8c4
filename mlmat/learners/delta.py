"""Delta-learning: any learner or predictor as the correction of any baseline.

R. Ramakrishnan, P. O. Dral, M. Rupp, O. A. von Lilienfeld, J. Chem. Theory Comput. 11, 2087
(2015), eq. 1:

    P_target ≈ P_baseline + Δ(M),        Δ fitted to P_target − P_baseline

The baseline is whatever gives numbers: a cheap method of quantum chemistry, a fitted predictor, a
sum over bonds, or another correction. It is evaluated at the geometry of the baseline, in training
and in prediction alike. Corrections stack: what a corrected baseline predicts is a baseline again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mlmat.errors import InputError
from mlmat.typing import Array, Learner


class WithBaseline(NamedTuple):
    """Items and what the baseline says of them.

    Attributes:
        x: descriptors ``[N, D]``, or whatever the learner takes.
        baseline: ``[N]`` or ``[N, P]``, in the unit of the target.
    """

    x: Any
    baseline: Array


def with_baseline(baseline: Callable[[Any], Array], x: Any) -> WithBaseline:
    """Evaluate a baseline that is a function of the same items the correction sees."""
    return WithBaseline(x, baseline(x))


def delta_learner(learner: Learner) -> Learner:
    """The learner of P_target that fits `learner` to P_target − P_baseline.

    ``fit(items, y, **hyper) → state`` and ``predict(state, items) → y`` take a `WithBaseline`; the
    state is that of `learner`, so a delta-learner is as pure, and as differentiable in ``items.x``
    and in ``items.baseline``, as the learner inside.

    Args:
        learner: e.g. ``Learner(kernel_ridge.fit, kernel_ridge.predict)``.
    """

    def fit(items: WithBaseline, y: Array, **hyper: Any) -> Any:
        return learner.fit(items.x, _difference(y, items.baseline), **hyper)

    def predict(state: Any, items: WithBaseline, **options: Any) -> Array:
        return items.baseline + learner.predict(state, items.x, **options)

    return Learner(fit, predict)


class DeltaPredictor(NamedTuple):
    """Two predictors as one, P_baseline + Δ: a callable pytree, passed as an argument like each of them.

    Attributes:
        baseline: callable pytree, ``baseline(batch) → [..., P]``.
        correction: of the same batch, shape and unit; trained on target − baseline.
    """

    baseline: Callable[[Any], Array]
    correction: Callable[[Any], Array]

    def __call__(self, batch: Any) -> Array:
        """``[..., P]`` in the unit of the target."""
        return self.baseline(batch) + self.correction(batch)


def roughness_ratio(y: Array, baseline: Array) -> float:
    """std(P_target − P_baseline) / std(P_target): what a baseline leaves to be learned.

    Near 1, or above, a baseline is no help: its errors vary as much as the target does.

    Args:
        y: ``[N]`` targets.
        baseline: ``[N]``, same unit.

    Raises:
        InputError: shapes differ, or targets that are all equal.
    """
    rest = _difference(y, baseline)
    spread = float(np.std(y))
    if not spread:
        raise InputError("the targets are all equal: there is nothing to learn, with a baseline or without")
    return float(np.std(rest)) / spread


def _difference(y: Array, baseline: Array) -> np.ndarray:
    """In float64 on the host: total energies are large, and their difference is small."""
    y, baseline = np.asarray(y, np.float64), np.asarray(baseline, np.float64)
    if y.shape != baseline.shape:
        # [N] against [N, 1] would silently be [N, N].
        raise InputError(
            f"targets {y.shape} and baseline {baseline.shape} differ in shape: give one baseline value "
            "for each target"
        )
    return y - baseline
