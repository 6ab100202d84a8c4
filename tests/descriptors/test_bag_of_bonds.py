"""Bag of bonds against bags filled by a loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.descriptors.bag_of_bonds import Bags, bag_of_bonds, find_bags, require_fit
from mlmat.errors import CapacityError

NUMBERS = np.array([[8, 6, 1, 1, 1], [6, 6, 1, 0, 0]])
PLACES = np.random.default_rng(0).normal(size=(2, 5, 3))


def reference(numbers, positions, bags):
    out = []
    for a, b, size in bags.pairs:
        found = [
            numbers[i] * numbers[j] / (np.linalg.norm(positions[i] - positions[j]) / 0.529177210544)
            for i in range(len(numbers))
            for j in range(i)
            if sorted((numbers[i], numbers[j])) == [a, b]
        ]
        out += sorted(found, reverse=True) + [0.0] * (size - len(found))
    for z, size in bags.atoms:
        count = (numbers == z).sum()
        out += [0.5 * z**2.4] * count + [0.0] * (size - count)
    return np.array(out)


def test_bags_are_the_largest_of_the_data():
    bags = find_bags(NUMBERS)
    assert bags == Bags(
        ((1, 1, 3), (1, 6, 3), (1, 8, 3), (6, 6, 1), (6, 8, 1)),
        ((1, 3), (6, 2), (8, 1)),
    )


def test_values_are_the_loop_and_order_does_not_matter():
    bags = find_bags(NUMBERS)
    with jax.enable_x64(True):
        compiled = jax.jit(bag_of_bonds, static_argnums=2)
        found = np.asarray(compiled(NUMBERS, PLACES, bags))
        order = [3, 1, 4, 0, 2]
        other = np.asarray(compiled(NUMBERS[:, order], PLACES[:, order], bags))
    for k in range(2):
        np.testing.assert_allclose(found[k], reference(NUMBERS[k], PLACES[k], bags), atol=1e-9)
    np.testing.assert_allclose(other, found, atol=1e-9)


def test_gradient_is_finite_differences():
    bags = find_bags(NUMBERS)
    with jax.enable_x64(True):
        weights = jnp.cos(jnp.arange(sum(p[2] for p in bags.pairs) + sum(a[1] for a in bags.atoms)))

        @jax.jit
        def scalar(r):
            return (bag_of_bonds(NUMBERS, r, bags) * weights).sum()

        gradient = np.asarray(jax.jit(jax.grad(scalar))(jnp.asarray(PLACES)))
        step = np.zeros_like(PLACES)
        step[0, 1, 2] = 1e-6
        slope = float(scalar(PLACES + step) - scalar(PLACES - step)) / 2e-6
    assert gradient[0, 1, 2] == pytest.approx(slope, rel=1e-6)
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[1, 3:], 0)


def test_a_molecule_beyond_the_bags_is_refused():
    bags = find_bags(NUMBERS)
    require_fit(NUMBERS[:1], bags)
    with pytest.raises(CapacityError, match="find_bags"):
        require_fit(np.array([[6, 6, 6, 1, 1]]), bags)
    with pytest.raises(CapacityError, match="find_bags"):
        require_fit(np.array([[7, 1, 0, 0, 0]]), bags)
