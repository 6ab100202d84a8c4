"""The bond-graph network: blind to the order of atoms and to padding, in values and gradients."""

from functools import partial

import jax
import numpy as np
import pytest
from rdkit import Chem

from mlmat.graphs.bond_graph import BondGraphEncoder
from mlmat.graphs.packing import Budget, pack
from mlmat.models.bond_mpnn import BondMPNN

SMILES = ["CC(=O)Nc1ccc(O)cc1", "C[N+](C)(C)CC(=O)[O-]", "ClC=CS", "[Na+].[Cl-]"]
ENCODER = BondGraphEncoder(("H", "C", "N", "O", "Na", "S", "Cl"), fingerprint=64)


def batch(smiles, nodes=64, edges=128, graphs=8):
    return next(pack(ENCODER.many(smiles), Budget(nodes, edges, graphs)))


@pytest.fixture(scope="module", params=["mean", "sum"])
def model_and_variables(request):
    model = BondMPNN(len(ENCODER.elements), outputs=2, features=16, layers=3, pooling=request.param)
    quickly = jax.jit(model.init, compiler_options={"xla_backend_optimization_level": 0})
    return model, quickly(jax.random.key(0), batch(SMILES))


@partial(jax.jit, static_argnums=0)
def apply(model, variables, packed):
    return model.apply(variables, packed)


def outputs(model, variables, packed, count):
    return np.asarray(apply(model, variables, packed))[:count]


def test_the_order_of_atoms_does_not_matter(model_and_variables):
    shuffled = [Chem.MolToSmiles(Chem.MolFromSmiles(text), canonical=False, doRandom=True) for text in SMILES]
    assert shuffled != SMILES
    one, two = (outputs(*model_and_variables, batch(texts), 4) for texts in (SMILES, shuffled))
    np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)


def test_padding_changes_neither_values_nor_gradients(model_and_variables):
    model, variables = model_and_variables
    small, large = batch(SMILES, 32, 60, 5), batch(SMILES, 300, 500, 40)
    np.testing.assert_allclose(
        outputs(model, variables, small, 4), outputs(model, variables, large, 4), rtol=1e-4, atol=1e-5
    )

    @jax.jit
    def gradient(packed):
        return jax.grad(lambda v: (model.apply(v, packed)[:4] ** 2).sum())(variables)

    for one, two in zip(*(jax.tree.leaves(gradient(packed)) for packed in (small, large)), strict=True):
        assert np.isfinite(one).all()
        np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-4)


def test_a_sum_adds_up_over_separate_molecules(model_and_variables):
    model, variables = model_and_variables
    both = outputs(model, variables, batch(["CCO.CS"]), 1)
    apart = outputs(model, variables, batch(["CCO", "CS"]), 2).sum(axis=0, keepdims=True)
    if model.pooling == "sum":
        np.testing.assert_allclose(both, apart, rtol=1e-4, atol=1e-5)
    else:
        assert np.abs(both - apart).max() > 1e-3


def test_neighbours_in_the_batch_do_not_matter(model_and_variables):
    alone = outputs(*model_and_variables, batch(SMILES[:1]), 1)
    together = outputs(*model_and_variables, batch(SMILES), 1)
    np.testing.assert_allclose(alone, together, rtol=1e-4, atol=1e-5)


def test_dropout_acts_in_training_only(model_and_variables):
    model, variables = model_and_variables
    packed = batch(SMILES)
    rngs = {"dropout": jax.random.key(1)}
    trained = np.asarray(jax.jit(lambda v, b: model.apply(v, b, train=True, rngs=rngs))(variables, packed))
    same = np.allclose(trained[:4], outputs(model, variables, packed, 4), atol=1e-5)
    assert same == (model.pooling == "sum")  # the sum over atoms has no dropout
