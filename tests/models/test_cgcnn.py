"""CGCNN: the published size, the equations written out in NumPy, invariances, padding, batch statistics."""

from dataclasses import replace
from functools import partial

import ase.build
import jax
import jax.numpy as jnp
import jraph
import numpy as np
import pytest

from mlmat.descriptors.element_vectors import element_vectors
from mlmat.errors import InputError
from mlmat.graphs.crystal_graph import CrystalGraphEncoder
from mlmat.graphs.packing import Budget, pack
from mlmat.models.cgcnn import CGCNN

SYMBOLS = ("O", "Na", "Mg", "Si", "Cl", "Cu")
ENCODER = CrystalGraphEncoder(SYMBOLS)
SMALL = CGCNN(SYMBOLS, features=6, layers=2, hidden=5)


def crystals():
    salt = ase.build.bulk("NaCl", "rocksalt", a=5.64)
    rough = ase.build.bulk("MgO", "rocksalt", a=4.21, cubic=True)
    rough.rattle(0.1, seed=0)
    return [salt, ase.build.bulk("Si"), rough, ase.build.bulk("Cu")]


def batch_of(structures, nodes=None, graphs=None):
    encoded = [ENCODER(atoms) for atoms in structures]
    total = sum(len(atoms) for atoms in structures)
    nodes = nodes or total + 1
    return next(iter(pack(encoded, Budget(nodes, 12 * nodes, graphs or len(structures) + 1))))


@pytest.fixture(scope="module")
def variables():
    start = jax.jit(SMALL.init)(jax.random.key(0), batch_of(crystals()))
    # Statistics and scales other than those at the start, so that a mistake in them shows.
    leaves, tree = jax.tree.flatten(start)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    moved = [leaf + 0.2 * jax.random.uniform(k, leaf.shape) for leaf, k in zip(leaves, keys, strict=True)]
    return jax.tree.unflatten(tree, moved)


predict = jax.jit(SMALL.apply)


def values(variables, structures, **padding):
    return np.asarray(predict(variables, batch_of(structures, **padding)))[: len(structures)]


def test_it_has_the_size_of_the_paper():
    shapes = jax.eval_shape(CGCNN(SYMBOLS).init, jax.random.key(0), batch_of(crystals()))
    params = shapes["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == 96_641


def softplus(x):
    return np.logaddexp(0, x)


def norm(x, params, statistics):
    normal = (x - statistics["mean"]) / np.sqrt(statistics["variance"] + 1e-5)
    return normal * params["scale"] + params["bias"]


def test_it_is_what_the_paper_says(variables):
    atoms = crystals()[2]
    got = values(variables, [atoms])[0]
    p, s = jax.tree.map(np.asarray, (variables["params"], variables["batch_stats"]))
    bits = element_vectors(SYMBOLS)
    v = np.stack([bits[SYMBOLS.index(symbol)] for symbol in atoms.symbols])
    v = v @ p["embedding"]["kernel"] + p["embedding"]["bias"]
    graph = ENCODER(atoms)
    ends = atoms.positions[graph.senders] + graph.edges["shift"] - atoms.positions[graph.receivers]
    u = np.exp(-((np.linalg.norm(ends, axis=1)[:, None] - 0.2 * np.arange(41)) ** 2) / 0.2**2)
    for layer in ("convolutions_0", "convolutions_1"):
        q, t = p[layer], s[layer]
        total = np.zeros_like(v)
        for edge, (i, j) in enumerate(zip(graph.receivers, graph.senders, strict=True)):
            z = np.concatenate([v[i], v[j], u[edge]]) @ q["kernel"] + q["bias"]
            f, core = np.split(norm(z, q["edge_norm"], t["edge_norm"]), 2)
            total[i] += softplus(core) / (1 + np.exp(-f))
        v = softplus(v + norm(total, q["atom_norm"], t["atom_norm"]))
    c = softplus(v.mean(axis=0))
    c = softplus(c @ p["crystal_layers_0"]["kernel"] + p["crystal_layers_0"]["bias"])
    np.testing.assert_allclose(got, c @ p["output"]["kernel"] + p["output"]["bias"], rtol=2e-5)


def test_moved_turned_permuted_and_repeated_crystals_are_the_same(variables):
    atoms = crystals()[2]
    turned = atoms.copy()
    turned.rotate(40, (1, 2, 3), rotate_cell=True)
    moved = atoms.copy()
    moved.translate((0.3, -1.0, 2.2))
    moved.wrap()
    others = [turned, moved, atoms[np.random.default_rng(0).permutation(len(atoms))], atoms.repeat((1, 2, 1))]
    want = values(variables, [atoms])
    for other in others:
        np.testing.assert_allclose(values(variables, [other]), want, rtol=2e-4, atol=1e-5)


def test_padding_changes_nothing_in_training_either(variables):
    @jax.jit
    @partial(jax.value_and_grad, has_aux=True)
    def loss(params, batch):
        out, state = SMALL.apply({**exact, "params": params}, batch, train=True, mutable=["batch_stats"])
        return (out[:4] ** 2).sum(), state

    with jax.enable_x64():
        exact = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), variables)
        batches = batch_of(crystals()), batch_of(crystals(), nodes=40, graphs=9)
        found = [loss(exact["params"], batch) for batch in batches]
    for one, two in zip(*map(jax.tree.leaves, found), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-10)


def test_batch_statistics_move_in_training_only(variables):
    train = jax.jit(partial(SMALL.apply, mutable=["batch_stats"]), static_argnames="train")
    batch = batch_of(crystals(), nodes=64)
    _, state = train(variables, batch, train=True)
    one, two = (values({**variables, **part}, crystals()) for part in ({}, state))
    assert not np.allclose(one, two)
    _, same = train(variables, batch, train=False)
    jax.tree.map(np.testing.assert_array_equal, same["batch_stats"], variables["batch_stats"])


def test_lonely_atoms_have_a_value(variables):
    lonely = ase.Atoms("Na", cell=[20, 20, 20], pbc=True)
    assert np.isfinite(values(variables, [lonely])).all()
    gradient = jax.jit(jax.grad(lambda v: SMALL.apply(v, batch_of([lonely])).sum()))(variables)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_gradient_by_positions_is_that_of_finite_differences(variables):
    with jax.enable_x64():
        graph = batch_of(crystals()[2:3])
        exact = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), variables)
        positions = jnp.asarray(graph.nodes["positions"], float)

        @jax.jit
        def energy(x):
            moved = graph._replace(nodes={**graph.nodes, "positions": x})
            return SMALL.apply(exact, moved)[0, 0]

        step = jnp.asarray(np.random.default_rng(0).normal(size=positions.shape))
        step = jnp.where(jraph.get_node_padding_mask(graph)[:, None], step, 0.0)
        slope = (energy(positions + 1e-5 * step) - energy(positions - 1e-5 * step)) / 2e-5
        np.testing.assert_allclose((jax.jit(jax.grad(energy))(positions) * step).sum(), slope, rtol=1e-6)


def test_extensive_values_are_those_of_an_atom_times_their_number(variables):
    atoms = crystals()[2]
    model = replace(SMALL, pooling="sum")
    one, two = jax.jit(model.apply)(variables, batch_of([atoms, atoms.repeat((1, 1, 2))]))[:2]
    np.testing.assert_allclose(two, 2 * one, rtol=2e-4)
    np.testing.assert_allclose(one, len(atoms) * values(variables, [atoms])[0], rtol=1e-5)


def test_pooling_must_be_known():
    with pytest.raises(InputError, match="pooling"):
        replace(SMALL, pooling="max").init(jax.random.key(0), batch_of(crystals()))
