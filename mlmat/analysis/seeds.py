"""Means over seeds, and the intervals that a few seeds allow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student

LEAST = 3
"""Seeds below which no interval is given: with two it spans everything."""


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean of one number a seed, and half of its 95 % interval.

    Student's t; infinite below `LEAST` seeds.
    """
    if len(values) < LEAST:
        return float(np.mean(values)), float("inf")
    half = student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values)), float(half)


def difference_interval(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """Mean of `one` less mean of `other`, and half of its 95 % interval.

    B. L. Welch, Biometrika 34, 28 (1947); the seeds of one are not those of the other. Infinite below
    `LEAST` seeds of either.
    """
    a, b = (np.asarray(x, float) for x in (one, other))
    if min(len(a), len(b)) < LEAST:
        return float(a.mean() - b.mean()), float("inf")
    va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    if va + vb == 0:
        return float(a.mean() - b.mean()), 0.0
    freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    return float(a.mean() - b.mean()), float(student.ppf(0.975, freedom) * np.sqrt(va + vb))
