"""Radial distribution and diffusion against what can be said exactly."""

import ase
import numpy as np
import pytest
from ase.build import bulk, molecule

from mlmat.errors import InputError
from mlmat.simulate.observables import diffusion, mean_square_displacement, radial_distribution


def test_an_ideal_gas_has_no_structure():
    rng = np.random.default_rng(0)
    frames = [ase.Atoms("Ar400", 20 * rng.random((400, 3)), cell=[20] * 3, pbc=True) for _ in range(6)]
    found = radial_distribution(frames, furthest=8.0, bins=8)
    np.testing.assert_allclose(found.density[2:], 1.0, atol=0.06)


def test_a_crystal_has_its_shells_even_beyond_the_cell():
    found = radial_distribution([bulk("Cu", cubic=True)], furthest=6.0, bins=60)
    # Twelve neighbours at a/√2 and six at a = 3.61 Å.
    assert found.neighbours[np.searchsorted(found.distances, 3.0)] == pytest.approx(12)
    assert found.neighbours[np.searchsorted(found.distances, 3.8)] == pytest.approx(18)
    alloy = bulk("NaCl", "rocksalt", a=5.6)
    pairs = radial_distribution([alloy], furthest=3.5, bins=35, pair=("Na", "Cl"))
    assert pairs.neighbours[-1] == pytest.approx(6)
    assert radial_distribution([alloy], furthest=3.5, bins=35, pair=("Na", "Na")).neighbours[-1] == 0
    with pytest.raises(InputError, match="periodic"):
        radial_distribution([molecule("H2O")])
    with pytest.raises(InputError, match="no pair"):
        radial_distribution([alloy], pair=("Na", "Cu"))


def test_displacements_equal_the_plain_sum():
    rng = np.random.default_rng(1)
    positions = 100 + np.cumsum(rng.normal(size=(60, 4, 3)), axis=0)
    found = mean_square_displacement(positions)
    for lag in (0, 1, 7, 59):
        steps = positions[lag:] - positions[: len(positions) - lag]
        assert found[lag] == pytest.approx((steps**2).sum(axis=2).mean(), abs=1e-8)


def test_a_random_walk_diffuses_as_it_should():
    # D = σ² / 2 per step and axis: with 0.1 Å a step of 10 fs, 0.5 Å²/ps.
    rng = np.random.default_rng(2)
    positions = np.cumsum(0.1 * rng.normal(size=(2000, 200, 3)), axis=0)
    drifting = positions + np.arange(2000)[:, None, None] * 0.05
    found = diffusion(drifting, np.ones(200), 10.0)
    assert found.coefficient == pytest.approx(0.5, rel=0.12)
    with pytest.raises(InputError, match="40 frames"):
        diffusion(positions[:20], np.ones(200), 10.0)
