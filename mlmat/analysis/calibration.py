"""Whether stated uncertainties are true, and how to make them so on validation data.

A regression states a mean and a standard deviation per item, read as a Gaussian. All
numbers come from held-out items; a correction is fitted on validation items only and
judged on the test items.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import erf, erfinv

from mlmat.errors import InputError, TargetError
from mlmat.metrics import coverage, gaussian_nll

LEVELS = (0.5, 0.68, 0.9, 0.95)
"""Nominal levels that `calibration_summary` reports."""


def coverage_at(
    predicted: np.ndarray, std: np.ndarray, target: np.ndarray, levels: Sequence[float] = LEVELS
) -> np.ndarray:
    """Share of targets inside the central Gaussian interval of each nominal level.

    Args:
        predicted: means ``[n]``.
        std: standard deviations ``[n]``, same unit.
        target: ``[n]``, same unit.
        levels: nominal shares, 0 to 1 exclusive.

    Returns:
        ``[len(levels)]``; equal to `levels` where the stated errors are true.

    Raises:
        InputError: a level outside 0 … 1, shapes differ, or nothing given.
        TargetError: a value is NaN or infinite.
    """
    if not all(0 < level < 1 for level in levels):
        raise InputError(f"levels must lie between 0 and 1, not {tuple(levels)}")
    half = [np.asarray(std, float) * np.sqrt(2) * erfinv(level) for level in levels]
    predicted = np.asarray(predicted, float)
    return np.array([coverage(predicted - h, predicted + h, target) for h in half])


def miscalibration_area(predicted: np.ndarray, std: np.ndarray, target: np.ndarray) -> float:
    """Area between observed and nominal coverage over all levels, 0 (true) to 0.5.

    K. Tran et al., Mach. Learn.: Sci. Technol. 1, 025006 (2020). Integrated exactly: the
    observed coverage is a step function of the level.

    Raises:
        InputError: standard deviations that are not positive, or shapes that differ.
        TargetError: a value is NaN or infinite.
    """
    error, std = _checked(predicted, std, target)
    # Item i enters the central interval at this level.
    enters = np.sort(erf(np.abs(error) / std / np.sqrt(2)))
    ends = np.concatenate([[0.0], enters, [1.0]])
    observed = np.arange(len(enters) + 1) / len(enters)
    # ∫ |p − c| dp between two ends is ½ p̃|p̃| with p̃ = p − c.
    low, high = ends[:-1] - observed, ends[1:] - observed
    return float((high * np.abs(high) - low * np.abs(low)).sum() / 2)


def normalised_calibration_error(
    predicted: np.ndarray, std: np.ndarray, target: np.ndarray, bins: int = 10
) -> float:
    """Expected normalised calibration error (ENCE): mean of |RMV − RMSE| / RMV over bins of std.

    D. Levi et al., Sensors 22, 5540 (2022), eq. 8, with bins of equal numbers of items.
    It asks for more than coverage: items with a large stated error must have one. With
    few items per bin even true errors score about √(1 / items per bin).

    Raises:
        InputError: fewer items than bins, or as `miscalibration_area`.
        TargetError: a value is NaN or infinite.
    """
    error, std = _checked(predicted, std, target)
    if not 1 <= bins <= len(error):
        raise InputError(f"{bins} bins for {len(error)} items: give 1 to {len(error)}")
    parts = np.array_split(np.argsort(std, kind="stable"), bins)
    stated = np.array([np.sqrt((std[part] ** 2).mean()) for part in parts])
    found = np.array([np.sqrt((error[part] ** 2).mean()) for part in parts])
    return float((np.abs(stated - found) / stated).mean())


def calibration_summary(predicted: np.ndarray, std: np.ndarray, target: np.ndarray) -> dict[str, float]:
    """All measures of a regression's uncertainties by name: what a results table lists.

    Returns:
        ``coverage 50 %`` … per level of `LEVELS`, ``NLL`` (nats), ``ENCE`` (on ten bins,
        or one per item if fewer) and ``miscalibration area``.

    Raises:
        InputError, TargetError: as the single measures.
    """
    shares = coverage_at(predicted, std, target)
    summary = {
        f"coverage {100 * level:.0f} %": float(share) for level, share in zip(LEVELS, shares, strict=True)
    }
    summary["NLL"] = gaussian_nll(predicted, std, target)
    summary["ENCE"] = normalised_calibration_error(predicted, std, target, bins=min(10, np.size(target)))
    summary["miscalibration area"] = miscalibration_area(predicted, std, target)
    return summary


def fit_scale(errors: np.ndarray, std: np.ndarray) -> tuple[float, float]:
    """Fit the correction std' = √((factor · std)² + floor²) by Gaussian likelihood.

    With the variance written as c (t std² + (1 − t) m²), m² the mean of std², the best c
    at a given t is the mean of errors² / (t std² + (1 − t) m²). What remains is one
    bounded search over t, so no start values and no local step can spoil it.

    Args:
        errors: predicted minus target of validation items ``[n]``.
        std: stated standard deviations ``[n]``, not negative; some may be zero.

    Returns:
        factor (1) and floor (unit of the target), for `corrected_std`.

    Raises:
        InputError: nothing given, shapes differ, negative std, or all errors are zero.
        TargetError: a value is NaN or infinite.
    """
    squared, variance = np.square(_column(errors)), np.square(_column(std))
    if squared.shape != variance.shape or not squared.size or (_column(std) < 0).any():
        raise InputError("fit_scale needs errors and non-negative standard deviations, one each per item")
    if not squared.any():
        raise InputError("all validation errors are zero: there is no uncertainty to fit")
    typical = variance.mean()
    if typical == 0:
        return 1.0, float(np.sqrt(squared.mean()))

    def loss(t: float) -> float:
        shape = (t * variance + (1 - t) * typical) / typical
        return float(np.log(shape).mean() + np.log((squared / shape).mean()))

    ends = [1.0, 0.0] if (variance > 0).all() else [0.0]
    grid = 1 / (1 + np.exp(-np.linspace(-12, 12, 49)))
    k = int(np.argmin([loss(t) for t in grid]))
    bounds = grid[max(k - 1, 0)], grid[min(k + 1, len(grid) - 1)]
    inside = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-10}).x
    # The simpler ends win ties: with equal std everywhere, scale alone says it all.
    best = min([*ends, inside], key=lambda t: round(loss(t), 9))
    scale = (squared / (best * variance + (1 - best) * typical)).mean()
    return float(np.sqrt(scale * best)), float(np.sqrt(scale * (1 - best) * typical))


def corrected_std(std: np.ndarray, factor: float, floor: float) -> np.ndarray:
    """√((factor · std)² + floor²), same shape as `std`."""
    return np.sqrt((factor * np.asarray(std, float)) ** 2 + floor**2)


def _column(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, float).ravel()
    if not np.isfinite(values).all():
        raise TargetError(f"{(~np.isfinite(values)).sum()} values are NaN or infinite: drop those items")
    return values


def _checked(predicted: np.ndarray, std: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Errors and standard deviations ``[n]``; gaussian_nll refuses everything that is not usable."""
    gaussian_nll(predicted, std, target)
    return _column(predicted) - _column(target), _column(std)
