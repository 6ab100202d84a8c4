"""The crystal network: its equations written out in NumPy, invariances, padding, gradients."""

from dataclasses import replace

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
from mlmat.models.crystal_network import CrystalNetwork

SYMBOLS = ("O", "Na", "Mg", "Si", "Cl", "Cu")
ENCODER = CrystalGraphEncoder(SYMBOLS, 12)
SMALL = CrystalNetwork(SYMBOLS, features=6, channels=3, layers=2, basis=7, neighbours=12)


def crystals():
    salt = ase.build.bulk("NaCl", "rocksalt", a=5.64)
    rough = ase.build.bulk("MgO", "rocksalt", a=4.21, cubic=True)
    rough.rattle(0.1, seed=0)
    return [salt, ase.build.bulk("Si"), rough, ase.build.bulk("Cu")]


def batch_of(structures, nodes=None, graphs=None):
    nodes = nodes or sum(map(len, structures)) + 1
    budget = Budget(nodes, 12 * nodes, graphs or len(structures) + 1)
    return next(iter(pack(map(ENCODER, structures), budget)))


@pytest.fixture(scope="module")
def variables():
    start = jax.jit(SMALL.init)(jax.random.key(0), batch_of(crystals()))
    # Biases and scales other than those at the start, so that a mistake in them shows.
    leaves, tree = jax.tree.flatten(start)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    moved = [leaf + 0.2 * jax.random.uniform(k, leaf.shape) for leaf, k in zip(leaves, keys, strict=True)]
    return jax.tree.unflatten(tree, moved)


predict = jax.jit(SMALL.apply)


def values(variables, structures, **padding):
    return np.asarray(predict(variables, batch_of(structures, **padding)))[: len(structures)]


def silu(x):
    return x / (1 + np.exp(-x))


def test_it_is_what_its_equations_say(variables):
    atoms = crystals()[2]
    p = jax.tree.map(np.asarray, variables["params"])

    def dense(params, x):
        return x @ params["kernel"] + params.get("bias", 0)

    def norm(params, x):
        spread = np.sqrt(x.var(axis=-1, keepdims=True) + 1e-6)
        return (x - x.mean(axis=-1, keepdims=True)) / spread * params["scale"] + params["bias"]

    bits = element_vectors(SYMBOLS)
    v = dense(p["embedding"], np.stack([bits[SYMBOLS.index(symbol)] for symbol in atoms.symbols]))
    graph = ENCODER(atoms)
    ends = atoms.positions[graph.senders] + graph.edges["shift"] - atoms.positions[graph.receivers]
    lengths = np.linalg.norm(ends, axis=1)
    for q in (p["layer_1"], p["layer_2"]):
        summed = np.zeros((len(atoms), 7, 3))
        for edge, (i, j) in enumerate(zip(graph.receivers, graph.senders, strict=True)):
            radial = np.exp(-((lengths[edge] - (1 + 0.45 * np.arange(7))) ** 2) / (2 * 0.45**2))
            summed[i] += 2 / np.sqrt(12) * radial[:, None] * dense(q["sent"], v[j])
        message = norm(q["message_norm"], dense(q["message"], summed.reshape(len(atoms), -1)))
        mixed = silu(dense(q["mixed"], message) + dense(q["own"], v))
        v = v + norm(q["update_norm"], dense(q["update"], mixed))
    each = dense(p["readout_2"], silu(dense(p["readout_1"], v)))
    np.testing.assert_allclose(values(variables, [atoms])[0], each.mean(axis=0), rtol=3e-5)


def test_moved_turned_permuted_and_repeated_crystals_are_the_same(variables):
    atoms = crystals()[2]
    turned = atoms.copy()
    turned.rotate(40, (1, 2, 3), rotate_cell=True)
    moved = atoms.copy()
    moved.translate((0.3, -1.0, 2.2))
    moved.wrap()
    others = [turned, moved, atoms[np.random.default_rng(0).permutation(len(atoms))], atoms.repeat((1, 2, 1))]
    want = values(variables, [atoms])
    assert abs(want - values(variables, [crystals()[0]])).max() > 0.01
    for other in others:
        np.testing.assert_allclose(values(variables, [other]), want, rtol=2e-4, atol=1e-5)


def test_neighbours_in_a_batch_and_padding_change_neither_values_nor_gradients(variables):
    @jax.jit
    @jax.value_and_grad
    def loss(params, batch):
        return (SMALL.apply({"params": params}, batch)[:4] ** 2).sum()

    alone = np.concatenate([values(variables, [atoms]) for atoms in crystals()])
    np.testing.assert_allclose(values(variables, crystals()), alone, rtol=2e-5)
    with jax.enable_x64():
        exact = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), variables["params"])
        batches = batch_of(crystals()), batch_of(crystals(), nodes=40, graphs=9)
        found = [loss(exact, batch) for batch in batches]
    for one, two in zip(*map(jax.tree.leaves, found), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-10)


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
