"""Fermions in a box against what is known exactly, and the experiment's own measure of a derivative."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.prophet.fermions import grid, solve, thomas_fermi, weizsaecker, wells
from experiments.prophet.run import Part, derivative_error


def test_an_empty_box_has_its_waves():
    found = solve(np.zeros((1, 100)), 3)
    assert found.kinetic[0] == pytest.approx(np.pi**2 / 2 * (1 + 4 + 9), rel=1e-12)
    assert found.density.sum() / 101 == pytest.approx(3.0)
    x = grid(100)
    expected = sum(2 * np.sin(k * np.pi * x) ** 2 for k in (1, 2, 3))
    np.testing.assert_allclose(found.density[0], expected, atol=1e-12)


def test_a_harmonic_well_has_its_levels():
    omega = 300.0  # the ground state is 0.06 wide: the walls are far
    x = grid(160)
    found = solve(0.5 * omega**2 * (x - 0.5)[None] ** 2, 3)
    assert found.energy[0] == pytest.approx(omega * (0.5 + 1.5 + 2.5), rel=1e-6)
    assert found.kinetic[0] == pytest.approx(found.energy[0] / 2, rel=1e-6)  # virial theorem
    first = solve(0.5 * omega**2 * (x - 0.5)[None] ** 2, 1)
    np.testing.assert_allclose(
        first.density[0], np.sqrt(omega / np.pi) * np.exp(-omega * (x - 0.5) ** 2), atol=1e-6
    )


def test_weizsaecker_is_exact_for_one_particle_and_thomas_fermi_for_many():
    one = solve(wells(3, 160, 0), 1)
    np.testing.assert_allclose(weizsaecker(one.density), one.kinetic, rtol=1e-3)
    many = solve(np.zeros((1, 160)), 30)
    assert thomas_fermi(many.density)[0] == pytest.approx(many.kinetic[0], rel=0.03)


def test_the_exact_functional_of_one_particle_has_the_exact_derivative():
    one = solve(wells(4, 160, 1), 1)
    part = Part(one.density, one.kinetic, one.potential, np.ones(4))
    with jax.enable_x64(True):
        exact = derivative_error(lambda d: jnp.zeros(4), part, np.array([0.0, 1.0]))
        wrong = derivative_error(lambda d: jnp.zeros(4), part, np.array([1.0, 0.0]))
    assert exact < 0.02
    assert wrong > 0.3
