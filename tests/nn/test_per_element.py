"""Networks of the elements: each atom by its own element's network, and nothing silently lost."""

from functools import partial

import jax
import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.nn.per_element import ElementNetworks, block_sizes

SPECIES = np.array([2, 0, 1, 0, 0, 2, 1, 0, 0, 0])
REAL = np.arange(10) < 8  # two atoms of padding, of element 0 as packing makes them
X = np.random.default_rng(0).normal(size=(10, 4)).astype(np.float32)
WIDTHS = ((3,), (5, 2), (4,))


def made(shares=()):
    networks = ElementNetworks(WIDTHS, 2, "tanh", shares)
    shapes = jax.eval_shape(networks.init, jax.random.key(0), X, SPECIES, REAL)
    generator = np.random.default_rng(1)
    return networks, jax.tree.map(lambda leaf: generator.normal(size=leaf.shape).astype(np.float32), shapes)


@partial(jax.jit, static_argnums=0)
def apply(networks, variables, x):
    return networks.apply(variables, x, SPECIES, REAL)


@partial(jax.jit, static_argnums=0)
def slope(networks, variables, x):
    return jax.grad(lambda x: networks.apply(variables, x, SPECIES, REAL)[:8].sum())(x)


def by_hand(variables):
    out = np.zeros((10, 2))
    for row, (x, element) in enumerate(zip(X, SPECIES, strict=True)):
        layers = variables["params"][f"element_{element}"]
        for number in range(1, len(WIDTHS[element]) + 1):
            layer = layers[f"hidden_{number}"]
            x = np.tanh(x @ np.asarray(layer["kernel"]) + np.asarray(layer["bias"]))
        out[row] = x @ np.asarray(layers["output"]["kernel"]) + np.asarray(layers["output"]["bias"])
    return out


@pytest.mark.parametrize("shares", [(), (0.6, 0.2, 0.2), (1.0, 1.0, 1.0)])
def test_each_atom_by_its_own_network(shares):
    networks, variables = made(shares)
    found = apply(networks, variables, X)
    np.testing.assert_allclose(found[:8], by_hand(variables)[:8], atol=1e-6)
    assert np.isfinite(found).all()


def test_an_atom_without_a_place_is_nan_and_padding_is_not():
    networks, variables = made((0.3, 0.3, 0.3))  # three places each, and four real atoms of element 0
    found = np.asarray(apply(networks, variables, X))
    np.testing.assert_array_equal(np.isnan(found[:, 0]), np.isin(np.arange(10), [7]))


def test_an_element_without_a_share_costs_nothing_and_is_nan_where_it_is_met():
    networks, variables = made((0.6, 0.2, 0.0))
    found = np.asarray(apply(networks, variables, X))
    np.testing.assert_array_equal(np.isnan(found[:, 0]), REAL & (SPECIES == 2))
    rest = REAL & (SPECIES != 2)
    np.testing.assert_allclose(found[rest], by_hand(variables)[rest], atol=1e-6)
    program = jax.jit(partial(networks.apply, variables)).lower(X, SPECIES, REAL).as_text()
    assert program.count("dot_general") == 2 + 3  # layers of the elements 0 and 1


def test_gradient_reaches_each_atom_once():
    found = np.asarray(slope(*made((0.6, 0.2, 0.2)), X))
    np.testing.assert_allclose(found, slope(*made(), X), atol=1e-6)
    assert (np.abs(found[:8]).max(axis=1) > 0).all()


def test_blocks_are_no_larger_than_needed():
    assert block_sizes((0.5, 0.25, 0.25), 3, 100) == (50, 25, 25)
    with pytest.raises(InputError, match="2 shares were given for 3 elements"):
        block_sizes((0.5, 0.5), 3, 100)
    with pytest.raises(InputError, match="activation"):
        ElementNetworks(WIDTHS, 1, "relu6").init(jax.random.key(0), X, SPECIES, REAL)
