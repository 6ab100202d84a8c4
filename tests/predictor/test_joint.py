"""Joined predictors behave as one, and what cannot be joined is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.errors import CapacityError, InputError
from mlmat.graphs.softgraph import SoftGraphEncoder, from_smiles
from mlmat.models.soft_mpnn import SoftMPNN
from mlmat.predictor import JointPredictor, Predictor, join, predict_smiles

SMILES = ["CCO", "c1ccccc1", "C#N"]


call = jax.jit(lambda predictor, graph: predictor(graph))
call_each = jax.jit(lambda predictor, graph: predictor.each(graph))
call_std = jax.jit(lambda predictor, graph: predictor.with_std(graph))


def made(properties, members, capacity=8, seed=0):
    model = SoftMPNN(outputs=len(properties), features=4, layers=1)
    shapes = jax.eval_shape(model.init, jax.random.key(0), from_smiles(SMILES, capacity))
    rng = np.random.default_rng(seed)  # drawn on the host: nothing to compile
    variables = jax.tree.map(lambda x: rng.normal(0, 0.3, (members, *x.shape)).astype(np.float32), shapes)
    ones = jnp.ones(len(properties))
    return Predictor(
        variables, 2 * ones, ones, model, SoftGraphEncoder(capacity), properties, ("eV",) * len(properties)
    )


@pytest.fixture(scope="module")
def parts():
    return made(("gap", "homo"), 3), made(("logp",), 2, seed=1)


def test_values_are_those_of_the_parts_side_by_side(parts):
    joint, graph = join(*parts), from_smiles(SMILES, 8)
    assert (joint.properties, joint.members, joint.capacity) == (("gap", "homo", "logp"), 2, 8)
    assert joint.index("logp") == 2
    assert len(joint.units) == len(joint.scale) == len(joint.mean) == 3
    values = call(joint, graph)
    np.testing.assert_allclose(values, np.concatenate([call(p, graph) for p in parts], -1), rtol=1e-5)
    mean, std = call_std(joint, graph)
    np.testing.assert_allclose(mean, values, rtol=1e-5)
    np.testing.assert_allclose(std[:, 2], call_std(parts[1], graph)[1][:, 0], rtol=1e-5)
    assert call_each(joint, graph).shape == (2, 3, 3)
    assert predict_smiles(joint, SMILES).mean.shape == (3, 3)


@pytest.mark.parametrize("joined", [False, True])
def test_a_single_member_is_the_same_traced_or_not(parts, joined):
    predictor, graph = (join(*parts) if joined else parts[0]), from_smiles(SMILES, 8)
    each = call_each(predictor, graph)
    values = jax.jit(lambda p: jax.vmap(lambda i: p.only(i)(graph))(jnp.arange(p.members)))(predictor)
    np.testing.assert_allclose(values, each, rtol=1e-5)
    one = predictor.only(1)
    assert one.members == 1
    np.testing.assert_allclose(call(one, graph), each[1], rtol=1e-5)
    np.testing.assert_array_equal(call_std(one, graph)[1], 0)


def test_a_joint_predictor_is_an_argument_of_jit(parts):
    traces = 0

    @jax.jit
    def value(predictor, graph):
        nonlocal traces
        traces += 1
        return predictor(graph)

    graph = from_smiles(SMILES, 8)
    for seed in (0, 5):
        value(join(made(("gap",), 2, seed=seed), made(("logp",), 2, seed=seed + 1)), graph)
    assert traces == 1


def test_what_does_not_fit_is_refused(parts):
    assert join(parts[0]) is parts[0]
    assert isinstance(join(*parts), JointPredictor)
    with pytest.raises(InputError, match="two of the predictors know gap"):
        join(parts[0], made(("gap",), 1))
    with pytest.raises(CapacityError, match="8, 9"):
        join(parts[0], made(("qed",), 1, capacity=9))
    with pytest.raises(InputError, match="know gap, homo, logp"):
        join(*parts).index("dipole")
    with pytest.raises(InputError, match="at least one"):
        join()
