"""Rarity of surroundings against sums written as loops."""

import numpy as np
import pytest

from mlmat.descriptors.density import (
    automatic_bend,
    automatic_width,
    force_weights,
    nearest_distances,
    rarity,
)
from mlmat.errors import InputError

RNG = np.random.default_rng(0)
BULK, DEFECT = RNG.normal(0, 0.1, (600, 3)), RNG.normal(2, 0.1, (6, 3))
X = np.concatenate([BULK, DEFECT])


def test_values_are_the_sums():
    few, width = X[-20:], 0.3
    expected = [1 / np.mean([np.exp(-((g - h) ** 2).sum() / (2 * width**2 * 3)) for h in X]) for g in few]
    np.testing.assert_allclose(rarity(few, X, width), expected, rtol=1e-9)
    nearest = [
        min(np.sqrt(((g - h) ** 2).mean()) for j, h in enumerate(few) if j != i) for i, g in enumerate(few)
    ]
    np.testing.assert_allclose(nearest_distances(few), nearest, rtol=1e-6)
    assert automatic_width(few) == pytest.approx(max(nearest) / 3)


def test_rare_atoms_weigh_more_and_the_mean_is_one():
    species = np.zeros(len(X), int)
    for steepness in (None, 1.0):
        weights = force_weights(X, species, width=0.1, steepness=steepness)
        assert weights.mean() == pytest.approx(1)
        assert weights[600:].min() > 10 * np.median(weights[:600])
    two = np.r_[np.zeros(600, int), np.ones(6, int)]
    weights = force_weights(X, two, width=0.1)
    assert weights[600:].mean() == pytest.approx(1)  # each element among its own


def test_far_from_everything_is_rare_and_finite():
    far = rarity(np.full((1, 3), 50.0), X, 0.1)
    assert np.isfinite(far).all()
    assert far[0] > rarity(X, X, 0.1).max()


def test_bend_is_the_end_of_the_straight_part():
    rare = np.r_[np.linspace(1, 4, 75), np.geomspace(10, 1000, 25)]
    assert automatic_bend(RNG.permutation(rare)) == pytest.approx(4, abs=0.1)


def test_refusals():
    with pytest.raises(InputError, match="at least two atoms"):
        automatic_width(np.zeros((5, 3)))
    with pytest.raises(InputError, match="width"):
        rarity(X, X, 0.0)
