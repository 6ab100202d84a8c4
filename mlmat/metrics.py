"""Metrics in physical units, on the host in float64; NaN is refused, never skipped."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from mlmat.errors import InputError, TargetError


def _pair(predicted: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    predicted, target = np.asarray(predicted, float), np.asarray(target, float)
    if predicted.shape != target.shape:
        raise InputError(f"predictions {predicted.shape} and targets {target.shape} differ in shape")
    if predicted.size == 0:
        raise InputError("a metric of no items is not defined")
    if not (np.isfinite(predicted).all() and np.isfinite(target).all()):
        raise TargetError("predictions or targets hold NaN or infinity: drop or fix those items first")
    return predicted, target


def mae(predicted: np.ndarray, target: np.ndarray) -> float:
    """Mean absolute error."""
    predicted, target = _pair(predicted, target)
    return float(np.abs(predicted - target).mean())


def rmse(predicted: np.ndarray, target: np.ndarray) -> float:
    """Root-mean-square error."""
    predicted, target = _pair(predicted, target)
    return float(np.sqrt(((predicted - target) ** 2).mean()))


def r2(predicted: np.ndarray, target: np.ndarray) -> float:
    """Coefficient of determination, 1 − SS_res / SS_tot.

    Raises:
        InputError: the targets are all equal.
    """
    predicted, target = _pair(predicted, target)
    total = ((target - target.mean()) ** 2).sum()
    if total == 0:
        raise InputError("R² is not defined for targets that are all equal")
    return float(1 - ((predicted - target) ** 2).sum() / total)


def wilson_interval(hits: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson score interval of a hit rate (95 % by default).

    Raises:
        InputError: no trials, or more hits than trials.
    """
    if not 0 <= hits <= trials or trials == 0:
        raise InputError(f"{hits} hits in {trials} trials is not a rate")
    share = hits / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return max(0.0, centre - half), min(1.0, centre + half)


def bootstrap_interval(
    metric: Callable[[np.ndarray, np.ndarray], float],
    predicted: np.ndarray,
    target: np.ndarray,
    *,
    seed: int,
    samples: int = 1000,
    level: float = 0.95,
) -> tuple[float, float]:
    """Percentile bootstrap interval of a metric over items."""
    predicted, target = _pair(predicted, target)
    rows = np.random.default_rng(seed).integers(0, len(target), (samples, len(target)))
    values = [metric(predicted[r], target[r]) for r in rows]
    tail = (1 - level) / 2 * 100
    low, high = np.percentile(values, (tail, 100 - tail))
    return float(low), float(high)
