"""The design space: valence and connection by construction, sensible realisation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmat.design.molecules.realise import Realised, realise, round_graph
from mlmat.design.molecules.space import decode_variables, init_variables, sample_variables
from mlmat.graphs.chemistry import VALENCES, canonical_smiles, parse_smiles
from mlmat.graphs.softgraph import from_smiles
from mlmat.graphs.stability import stability_violations

CAPACITY = 10
init = jax.jit(lambda seed: init_variables(jax.random.key(seed), CAPACITY))
decode = jax.jit(decode_variables)


def wild(seed, strength):
    """A start with logits far from where any search begins."""
    x = init(seed)
    one, two = jax.random.split(jax.random.key(seed + 1))
    return x._replace(
        types=x.types + strength * jax.random.normal(one, x.types.shape),
        bonds=x.bonds + strength * jax.random.normal(two, x.bonds.shape),
    )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), strength=st.floats(0, 20), sharpness=st.floats(1, 30))
def test_any_variables_decode_within_valence_and_connected(seed, strength, sharpness):
    graph = decode(wild(seed, strength), sharpness)
    types, bonds, mask = map(np.asarray, graph)
    atoms = mask > 0
    np.testing.assert_allclose(types.sum(-1), mask, atol=1e-5)
    np.testing.assert_array_equal(bonds, bonds.T)
    assert (bonds.sum(-1) <= types @ np.array(VALENCES) + 1e-4).all()
    assert bonds.min() >= 0
    assert bonds.max() <= 3 + 1e-5
    assert (bonds[~atoms] == 0).all()
    linked = np.linalg.matrix_power(
        (bonds[atoms][:, atoms] >= 1 - 1e-5).astype(float) + np.eye(atoms.sum()), 10
    )
    assert (linked > 0).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), strength=st.floats(0, 20))
def test_what_is_realised_is_a_member_of_the_space(seed, strength):
    outcome = realise(jax.tree.map(np.asarray, decode(wild(seed, strength), 4.0)))
    if isinstance(outcome, Realised):
        molecule = parse_smiles(outcome.smiles)
        assert not stability_violations(molecule)
        assert molecule.GetNumAtoms() <= CAPACITY
    else:
        assert outcome


@pytest.mark.parametrize("smiles", ["CC(=O)c1ccccc1", "C#CC(C)F", "CSC=O", "C1CC1CO"])
def test_a_real_molecule_is_realised_as_itself(smiles):
    outcome = realise(from_smiles(smiles, CAPACITY))
    assert outcome == Realised(canonical_smiles(parse_smiles(smiles)), 0)
    types, bonds = round_graph(from_smiles(smiles, CAPACITY))
    assert len(types) == parse_smiles(smiles).GetNumAtoms()
    np.testing.assert_array_equal(bonds, from_smiles(smiles).bonds)


def test_an_unstable_molecule_is_repaired_and_says_so():
    peroxide = realise(from_smiles("COOC", CAPACITY))
    assert isinstance(peroxide, Realised)
    assert peroxide.repairs >= 1
    assert "OO" not in peroxide.smiles


def test_gradient_reaches_elements_and_bonds_but_not_the_tree():
    x = init(3)

    def height(x):
        graph = decode_variables(x, 2.0)
        return (graph.types[:, 0] * graph.bonds.sum(-1)).sum()

    slope = jax.jit(jax.grad(height))(x)
    assert np.abs(slope.types).max() > 0
    assert np.abs(slope.bonds).max() > 0
    assert not slope.tree.any()
    assert not slope.mask.any()
    assert all(np.isfinite(leaf).all() for leaf in slope)


def test_starts_vary_in_size_and_shape():
    sizes = {int(jnp.sum(init(seed).mask)) for seed in range(40)}
    degrees = {int(init(seed).tree.sum(0).max()) for seed in range(40)}
    assert sizes >= {8, 9, 10}
    assert max(degrees) <= 4
    assert len(degrees) >= 2


def test_draws_follow_the_softmax_and_the_sigmoid_of_the_logits():
    x = init(3)
    keys = jax.random.split(jax.random.key(0), 20_000)
    drawn = jax.jit(jax.vmap(lambda key: sample_variables(x, key, 1.0)))(keys)
    share = (drawn.types.argmax(-1)[..., None] == jnp.arange(x.types.shape[1])).mean(0)
    np.testing.assert_allclose(share, jax.nn.softmax(x.types, axis=-1), atol=0.02)
    np.testing.assert_allclose((drawn.bonds > 0).mean(0), jax.nn.sigmoid(x.bonds), atol=0.02)
    np.testing.assert_array_equal(drawn.tree[0], x.tree)
    still = sample_variables(x, keys[0], 0.0)
    np.testing.assert_array_equal(still.types, x.types)
