"""Calibration against closed forms and against data whose uncertainty is known."""

import numpy as np
import pytest
from scipy.stats import norm

from mlmat.analysis.calibration import (
    calibration_summary,
    corrected_std,
    coverage_at,
    fit_scale,
    miscalibration_area,
    normalised_calibration_error,
)
from mlmat.errors import InputError, TargetError

ZERO = np.zeros(20000)


@pytest.fixture(scope="module")
def items():
    """Errors drawn with their own standard deviation, ``[n]`` each."""
    random = np.random.default_rng(0)
    std = np.exp(random.normal(-1, 0.8, len(ZERO)))
    return std, std * random.normal(size=len(std))


def test_true_uncertainties_cover_what_they_say(items):
    std, target = items
    np.testing.assert_allclose(coverage_at(ZERO, std, target), (0.5, 0.68, 0.9, 0.95), atol=0.015)
    assert miscalibration_area(ZERO, std, target) < 0.01
    assert normalised_calibration_error(ZERO, std, target) < 0.03


@pytest.mark.parametrize("factor", [0.3, 0.7, 2.0])
def test_wrong_scale_gives_the_analytic_coverage_and_area(items, factor):
    std, target = items
    levels = np.linspace(0.001, 0.999, 999)
    expected = 2 * norm.cdf(factor * norm.ppf((1 + levels) / 2)) - 1
    np.testing.assert_allclose(coverage_at(ZERO, factor * std, target, levels), expected, atol=0.015)
    assert miscalibration_area(ZERO, factor * std, target) == pytest.approx(
        np.trapezoid(np.abs(expected - levels), levels), abs=0.006
    )
    assert normalised_calibration_error(ZERO, factor * std, target) == pytest.approx(
        abs(factor - 1) / factor, rel=0.05
    )


def test_area_of_one_item_is_two_triangles():
    level = 0.3
    area = miscalibration_area(np.zeros(1), np.ones(1), np.array([norm.ppf((1 + level) / 2)]))
    assert area == pytest.approx(level**2 / 2 + (1 - level) ** 2 / 2)
    assert miscalibration_area(np.zeros(9), np.ones(9), np.zeros(9)) == pytest.approx(0.5)


def test_ence_sees_uninformative_uncertainties_that_coverage_misses(items):
    std, target = items
    shuffled = np.random.default_rng(1).permutation(std)
    assert normalised_calibration_error(ZERO, shuffled, target) > 0.3


def test_scale_alone_is_the_closed_form():
    errors = np.array([1.0, -2.0, 0.5, 4.0])
    factor, floor = fit_scale(errors, np.full(4, 2.0))
    assert floor == 0
    assert factor == pytest.approx(np.sqrt((errors**2).mean()) / 2)


@pytest.mark.parametrize(("factor", "floor"), [(2.5, 0.0), (0.6, 0.4), (0.05, 1.3), (3.0, 0.1)])
def test_factor_and_floor_are_recovered(items, factor, floor):
    std, target = items
    errors = target / std * corrected_std(std, factor, floor)
    found = fit_scale(errors, std)
    np.testing.assert_allclose(found, (factor, floor), rtol=0.06, atol=0.08)
    before, after = std, corrected_std(std, *found)
    assert miscalibration_area(ZERO, after, errors) < min(0.01, miscalibration_area(ZERO, before, errors))


def test_the_fit_is_the_minimum_of_the_likelihood(items):
    std, target = items
    errors = (target / std * corrected_std(std, 0.8, 0.2))[:500]
    factor, floor = fit_scale(errors, std[:500])

    def loss(a, b):
        spread = corrected_std(std[:500], a, b)
        return (np.log(spread) + errors**2 / (2 * spread**2)).mean()

    for a, b in ((1.02, 1), (0.98, 1), (1, 1.02), (1, 0.98), (1.02, 0.98), (0.98, 1.02)):
        assert loss(factor, floor) < loss(a * factor, b * floor)


def test_a_collapsed_ensemble_gets_a_floor():
    errors = np.array([0.1, -0.3, 0.2])
    assert fit_scale(errors, np.zeros(3)) == (1.0, pytest.approx(np.sqrt((errors**2).mean())))
    assert fit_scale(errors, np.array([0.0, 0.1, 0.2]))[1] > 0


def test_units_scale_with_the_data(items):
    std, target = items
    factor, floor = fit_scale(target + 0.2, std)
    again = fit_scale(1000 * (target + 0.2), 1000 * std)
    np.testing.assert_allclose(again, (factor, 1000 * floor), rtol=1e-4)


@pytest.mark.parametrize(
    ("errors", "std", "kind"),
    [([], [], InputError), ([1.0], [1.0, 2.0], InputError), ([1.0], [-1.0], InputError),
     ([0.0], [1.0], InputError), ([np.nan], [1.0], TargetError)],
)  # fmt: skip
def test_a_fit_of_nothing_is_refused(errors, std, kind):
    with pytest.raises(kind):
        fit_scale(np.array(errors), np.array(std))


def test_summary_names_every_measure(items):
    std, target = items
    summary = calibration_summary(ZERO, std, target)
    assert set(summary) >= {"coverage 68 %", "NLL", "ENCE", "miscalibration area"}
    assert summary["NLL"] == pytest.approx((0.5 * np.log(2 * np.pi) + np.log(std) + 0.5).mean(), abs=0.02)
    assert summary["ENCE"] < 0.03
    with pytest.raises(InputError, match="positive"):
        calibration_summary(ZERO, 0 * std, target)
    assert np.isfinite(list(calibration_summary(ZERO[:3], std[:3], target[:3]).values())).all()
