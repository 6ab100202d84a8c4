import ase
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.neighborlist import neighbor_list
from scipy.spatial.transform import Rotation

from mlmat.errors import InputError
from mlmat.graphs.packing import Budget, pack
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.schnet import SchNet, undirected_pairs

ELEMENTS = ("H", "C", "O", "Na", "Cl")
ENCODER = RadiusGraphEncoder(ELEMENTS, 4.0)
MODEL = SchNet(len(ELEMENTS), outputs=2, features=8, interactions=2, basis=6, cutoff=4.0)
BUDGET = Budget(48, 600, 6)
apply = jax.jit(MODEL.apply)
apply_mean = jax.jit(MODEL.clone(pooling="mean").apply)


def salt():
    atoms = bulk("NaCl", "rocksalt", a=4.6)
    atoms.positions[1] += [0.2, -0.1, 0.3]
    return atoms


def structures():
    return [molecule("CH3CH2OH"), ase.Atoms("H"), salt(), molecule("C2H2")]


def batch_of(structures, budget=BUDGET):
    (batch,) = pack(map(ENCODER, structures), budget)
    return batch


@pytest.fixture(scope="module")
def variables():
    shapes = jax.eval_shape(MODEL.init, jax.random.key(0), batch_of(structures()))
    rng = np.random.default_rng(1)
    # Biases are not 0 as at the start of training, so that a forgotten one is visible.
    return jax.tree.map(lambda leaf: rng.normal(0, 0.3, leaf.shape).astype(np.float32), shapes)


def reference(params, atoms, pooling="sum"):
    """SchNet as a loop over the directed edges of ASE's neighbour list, in float64."""
    params = jax.tree.map(lambda leaf: np.asarray(leaf, float), params)

    def dense(layer, x):
        return x @ layer["kernel"] + layer.get("bias", 0.0)

    def ssp(x):
        return np.log(0.5 * np.exp(x) + 0.5)

    receivers, senders, distances = neighbor_list("ijd", atoms, MODEL.cutoff)
    centres = np.linspace(0, MODEL.cutoff, MODEL.basis)
    basis = np.exp(-((distances[:, None] - centres) ** 2) / (2 * centres[1] ** 2))
    cut = 0.5 * (np.cos(np.pi * distances / MODEL.cutoff) + 1)
    x = params["embedding"]["embedding"][[ELEMENTS.index(s) for s in atoms.symbols]]
    for k in range(MODEL.interactions):
        layers = params[f"interaction_{k + 1}"]
        filters = dense(layers["filter_2"], ssp(dense(layers["filter_1"], basis))) * cut[:, None]
        received = np.zeros_like(x)
        for i, j, w in zip(receivers, senders, filters, strict=True):
            received[i] += dense(layers["sent"], x[j]) * w
        x = x + dense(layers["update_2"], ssp(dense(layers["update_1"], received)))
    y = dense(params["readout_2"], ssp(dense(params["readout_1"], x)))
    return y.sum(axis=0) if pooling == "sum" else y.mean(axis=0)


def test_value_is_that_of_the_plain_reference(variables):
    values = apply(variables, batch_of(structures()))
    assert values.shape == (BUDGET.n_graph, 2)
    assert np.isfinite(values).all()
    expected = [reference(variables["params"], atoms) for atoms in structures()]
    np.testing.assert_allclose(values[:4], expected, rtol=2e-5, atol=2e-5)
    mean = apply_mean(variables, batch_of(structures()))
    expected = [reference(variables["params"], atoms, "mean") for atoms in structures()]
    np.testing.assert_allclose(mean[:4], expected, rtol=2e-5, atol=2e-5)


def test_pairs_are_half_the_edges():
    batch = batch_of([salt(), molecule("CH4")])
    pairs = jax.jit(undirected_pairs)(batch)
    edges = int(batch.n_edge[:2].sum())
    assert int(pairs.real.sum()) == edges // 2
    distances = np.sort(np.repeat(np.asarray(pairs.distances)[np.asarray(pairs.real)], 2))
    expected = np.concatenate([neighbor_list("d", atoms, 4.0) for atoms in (salt(), molecule("CH4"))])
    np.testing.assert_allclose(distances, np.sort(expected), atol=1e-5)
    assert not np.asarray(pairs.distances)[~np.asarray(pairs.real)].any()


def test_moving_turning_and_reordering_change_nothing(variables):
    plain = molecule("CH3CH2OH")
    rng = np.random.default_rng(2)
    turned = plain.copy()
    turned.positions = Rotation.random(random_state=3).apply(plain.positions)
    turned.translate([3.0, -7.0, 2.0])
    reordered = plain[rng.permutation(len(plain))]
    mirrored = plain.copy()
    mirrored.positions[:, 0] *= -1
    values = np.asarray(apply(variables, batch_of([plain, turned, reordered, mirrored])))
    np.testing.assert_allclose(values[1:4], np.broadcast_to(values[0], (3, 2)), rtol=1e-5, atol=1e-5)
    other = plain.copy()
    other.positions[2] += 0.05
    assert abs(apply(variables, batch_of([other]))[0] - values[0]).max() > 1e-3


def test_supercell_is_extensive(variables):
    one, eight = apply(variables, batch_of([salt(), salt() * (2, 2, 2)]))[:2]
    np.testing.assert_allclose(eight, 8 * one, rtol=1e-5)


def test_far_molecules_add_up(variables):
    a, b = molecule("CH3CH2OH"), molecule("C2H2")
    both = a.copy()
    moved = b.copy()
    moved.positions += 30.0
    both += moved
    values = np.asarray(apply(variables, batch_of([a, b, both])))
    np.testing.assert_allclose(values[2], values[0] + values[1], rtol=1e-5)
    mean = np.asarray(apply_mean(variables, batch_of([a, a * (1, 1, 1), b])))
    np.testing.assert_array_equal(mean[0], mean[1])
    np.testing.assert_allclose(mean[0] * len(a), values[0], rtol=1e-5)


def loss(variables, positions, batch, graphs):
    nodes = {**batch.nodes, "positions": positions}
    values = MODEL.apply(variables, batch._replace(nodes=nodes))[:, 0]
    return jnp.sum(jnp.where(jnp.arange(len(values)) < graphs, values, 0.0) ** 2)


def test_padding_and_neighbours_in_the_batch_change_no_value_and_no_gradient(variables):
    gradient = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)), static_argnums=3)
    found = []
    for budget in (Budget(21, 351, 5), BUDGET):
        batch = batch_of(structures(), budget)
        # What lies on padding atoms must not matter, wherever it is.
        batch.nodes["positions"][16:] = 0.7
        batch.nodes["species"][16:] = 3
        value, (weights, positions) = gradient(variables, batch.nodes["positions"], batch, 4)
        assert not np.asarray(positions[16:]).any()
        found.append((value, weights, positions[:16]))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), *found)
    alone = apply(variables, batch_of([salt()]))[0]
    np.testing.assert_allclose(apply(variables, batch_of(structures()))[2], alone, rtol=1e-5)


def test_without_padding_edges_or_any_edges(variables):
    graph = ENCODER(salt())
    tight = batch_of([salt()], Budget(3, int(graph.n_edge[0]), 2))
    np.testing.assert_allclose(
        apply(variables, tight)[0], apply(variables, batch_of([salt()]))[0], rtol=1e-5, atol=1e-6
    )
    lonely = batch_of([ase.Atoms("H")], Budget(2, 0, 2))
    expected = reference(variables["params"], ase.Atoms("H"))
    np.testing.assert_allclose(apply(variables, lonely)[0], expected, rtol=1e-5)


def test_forces_and_their_training_gradient_by_finite_differences(variables):
    with jax.enable_x64(True):
        batch = batch_of([salt(), molecule("C2H2")], Budget(8, 120, 3))
        variables, positions, edges = jax.tree.map(
            lambda leaf: jnp.asarray(leaf, jnp.float64), (variables, batch.nodes["positions"], batch.edges)
        )

        @jax.jit
        def energy(variables, positions):
            nodes = {**batch.nodes, "positions": positions}
            return MODEL.apply(variables, batch._replace(nodes=nodes, edges=edges))[:2, 0].sum()

        slope = jax.jit(jax.grad(energy, argnums=1))

        def force_loss(variables, positions):
            return jnp.sum(slope(variables, positions) ** 2)

        rng = np.random.default_rng(4)
        for function, argument, gradient in (
            (energy, 1, slope),
            (force_loss, 0, jax.jit(jax.grad(force_loss))),
        ):
            point = [variables, positions]
            change = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape), point[argument])
            exact = sum(jax.tree.leaves(jax.tree.map(np.vdot, gradient(*point), change)))
            values = []
            for step in (1e-4, -1e-4):
                moved = jax.tree.map(lambda leaf, d, step=step: leaf + step * d, point[argument], change)
                values.append(function(*point[:argument], moved, *point[argument + 1 :]))
            assert exact.dtype == np.float64
            assert abs(exact) > 1e-3
            np.testing.assert_allclose(exact, (values[0] - values[1]) / 2e-4, rtol=1e-5)
        forces = -slope(variables, positions)
        np.testing.assert_allclose(forces[:2].sum(axis=0), 0.0, atol=1e-10)
        np.testing.assert_allclose(forces[2:6].sum(axis=0), 0.0, atol=1e-10)


def test_energy_is_smooth_at_the_cutoff(variables):
    def energy(distance):
        atoms = ase.Atoms("CO", [[0, 0, 0], [0, 0, distance]])
        return float(apply(variables, batch_of([atoms]))[0, 0])

    assert abs(energy(3.9999) - energy(4.0001)) < 1e-5
    assert abs(energy(3.0) - energy(4.0001)) > 1e-3


def test_one_trace_for_one_shape(variables):
    predict = jax.jit(lambda batch: MODEL.apply(variables, batch))
    for atoms in structures():
        predict(batch_of([atoms]))
    assert predict._cache_size() == 1


def test_unknown_pooling_is_refused():
    with pytest.raises(InputError, match="'sum' or 'mean'"):
        SchNet(1, pooling="max").init(jax.random.key(0), batch_of([ase.Atoms("H")]))
