"""Scaling of targets: who adds up over atoms, who does not, and what is left for the network."""

import numpy as np
import pytest

from mlmat.recipes.task import fit_scaling

RANDOM = np.random.default_rng(0)
COUNTS = RANDOM.integers(0, 8, (200, 3)) + np.array([1, 0, 0])
TRAIN, CHECK = np.arange(150), np.arange(150, 200)
ATOMS = np.array([-1000.0, -2000.0, -13.6])


def scaling(targets, extensive=None):
    return fit_scaling(COUNTS, targets.reshape(200, -1), TRAIN, CHECK, extensive)


def test_energies_get_a_reference_for_every_element():
    rest = RANDOM.normal(size=200)
    found = scaling(COUNTS @ ATOMS + rest)
    np.testing.assert_allclose(found.reference[:, 0], ATOMS, atol=0.3)
    np.testing.assert_allclose(found.scale, rest[TRAIN].std(), rtol=0.1)
    np.testing.assert_array_equal(found.mean, [0.0])
    assert "grow" in found.note


def test_intensive_targets_get_mean_and_spread():
    shares = COUNTS / COUNTS.sum(axis=1, keepdims=True)
    targets = shares @ np.array([1.0, 2.0, 3.0])
    found = scaling(targets)
    assert found.reference is None
    np.testing.assert_allclose(found.mean, targets[TRAIN].mean())
    np.testing.assert_allclose(found.scale, targets[TRAIN].std())


def test_noise_and_constants_are_intensive():
    assert scaling(RANDOM.normal(size=200)).reference is None
    constant = scaling(np.full(200, 3.0))
    assert constant.reference is None
    np.testing.assert_array_equal(constant.scale, [1.0])


def test_one_intensive_target_makes_all_intensive():
    both = np.stack([COUNTS @ ATOMS, RANDOM.normal(size=200)], axis=1)
    assert scaling(both).reference is None


def test_the_user_has_the_last_word():
    assert scaling(RANDOM.normal(size=200), extensive=True).reference is not None
    assert scaling(COUNTS @ ATOMS, extensive=False).reference is None


def test_missing_targets_do_not_count():
    targets = COUNTS @ ATOMS
    holes = targets.copy()
    holes[::3] = np.nan
    np.testing.assert_allclose(scaling(holes).reference, scaling(targets).reference, rtol=1e-4)


def test_elements_that_always_come_together_share():
    doubled = np.concatenate([COUNTS, COUNTS[:, :1]], axis=1)
    found = fit_scaling(doubled, (COUNTS @ ATOMS)[:, None], TRAIN, CHECK, True)
    assert found.reference[0, 0] == pytest.approx(ATOMS[0] / 2, rel=1e-3)
