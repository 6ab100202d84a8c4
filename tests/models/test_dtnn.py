import ase
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase.build import molecule
from scipy.spatial.transform import Rotation

from mlmat.errors import InputError
from mlmat.graphs.packing import Budget, pack
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.dtnn import ALL_PAIRS, DTNN, per_atom_scaling

ELEMENTS = ("H", "C", "N", "O")
FULL = DTNN(len(ELEMENTS), outputs=2, features=7, factors=9, passes=3, basis=40, hidden=5)
NEAR = FULL.clone(cutoff=4.0)
ENCODERS = {FULL: RadiusGraphEncoder(ELEMENTS, ALL_PAIRS), NEAR: RadiusGraphEncoder(ELEMENTS, 4.0)}
BUDGET = Budget(56, 900, 6)
apply = jax.jit(lambda model, variables, batch: model.apply(variables, batch), static_argnums=0)
call = jax.jit(
    lambda model, method, variables, *args: model.apply(variables, *args, method=method),
    static_argnums=(0, 1),
)


def structures():
    return [molecule("CH3CH2OH"), ase.Atoms("H"), molecule("C6H6"), molecule("CH3CONH2")]


def batch_of(structures, model=FULL, budget=BUDGET):
    (batch,) = pack(map(ENCODERS[model], structures), budget)
    return batch


@pytest.fixture(scope="module")
def variables():
    shapes = jax.eval_shape(FULL.init, jax.random.key(0), batch_of(structures()))
    rng = np.random.default_rng(1)
    # Neither zero weights nor zero biases, so that a forgotten one is visible.
    return jax.tree.map(lambda leaf: rng.normal(0, 0.4, leaf.shape).astype(np.float32), shapes)


def reference(params, atoms, cutoff=None):
    """The paper's equations, pair by pair, in float64: energies of the atoms and all c."""
    p = jax.tree.map(lambda leaf: np.asarray(leaf, float), params)
    c = p["embedding"]["embedding"][[ELEMENTS.index(s) for s in atoms.symbols]]
    history = [c]
    for _ in range(FULL.passes):
        new = c.copy()
        for i in range(len(atoms)):
            for j in range(len(atoms)):
                if i != j:
                    new[i] += message(
                        p, c[j], np.linalg.norm(atoms.positions[j] - atoms.positions[i]), cutoff
                    )
        c = new
        history.append(c)
    return energy(p, c), history


def message(p, c_j, distance, cutoff=None):
    centres = np.array([0.2 * k for k in range(FULL.basis)])
    expanded = np.exp(-((distance - centres) ** 2) / (2 * 0.2**2))
    left = c_j @ p["atom_factors"]["kernel"] + p["atom_factors"]["bias"]
    right = expanded @ p["distance_factors"]["kernel"] + p["distance_factors"]["bias"]
    v = np.tanh((left * right) @ p["fusion"]["kernel"])
    if cutoff is not None:
        v = v * (0.5 * (np.cos(np.pi * distance / cutoff) + 1) if distance < cutoff else 0.0)
    return v


def energy(p, c):
    hidden = np.tanh(c @ p["readout_1"]["kernel"] + p["readout_1"]["bias"])
    return hidden @ p["readout_2"]["kernel"] + p["readout_2"]["bias"]


@pytest.mark.parametrize(("model", "cutoff"), [(FULL, None), (NEAR, 4.0)])
def test_value_is_that_of_the_paper_written_out(variables, model, cutoff):
    values = apply(model, variables, batch_of(structures(), model))
    assert values.shape == (BUDGET.n_graph, 2)
    assert np.isfinite(values).all()
    expected = [reference(variables["params"], atoms, cutoff)[0].sum(axis=0) for atoms in structures()]
    np.testing.assert_allclose(values[:4], expected, rtol=1e-4, atol=1e-4)


def test_atoms_and_their_mean(variables):
    batch = batch_of(structures())
    each = np.asarray(call(FULL, "atomwise", variables, batch))
    expected, history = reference(variables["params"], structures()[0])
    np.testing.assert_allclose(each[:9], expected, rtol=1e-4, atol=1e-4)
    found = call(FULL, "coefficients", variables, batch)
    assert len(found) == FULL.passes + 1
    for ours, theirs in zip(found, history, strict=True):
        np.testing.assert_allclose(ours[:9], theirs, rtol=1e-4, atol=1e-4)
    mean = apply(FULL.clone(pooling="mean"), variables, batch)
    np.testing.assert_allclose(mean[0], each[:9].mean(axis=0), rtol=1e-5, atol=1e-6)


def test_start_of_training_is_zero_and_has_a_gradient():
    batch = batch_of(structures())
    start = jax.jit(FULL.init)(jax.random.key(0), batch)
    assert not np.asarray(apply(FULL, start, batch)).any()
    assert not np.asarray(start["params"]["fusion"]["kernel"]).any()
    gradient = jax.jit(jax.grad(lambda v: ((FULL.apply(v, batch)[:4] - 1.0) ** 2).sum()))(start)
    assert np.asarray(gradient["params"]["readout_2"]["kernel"]).any()
    spread = np.asarray(start["params"]["embedding"]["embedding"]).std()
    assert 0.4 < spread / FULL.features**-0.25 < 1.8


def test_moving_turning_mirroring_and_reordering_change_nothing(variables):
    plain = molecule("CH3CONH2")
    turned = plain.copy()
    turned.positions = Rotation.random(random_state=3).apply(plain.positions)
    turned.translate([3.0, -7.0, 2.0])
    reordered = plain[np.random.default_rng(2).permutation(len(plain))]
    mirrored = plain.copy()
    mirrored.positions[:, 0] *= -1
    for model in (FULL, NEAR):
        values = np.asarray(apply(model, variables, batch_of([plain, turned, reordered, mirrored], model)))
        np.testing.assert_allclose(values[1:4], np.broadcast_to(values[0], (3, 2)), rtol=1e-4, atol=2e-5)
        other = plain.copy()
        other.positions[2] += 0.05
        assert abs(apply(model, variables, batch_of([other], model))[0] - values[0]).max() > 1e-3


def test_far_molecules_add_up_with_a_cutoff_only(variables):
    a, b = molecule("CH3CH2OH"), molecule("C6H6")
    moved = b.copy()
    moved.positions += 25.0
    for model, adds_up in ((NEAR, True), (FULL, False)):
        values = np.asarray(apply(model, variables, batch_of([a, b, a + moved], model)))
        rest = abs(values[2] - values[0] - values[1]).max()
        assert (rest < 1e-4) == adds_up, rest


def test_padding_and_neighbours_in_the_batch_change_no_value_and_no_gradient(variables):
    def loss(variables, positions, batch):
        values = FULL.apply(variables, batch._replace(nodes={**batch.nodes, "positions": positions}))[:4, 0]
        return jnp.sum(values**2)

    gradient, found = jax.jit(jax.value_and_grad(loss, argnums=(0, 1))), []
    atoms = sum(map(len, structures()))
    edges = sum(n * (n - 1) for n in map(len, structures()))
    for budget in (Budget(atoms + 1, edges, 5), BUDGET):
        batch = batch_of(structures(), budget=budget)
        # What lies on padding atoms must not matter, wherever it is.
        batch.nodes["positions"][atoms:] = 0.7
        batch.nodes["species"][atoms:] = 3
        value, (weights, positions) = gradient(variables, batch.nodes["positions"], batch)
        assert not np.asarray(positions[atoms:]).any()
        found.append((value, weights, positions[:atoms]))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-4), *found)


@pytest.mark.parametrize("model", [FULL, NEAR])
def test_forces_by_finite_differences(variables, model):
    with jax.enable_x64(True):
        batch = batch_of([molecule("CH3CONH2"), molecule("H2O")], model, Budget(13, 120, 3))
        variables, positions = jax.tree.map(
            lambda leaf: jnp.asarray(leaf, jnp.float64), (variables, batch.nodes["positions"])
        )

        @jax.jit
        def total(positions):
            return model.apply(variables, batch._replace(nodes={**batch.nodes, "positions": positions}))[
                :2, 0
            ].sum()

        slope = jax.jit(jax.grad(total))(positions)
        assert slope.dtype == np.float64
        for atom, axis in ((0, 1), (4, 2), (10, 0)):
            step = np.zeros(positions.shape)
            step[atom, axis] = 1e-5
            numeric = (total(positions + step) - total(positions - step)) / 2e-5
            np.testing.assert_allclose(slope[atom, axis], numeric, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(slope[:9].sum(axis=0), 0.0, atol=1e-10)


@pytest.mark.parametrize(("model", "cutoff"), [(FULL, None), (NEAR, 4.0)])
def test_probe_feels_the_molecule_and_is_not_felt(variables, model, cutoff):
    atoms = molecule("CH3CH2OH")
    points = np.array([[0.5, 1.0, 2.0], [-2.0, 0.0, 1.5]])
    p = jax.tree.map(lambda leaf: np.asarray(leaf, float), variables["params"])
    _, history = reference(p, atoms, cutoff)
    expected = []
    for point in points:
        probe = p["embedding"]["embedding"][ELEMENTS.index("C")].copy()
        for c in history[:-1]:
            for j, position in enumerate(atoms.positions):
                probe += message(p, c[j], np.linalg.norm(point - position), cutoff)
        expected.append(energy(p, probe))
    for graph in (ENCODERS[model](atoms), batch_of([atoms], model)):
        found = call(model, "probe", variables, graph, jnp.asarray(points, jnp.float32), 1)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_one_atom_and_an_unknown_pooling(variables):
    value = apply(FULL, variables, batch_of([ase.Atoms("O")], budget=Budget(2, 0, 2)))[0]
    np.testing.assert_allclose(
        value, reference(variables["params"], ase.Atoms("O"))[0][0], rtol=1e-5, atol=1e-6
    )
    with pytest.raises(InputError, match="'sum' or 'mean'"):
        DTNN(1, pooling="max").init(jax.random.key(0), batch_of([ase.Atoms("H")]))


def test_scaling_of_an_atom():
    shift, scale = per_atom_scaling(np.array([[-10.0], [-18.0], [-8.0]]), np.array([5, 6, 4]))
    np.testing.assert_allclose([shift[0], scale[0]], [-7 / 3, np.std([2, 3, 2])])
    with pytest.raises(InputError, match="same"):
        per_atom_scaling(np.array([[-2.0], [-4.0]]), np.array([1, 2]))
