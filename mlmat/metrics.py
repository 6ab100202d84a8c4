"""Metrics in physical units, on the host in float64; NaN is refused, never skipped.

Every metric treats its arrays as one property: it averages over all axes. Give one
column at a time when columns have different units. A `mask` keeps items where it is
true; what it hides (padding) may hold anything, NaN included.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from mlmat.errors import InputError, TargetError


def _same(mask: np.ndarray | None, *arrays: np.ndarray) -> list[np.ndarray]:
    """Kept entries of arrays of one shape, flattened ``[items]`` in float64 and finite."""
    arrays = [np.asarray(array, float) for array in arrays]
    shape = arrays[0].shape
    if any(array.shape != shape for array in arrays):
        # Broadcasting [n] against [n, 1] would silently compare all pairs.
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise InputError(f"arrays of a metric differ in shape: {shapes}; reshape them first")
    if mask is not None:
        mask = np.asarray(mask).astype(bool)
        if mask.shape != shape[: mask.ndim]:
            raise InputError(f"mask {mask.shape} must have the leading axes of the arrays, {shape}")
        arrays = [array[mask] for array in arrays]
    if arrays[0].size == 0:
        raise InputError("a metric of no items is not defined: give at least one unmasked item")
    bad = sum(int((~np.isfinite(array)).sum()) for array in arrays)
    if bad:
        raise TargetError(f"{bad} of the values are NaN or infinite: drop or fix those items, or mask them")
    return [array.ravel() for array in arrays]


def mae(predicted: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Mean absolute error, in the unit of the targets.

    Args:
        predicted: ``[items, ...]``.
        target: same shape and unit.
        mask: leading axes of `target`; true keeps. All metrics below take the same three.

    Raises:
        InputError: shapes differ, or nothing is left.
        TargetError: a kept value is NaN or infinite.
    """
    predicted, target = _same(mask, predicted, target)
    return float(np.abs(predicted - target).mean())


def rmse(predicted: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Root-mean-square error, in the unit of the targets."""
    predicted, target = _same(mask, predicted, target)
    return float(np.sqrt(((predicted - target) ** 2).mean()))


def median_ae(predicted: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Median absolute error: blind to outliers, so read it beside `rmse`."""
    predicted, target = _same(mask, predicted, target)
    return float(np.median(np.abs(predicted - target)))


def max_error(predicted: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Largest absolute error, in the unit of the targets."""
    predicted, target = _same(mask, predicted, target)
    return float(np.abs(predicted - target).max())


def r2(predicted: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Coefficient of determination, 1 − SS_res / SS_tot; 0 is the mean, below 0 is worse.

    Raises:
        InputError: the targets are all equal.
    """
    predicted, target = _same(mask, predicted, target)
    # Compared with ==, since the mean of equal numbers need not equal them in float64.
    if (target == target[0]).all():
        raise InputError("R² is not defined for targets that are all equal")
    return float(1 - ((predicted - target) ** 2).sum() / ((target - target.mean()) ** 2).sum())


def spearman(predicted: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Spearman's rank correlation, −1 to 1: Pearson's of the ranks, ties sharing theirs.

    Raises:
        InputError: predictions or targets are all equal.
    """
    predicted, target = _same(mask, predicted, target)
    ranks = []
    for values in (predicted, target):
        _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
        if len(counts) < 2:
            raise InputError("a rank correlation is not defined for values that are all equal")
        rank = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
        ranks.append(rank - rank.mean())
    first, second = ranks
    correlation = first @ second / math.sqrt((first @ first) * (second @ second))
    return float(np.clip(correlation, -1.0, 1.0))


def gaussian_nll(
    predicted: np.ndarray, std: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None
) -> float:
    """Mean negative log-likelihood of targets under N(predicted, std²), in nats.

    ½ ln(2π std²) + (target − predicted)² / (2 std²). It is the log of a density, so it
    shifts by a constant with the unit: compare values of one property in one unit only.

    Raises:
        InputError: a standard deviation that is not positive.
    """
    predicted, std, target = _same(mask, predicted, std, target)
    if (std <= 0).any():
        raise InputError(f"{int((std <= 0).sum())} standard deviations are not positive: add a floor to them")
    return float((0.5 * np.log(2 * np.pi) + np.log(std) + 0.5 * ((target - predicted) / std) ** 2).mean())


def coverage(low: np.ndarray, high: np.ndarray, target: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Share of targets inside their closed intervals [low, high].

    Raises:
        TargetError: an interval with low > high.
    """
    low, high, target = _same(mask, low, high, target)
    if (low > high).any():
        raise TargetError(f"{int((low > high).sum())} intervals have low > high: swap the two arguments")
    return float(((low <= target) & (target <= high)).mean())


def wilson_interval(hits: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson score interval of a hit rate (95 % by default).

    E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927). Unlike hits ± z σ it stays inside
    0 to 1 and keeps a width at 0 and at all hits.

    Raises:
        InputError: no trials, more hits than trials, or counts that are not whole.
    """
    if not 0 <= hits <= trials or trials == 0 or hits != int(hits) or trials != int(trials):
        raise InputError(f"{hits} hits in {trials} trials is not a rate: give whole counts, hits <= trials")
    share = hits / trials
    centre = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    # At the ends the bound is the share itself in exact arithmetic; rounding must not move it inside.
    return (0.0 if hits == 0 else centre - half), (1.0 if hits == trials else centre + half)


def bootstrap_interval(
    metric: Callable[..., float], *arrays: np.ndarray, seed: int, samples: int = 1000, level: float = 0.95
) -> tuple[float, float]:
    """Percentile bootstrap interval of a metric over items.

    Items (first axis) are drawn with replacement, jointly from all arrays. They are
    taken as independent; for items in groups the interval is too narrow.

    Args:
        metric: one of this module, or any function of `arrays` to a number.
        *arrays: ``[items, ...]`` each, as `metric` takes them.
        seed: of the draws; the same seed gives the same interval.
        samples: number of draws.
        level: share of the bootstrap distribution inside the interval.

    Raises:
        InputError: no arrays or items, lengths differ, a bad `level` or `samples`, or
            `metric` is not defined on more than 5 % of the draws (too few items).
        TargetError: a value is NaN or infinite.
    """
    arrays = tuple(np.asarray(array) for array in arrays)
    if not arrays or any(array.ndim == 0 for array in arrays) or len({len(array) for array in arrays}) != 1:
        raise InputError("a bootstrap needs arrays of one length along their first axis")
    if not 0 < level < 1 or samples < 1:
        raise InputError(f"level {level} must lie between 0 and 1, samples {samples} must be at least 1")
    metric(*arrays)  # What is wrong with the arrays themselves shall say so, not look like a bad draw.
    generator = np.random.default_rng(seed)
    values = []
    for _ in range(samples):
        rows = generator.integers(0, len(arrays[0]), len(arrays[0]))
        try:
            values.append(metric(*(array[rows] for array in arrays)))
        except InputError:  # e.g. R² of a draw of equal targets
            continue
    if len(values) < 0.95 * samples:
        raise InputError(
            f"the metric is not defined on {samples - len(values)} of {samples} draws: too few items"
        )
    low, high = np.quantile(values, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)
