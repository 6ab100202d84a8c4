"""Scaling of descriptors: range, whitening, extrapolation; choice of functions."""

import numpy as np
import pytest

from mlmat.descriptors.scaling import extrapolation, fit_scaling, scaled
from mlmat.descriptors.spread import chosen_functions, cur_selection, spread_functions
from mlmat.errors import InputError

RNG = np.random.default_rng(0)
SPECIES = RNG.integers(0, 2, 400)
MIXED = RNG.normal(size=(400, 5)) @ RNG.normal(size=(5, 5)) + SPECIES[:, None]
MIXED[:, 3] = 7.0  # a function that is constant


def test_range_is_minus_one_to_one():
    scaling = fit_scaling(MIXED, SPECIES, 3)
    found = np.asarray(scaled(scaling, MIXED.astype(np.float32), SPECIES))
    for element in (0, 1):
        rows = np.delete(found[element == SPECIES], 3, axis=1)
        np.testing.assert_allclose(rows.min(axis=0), -1, atol=1e-5)
        np.testing.assert_allclose(rows.max(axis=0), 1, atol=1e-5)
    assert not found[:, 3].any()
    never_met = np.array([2, 2])
    np.testing.assert_allclose(scaled(scaling, MIXED[:2], never_met), MIXED[:2], rtol=1e-6)


def test_whitened_is_uncorrelated_with_unit_variance():
    scaling = fit_scaling(MIXED, SPECIES, 2, whitening=1e-6)
    found = np.asarray(scaled(scaling, MIXED.astype(np.float32), SPECIES))
    for element in (0, 1):
        rows = found[element == SPECIES]
        covariance = rows.T @ rows / len(rows)
        # Of the constant function there is nothing to whiten.
        expected = np.diag((np.diag(covariance) > 0.5).astype(float))
        np.testing.assert_allclose(covariance, expected, atol=1e-3)
        assert expected.sum() == 4
        np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-3)


def test_directions_that_hardly_vary_stay_small():
    x = RNG.normal(size=(400, 3)) * [1.0, 1.0, 1.0]
    x[:, 2] = x[:, 0] + 1e-3 * x[:, 2]  # the same again, but for noise
    variances = {}
    for a in (1e-6, 0.1):
        scaling = fit_scaling(x, np.zeros(400, int), 1, whitening=a)
        found = np.asarray(scaled(scaling, x.astype(np.float32), np.zeros(400, int)))
        variances[a] = np.linalg.eigvalsh(np.cov(found.T))
    assert variances[1e-6].min() > 0.05
    assert variances[0.1].min() < 1e-4
    assert variances[0.1][1:].min() > 0.3


def test_extrapolation_is_counted_in_ranges():
    scaling = fit_scaling(MIXED, SPECIES, 2)
    np.testing.assert_allclose(extrapolation(scaling, MIXED, SPECIES), 0, atol=1e-5)
    width = np.ptp(MIXED[SPECIES == 0], axis=0)
    outside = MIXED[SPECIES == 0].max(axis=0) + np.array([0.0, 0.5, 0, 0, 0]) * width
    found = extrapolation(scaling, outside[None], np.array([0]))
    assert float(found[0]) == pytest.approx(0.5, abs=1e-4)


def test_not_finite_is_refused():
    with pytest.raises(InputError, match="not finite"):
        fit_scaling(np.full((3, 2), np.nan), np.zeros(3, int), 1)


def test_cur_takes_the_columns_that_span_the_others():
    """Six columns of which three are mixtures of the others."""
    x = RNG.normal(size=(200, 3))
    x = np.concatenate([x, x @ RNG.normal(size=(3, 3))], axis=1)
    keep = cur_selection(x, 6)
    assert len(keep) == 3
    rest = x - x[:, keep] @ np.linalg.lstsq(x[:, keep], x, rcond=None)[0]
    assert np.abs(rest).max() < 1e-8
    with pytest.raises(InputError, match="between 1 and 6"):
        cur_selection(x, 7)


def test_functions_cover_the_neighbourhood_and_are_thinned():
    pool = spread_functions(5.0, radial=6, angular=0)
    assert len(pool.radial) == 6
    assert [shift for _, shift in pool.radial] == sorted(shift for _, shift in pool.radial)
    x = RNG.normal(size=(100, 12))
    x[:, [1, 7]] = x[:, [0, 6]]  # the second function says what the first one does, for both elements
    kept = chosen_functions(pool, x, 5, 2)
    assert len(set(kept.radial) & set(pool.radial[:2])) == 1
    with pytest.raises(InputError, match="cutoff above"):
        spread_functions(0.5)
