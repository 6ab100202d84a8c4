"""The soft-graph network: symmetry, padding, finite differences, Kekulé forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.graphs.chemistry import parse_smiles
from mlmat.graphs.softgraph import all_forms, from_smiles, stack
from mlmat.models.soft_mpnn import SoftMPNN
from mlmat.nn.soft_messages import bond_weights
from mlmat.predictor import load_predictor
from mlmat.typing import SoftGraph

SMILES = ["CC(=O)c1ccccc1", "OCC#N", "FC(F)CS"]
NETWORK = SoftMPNN(outputs=2, features=16, layers=3)
apply = jax.jit(NETWORK.apply)


@pytest.fixture(scope="module")
def variables():
    """Weights as large as those at the start, and biases, too; without compiling a program."""
    shapes = jax.eval_shape(NETWORK.init, jax.random.key(0), from_smiles(SMILES, 10))
    generator = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: generator.normal(0, 0.25, leaf.shape).astype(np.float32), shapes)


def test_order_of_atoms_does_not_matter(variables):
    graph = from_smiles(SMILES, 10)
    order = np.random.default_rng(0).permutation(10)
    shuffled = SoftGraph(graph.types[:, order], graph.bonds[:, order][:, :, order], graph.mask[:, order])
    np.testing.assert_allclose(apply(variables, shuffled), apply(variables, graph), atol=1e-5)


def test_padding_changes_neither_result_nor_gradient(variables):
    @jax.jit
    def value_and_slope(graph):
        def total(bonds):
            value = NETWORK.apply(variables, graph._replace(bonds=bonds))
            return value.sum(), value

        slope, value = jax.grad(total, has_aux=True)(graph.bonds)
        return value, slope

    small, large = (value_and_slope(from_smiles(SMILES, capacity)) for capacity in (9, 14))
    np.testing.assert_allclose(large[0], small[0], atol=1e-5)
    np.testing.assert_allclose(large[1][:, :9, :9], small[1], atol=1e-5)
    assert np.isfinite(large[1]).all()


def test_a_batch_is_its_molecules(variables):
    graph = from_smiles(SMILES, 10)
    alone = np.stack([apply(variables, SoftGraph(*(leaf[i] for leaf in graph))) for i in range(3)])
    np.testing.assert_allclose(apply(variables, graph), alone, atol=1e-5)


def test_gradient_is_the_finite_difference(variables):
    with jax.enable_x64(True):
        graph = SoftGraph(*(np.asarray(leaf, np.float64) for leaf in from_smiles("CC(=O)C=C")))
        # Off the integers, where the hat functions have their kinks.
        graph = graph._replace(bonds=graph.bonds * 0.83)
        variables = jax.tree.map(lambda x: np.asarray(x, np.float64), variables)

        @jax.jit
        def energy(bonds):
            return NETWORK.apply(variables, graph._replace(bonds=bonds))[0]

        direction = np.random.default_rng(1).normal(size=graph.bonds.shape)
        direction = (direction + direction.T) * (np.asarray(graph.bonds) > 0)
        exact = np.vdot(jax.jit(jax.grad(energy))(graph.bonds), direction)
        step = 1e-6
        numerical = (energy(graph.bonds + step * direction) - energy(graph.bonds - step * direction)) / (
            2 * step
        )
        np.testing.assert_allclose(exact, numerical, rtol=1e-6)


def test_bond_weights_are_one_hot_on_integers_and_linear_between():
    bonds = jnp.array([[0.0, 1.0], [2.5, 3.0]])
    weights = bond_weights(bonds).reshape(2, 2, 3)
    expected = [[[0, 0, 0], [1, 0, 0]], [[0, 0.5, 0.5], [0, 0, 1]]]
    np.testing.assert_allclose(weights, expected)


def test_all_kekule_forms_of_a_molecule_get_one_prediction():
    """Forms are one molecule; the shipped ensemble was trained on all of them."""
    predictor, spreads = load_predictor(), []
    predict = jax.jit(lambda predictor, graphs: predictor(graphs))
    for smiles in ("Cc1ccccc1O", "Cc1ccncc1", "Nc1ccc(F)cc1", "Oc1ccccc1C=O", "Cc1cnccn1", "N#Cc1ccccc1"):
        forms = all_forms(parse_smiles(smiles), predictor.capacity)
        assert len(forms) == 2
        gaps = np.asarray(predict(predictor, stack(forms)))[:, 0]
        spreads.append(np.ptp(gaps))
    assert max(spreads) < 0.15, spreads  # eV; the validation error is larger
    assert np.mean(spreads) < 0.08, spreads
