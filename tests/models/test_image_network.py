"""One network on all descriptors side by side: against NumPy, its forces, and what it cannot do."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from ase.build import molecule

from mlmat.analysis.laws.card import judge_all, measure_laws
from mlmat.analysis.laws.size import two_copies
from mlmat.analysis.laws.subject import subject_of
from mlmat.analysis.laws.symmetry import symmetry_plans
from mlmat.descriptors.symmetry_functions import SymmetryFunctions
from mlmat.errors import InputError
from mlmat.graphs.packing import pack
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.image_network import ImageNetwork
from mlmat.potentials.derivatives import evaluate
from mlmat.potentials.learned import ModelEnergy
from mlmat.potentials.potential import Potential, exact_graph
from mlmat.predictor import Predictor
from mlmat.predictor.predict import budget_of

ENCODER = RadiusGraphEncoder(("H", "O"), 4.0)
FUNCTIONS = SymmetryFunctions(4.0, ((0.5, 0.0), (2.0, 1.0)), angular_etas=(0.1,), zetas=(1.0,))
MODEL = ImageNetwork(2, FUNCTIONS, atoms=3, hidden=(4, 5), outputs=2)


def waters(count=3):
    found = []
    for seed in range(count):
        atoms = molecule("H2O")
        atoms.rattle(0.15, seed=seed)
        found.append(atoms)
    return found


@pytest.fixture(scope="module")
def trained():
    """A fresh network whose scaling is fitted."""
    graphs = [ENCODER(atoms) for atoms in waters()]
    model = MODEL.grown(graphs)
    variables = jax.jit(model.init)(jax.random.key(0), graphs[0])
    members = jax.tree.map(lambda leaf: leaf[None], variables)
    return model, jax.tree.map(lambda leaf: leaf[0], model.fitted(members, graphs)), graphs


def test_it_is_one_network_on_the_descriptors_in_their_order(trained):
    model, variables, graphs = trained
    (packed,) = pack(graphs, budget_of(graphs, 3))
    found = np.asarray(jax.jit(model.apply)(variables, packed))
    describe = jax.jit(model.describe)
    described = [np.asarray(describe(graph), float) for graph in graphs]
    kinds = np.asarray(graphs[0].nodes["species"])
    size = described[0].shape[1]
    low, high = np.zeros((2, size)), np.zeros((2, size))
    for kind in (0, 1):
        rows = np.concatenate([x[kinds == kind] for x in described])
        low[kind], high[kind] = rows.min(axis=0), rows.max(axis=0)
    layers = variables["params"]["network"]
    for number, x in enumerate(described):
        width = (high - low)[kinds]
        scaled = np.where(width > 1e-6, 2 * (x - low[kinds]) / np.where(width > 1e-6, width, 1) - 1, 0)
        y = scaled.reshape(-1)
        for name in ("hidden_1", "hidden_2", "output"):
            y = y @ np.asarray(layers[name]["kernel"], float) + np.asarray(layers[name]["bias"], float)
            y = y if name == "output" else np.tanh(y)
        np.testing.assert_allclose(found[number], y, rtol=1e-4, atol=1e-4)
    assert (found[3:] == 0).all()  # padding


def test_forces_are_those_of_finite_differences(trained):
    model, variables, _ = trained
    params = {
        "variables": jax.tree.map(lambda leaf: leaf[None], variables),
        "scale": np.array(1.0), "offset": np.array(0.0), "reference": np.zeros(2),
    }  # fmt: skip
    potential = Potential(params, ModelEnergy(model.clone(outputs=2), 4.0), ("H", "O"))
    atoms = waters(1)[0]

    total = jax.jit(lambda potential, graph: potential(graph).sum())

    def energy(positions):
        moved = atoms.copy()
        moved.positions = positions
        return float(total(potential, exact_graph(potential, moved)))

    with jax.enable_x64(True):
        found = np.asarray(jax.jit(evaluate)(potential, exact_graph(potential, atoms)).forces)
        for i, k in ((0, 0), (1, 2), (2, 1)):
            step = np.zeros((3, 3))
            step[i, k] = 1e-4
            slope = (energy(atoms.positions + step) - energy(atoms.positions - step)) / 2e-4
            assert found[i, k] == pytest.approx(-slope, rel=1e-4, abs=1e-6)


def test_it_keeps_motions_but_not_the_order_of_atoms(trained):
    model, variables, _ = trained
    apply = jax.jit(model.apply)
    atoms = waters(1)[0]
    found = np.asarray(apply(variables, ENCODER(atoms)))
    moved = atoms.copy()
    moved.rotate(70, (1, 2, 3))
    moved.positions += 5.0
    np.testing.assert_allclose(apply(variables, ENCODER(moved)), found, atol=1e-4)
    swapped = atoms[[0, 2, 1]]  # the two hydrogen atoms
    assert np.abs(np.asarray(apply(variables, ENCODER(swapped))) - found).max() > 1e-3


def test_another_size_is_refused_and_never_a_number(trained):
    model, variables, _ = trained
    hydrogen = ENCODER(molecule("H2"))
    assert np.isnan(np.asarray(jax.jit(model.apply)(variables, hydrogen))).all()
    with pytest.raises(InputError, match="structures of 3 atoms in one order, not of 2"):
        model.grown([hydrogen])
    with pytest.raises(InputError, match="one tuple of hidden widths"):
        MODEL.clone(hidden=((4,), (5,))).init(jax.random.key(0), hydrogen)


def test_the_law_card_shows_it(trained):
    model, variables, _ = trained
    members = jax.tree.map(lambda leaf: leaf[None], variables)
    predictor = Predictor(
        members, np.zeros(1), np.ones(1), model.clone(outputs=1), ENCODER, ("energy",), ("eV",)
    )
    one = jax.tree.map(lambda leaf: leaf, members)
    one["params"]["network"]["output"] = jax.tree.map(
        lambda leaf: leaf[..., :1], one["params"]["network"]["output"]
    )
    subject = subject_of(replace(predictor, variables=one), "image", 0)
    rng = np.random.default_rng(0)
    plans = [*symmetry_plans(subject, waters(2), rng, 1e-6), two_copies(subject, waters(2), 1e-6)]
    laws = {law.name: law for law in judge_all(subject, plans)}
    assert laws["permutation"].holds is False
    assert laws["rotation"].holds
    assert laws["size extensivity"].value is None
    with pytest.raises(InputError, match="--file"):
        measure_laws(subject, [molecule("H2")])
