"""Whether the probabilities of a classifier are true, and how to make them so on validation data."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from mlmat.errors import InputError, TargetError


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error of a classifier: mean |accuracy − confidence|, bins weighted by size.

    C. Guo et al., ICML 2017, eq. 3: equal-width bins of the largest probability.

    Args:
        probabilities: ``[n, classes]``, rows summing to 1.
        labels: ``[n]`` whole numbers, 0 to classes − 1.
        bins: number of bins over 0 … 1.

    Raises:
        InputError: shapes or labels that do not fit, rows that do not sum to 1.
        TargetError: a probability is NaN or infinite.
    """
    probabilities, labels = _classes(probabilities, labels)
    if (probabilities < 0).any() or np.abs(probabilities.sum(axis=1) - 1).max() > 1e-4:
        raise InputError("probabilities must be non-negative rows that sum to 1: apply softmax first")
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    # Bins are open at the left, so that a confidence of exactly 1 falls into the last one.
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(place, right, bins) - np.bincount(place, confidence, bins)
    return float(np.abs(gaps).sum() / len(labels))


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Temperature T whose softmax(logits / T) has the largest likelihood, from 0.05 to 20.

    C. Guo et al., ICML 2017, section 4.2. The loss is convex in 1 / T, so a bounded search
    finds its minimum; a perfect or hopeless classifier ends at a bound.

    Args:
        logits: ``[n, classes]`` of validation items.
        labels: ``[n]`` whole numbers, 0 to classes − 1.

    Raises:
        InputError: shapes or labels that do not fit.
        TargetError: a logit is NaN or infinite.
    """
    logits, labels = _classes(logits, labels)
    rows = np.arange(len(labels))

    def loss(inverse: float) -> float:
        return float(-log_softmax(logits * inverse, axis=1)[rows, labels].mean())

    return float(1 / minimize_scalar(loss, bounds=(1 / 20, 20), method="bounded", options={"xatol": 1e-9}).x)


def _classes(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scores, labels = np.asarray(scores, float), np.asarray(labels)
    if scores.ndim != 2 or labels.shape != scores.shape[:1] or not len(labels):
        raise InputError(f"scores [n, classes] and labels [n] do not fit: {scores.shape} and {labels.shape}")
    if not np.isfinite(scores).all():
        raise TargetError("a score is NaN or infinite: drop those items")
    if (labels % 1).any() or labels.min() < 0 or labels.max() >= scores.shape[1]:
        raise InputError(f"labels must be whole numbers from 0 to {scores.shape[1] - 1}")
    return scores, labels.astype(int)
