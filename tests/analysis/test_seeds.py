"""Intervals over seeds, beside SciPy's own tests."""

import math

import pytest
from scipy.stats import ttest_1samp, ttest_ind

from mlmat.analysis.seeds import difference_interval, mean_interval

ONE, OTHER = [0.61, 0.72, 0.66, 0.58], [0.41, 0.75, 0.55]


def test_mean_interval_is_students():
    low, high = ttest_1samp(ONE, 0.0).confidence_interval(0.95)
    mean, half = mean_interval(ONE)
    assert (mean - half, mean + half) == pytest.approx((low, high))


def test_difference_interval_is_welchs():
    low, high = ttest_ind(ONE, OTHER, equal_var=False).confidence_interval(0.95)
    mean, half = difference_interval(ONE, OTHER)
    assert (mean - half, mean + half) == pytest.approx((low, high))
    assert difference_interval(OTHER, ONE) == pytest.approx((-mean, half))


def test_few_seeds_have_no_interval():
    assert mean_interval([0.5, 0.7]) == (pytest.approx(0.6), math.inf)
    assert difference_interval(ONE, [0.5, 0.7])[1] == math.inf


def test_equal_seeds_differ_by_nothing():
    assert difference_interval([0.5] * 3, [0.25] * 4) == (0.25, 0.0)
