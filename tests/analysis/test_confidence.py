"""Calibration of classifiers against closed forms."""

import numpy as np
import pytest
from scipy.special import expit, logit, softmax

from mlmat.analysis.confidence import expected_calibration_error, fit_temperature
from mlmat.errors import InputError, TargetError


def test_temperature_of_constant_confidence_is_the_closed_form():
    # Three of four labels are class 1 at a logit of 4: softmax(4 / T) = 3/4.
    logits = np.tile([0.0, 4.0], (400, 1))
    labels = np.array([1, 1, 1, 0] * 100)
    assert expected_calibration_error(softmax(logits, axis=1), labels) == pytest.approx(expit(4) - 0.75)
    temperature = fit_temperature(logits, labels)
    assert temperature == pytest.approx(4 / logit(0.75), rel=1e-6)
    assert expected_calibration_error(softmax(logits / temperature, axis=1), labels) < 1e-6


def test_temperature_is_recovered():
    random = np.random.default_rng(3)
    logits = 2 * random.normal(size=(20000, 4))
    labels = (logits + random.gumbel(size=logits.shape)).argmax(axis=1)
    assert fit_temperature(3 * logits, labels) == pytest.approx(3, rel=0.04)


def test_a_perfect_classifier_is_calibrated():
    assert expected_calibration_error(np.eye(3), np.arange(3)) == 0
    assert fit_temperature(np.eye(3), np.arange(3)) == pytest.approx(0.05, rel=1e-3)


def test_what_are_no_probabilities_or_labels_is_refused():
    with pytest.raises(InputError, match="sum to 1"):
        expected_calibration_error(np.ones((2, 2)), np.zeros(2))
    with pytest.raises(InputError, match="0 to 1"):
        fit_temperature(np.ones((2, 2)), np.array([0, 2]))
    with pytest.raises(InputError, match="fit"):
        fit_temperature(np.ones((2, 2)), np.zeros(3))
    with pytest.raises(TargetError):
        fit_temperature(np.full((2, 2), np.nan), np.zeros(2))
