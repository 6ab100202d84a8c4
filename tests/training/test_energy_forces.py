"""Stress as the derivative of the energy by strain, and what is unknown counts nothing."""

import ase
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.stress import voigt_6_to_full_3x3_stress

from mlmat.errors import InputError
from mlmat.graphs.packing import Budget, pack
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.graphs.segment import graph_of_node, segment_sum
from mlmat.recipes.mechanics import force_scale, mechanical_graphs
from mlmat.recipes.task import Task
from mlmat.training.config import LossConfig
from mlmat.training.energy_forces import EnergyForces
from mlmat.training.source import Example, with_targets
from mlmat.units import GPA

ENCODER = RadiusGraphEncoder(("H", "O", "Cu"), 4.0)
SETTINGS = LossConfig(energy=3.0, forces=2.0, stress=5.0, kind="mse")


class Morse:
    """Sum over edges of ½ k (1 − e^{−a (r − 2.6)})², without cutoff function: differentiable, stiff."""

    def apply(self, variables, graph, rngs=None):
        nodes = graph.nodes["positions"]
        vectors = nodes[graph.senders] + graph.edges["shift"] - nodes[graph.receivers]
        squared = (vectors**2).sum(axis=-1)
        r = jnp.sqrt(jnp.where(squared > 0, squared, 1.0))
        pair = 0.5 * variables["params"]["k"] * (1 - jnp.exp(-1.3 * (r - 2.6))) ** 2
        atoms = segment_sum(jnp.where(squared > 0, pair, 0.0), graph.receivers, len(nodes))
        return segment_sum(atoms, graph_of_node(graph), len(graph.n_node))[:, None]

    def __call__(self, batch):
        """Only its signature counts: it takes no `train`."""


def copper():
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.rattle(0.1, seed=3)
    atoms.set_cell(atoms.cell.array @ [[1.0, 0.02, 0.01], [0, 0.97, 0.03], [0, 0, 1.02]], scale_atoms=True)
    return atoms


ITEMS = [copper(), molecule("H2O"), copper()[:3]]


def example(stress=None, forces=None, dtype=np.float32):
    stress = np.zeros((3, 6)) if stress is None else stress
    stress[1] = np.nan
    forces = [np.zeros((len(a), 3)) for a in ITEMS] if forces is None else forces
    task = Task("structure", ITEMS, np.zeros((3, 1)), ("energy",), ("eV",), forces=forces, stress=stress)
    graphs = mechanical_graphs(task, range(3), [ENCODER(atoms) for atoms in ITEMS])
    (batch,) = pack(with_targets(graphs, task.targets), Budget(20, 900, 5))
    batch = jax.tree.map(lambda a: jnp.asarray(a, dtype if a.dtype.kind == "f" else None), batch)
    return Example(batch, batch.globals["targets"], batch.globals["weights"])


VARIABLES, MODEL = {"params": {"k": jnp.array(1.7)}}, Morse()


def objective(settings=SETTINGS):
    return EnergyForces(jnp.zeros(1), jnp.ones(1), MODEL, settings)


@jax.jit
def predict(objective, batch):
    return objective.predict(VARIABLES, batch)


@jax.jit
def loss(objective, example):
    return objective.loss(VARIABLES, example, jax.random.key(0))


def test_virial_and_forces_are_finite_differences():
    with jax.enable_x64(True):
        batch = example(dtype=np.float64).batch
        found = predict(objective(), batch)
        owner = np.asarray(graph_of_node(batch))
        step = 1e-5
        for graph in (0, 2):
            for column, (a, b) in enumerate(((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))):
                values = []
                for sign in (-1, 1):
                    strain = np.zeros((3, 3))
                    strain[a, b] += sign * step / 2
                    strain[b, a] += sign * step / 2
                    inside = (owner == graph)[:, None]
                    strained = np.eye(3) + strain
                    positions = jnp.where(
                        inside, batch.nodes["positions"] @ strained, batch.nodes["positions"]
                    )
                    shift = jnp.where(
                        inside[batch.receivers], batch.edges["shift"] @ strained, batch.edges["shift"]
                    )
                    moved = batch._replace(
                        nodes={**batch.nodes, "positions": positions}, edges={"shift": shift}
                    )
                    values.append(float(predict(objective(), moved).energies[graph]))
                slope = (values[1] - values[0]) / (2 * step)
                np.testing.assert_allclose(found.virial[graph, column], slope, rtol=1e-6, atol=1e-7)
        direction = np.random.default_rng(0).normal(size=batch.nodes["positions"].shape)
        values = [
            predict(
                objective(),
                batch._replace(nodes={**batch.nodes, "positions": batch.nodes["positions"] + s * direction}),
            ).energies
            for s in (-step, step)
        ]
        slope = float((values[1] - values[0])[:3].sum()) / (2 * step)
        np.testing.assert_allclose(-(found.forces * direction).sum(), slope, rtol=1e-6)


def test_stress_of_a_crystal_is_that_of_ase():
    """Against ASE's own pair potential code, by its Morse calculator's stress of the same crystal."""
    from ase.calculators.morse import MorsePotential

    class Shifted:
        """ASE's Morse energy ε (e^{−2a(r−r0)} − 2 e^{−a(r−r0)}) over a full list, no cutoff function."""

        def apply(self, variables, graph, rngs=None):
            nodes = graph.nodes["positions"]
            vectors = nodes[graph.senders] + graph.edges["shift"] - nodes[graph.receivers]
            squared = (vectors**2).sum(axis=-1)
            r = jnp.sqrt(jnp.where(squared > 0, squared, 1.0))
            wave = jnp.exp(-6.0 * (r / 2.6 - 1))
            pair = jnp.where(squared > 0, 0.5 * (wave**2 - 2 * wave), 0.0)
            atoms = segment_sum(pair, graph.receivers, len(nodes))
            return segment_sum(atoms, graph_of_node(graph), len(graph.n_node))[:, None]

        def __call__(self, batch):
            """Only its signature counts."""

    atoms = copper()
    # The smooth switch of ASE's Morse lies beyond the last neighbour: both leave it out.
    atoms.calc = MorsePotential(epsilon=1.0, r0=2.6, rho0=6.0, rcut1=4.0 / 2.6, rcut2=4.0001 / 2.6)
    with jax.enable_x64(True):
        batch = example(dtype=np.float64).batch
        found = predict(EnergyForces(jnp.zeros(1), jnp.ones(1), Shifted(), SETTINGS), batch)
    np.testing.assert_allclose(found.energies[0], atoms.get_potential_energy(), rtol=1e-5)
    np.testing.assert_allclose(found.forces[: len(atoms)], atoms.get_forces(), atol=1e-4)
    np.testing.assert_allclose(found.virial[0] / atoms.cell.volume, atoms.get_stress(), atol=2e-6)


def test_loss_adds_weighted_residuals_and_leaves_out_what_is_unknown():
    batch = example().batch
    found = predict(objective(), batch)
    counts, volume = np.array([len(a) for a in ITEMS]), np.array([a.cell.volume for a in ITEMS])
    forces = np.split(np.asarray(found.forces), np.cumsum(counts))[:3]
    stress = np.asarray(found.virial)[:3] / np.where(volume > 0, volume, 1.0)[:, None]
    shifted = example(stress + 0.01, [f + 0.1 * (k + 1) for k, f in enumerate(forces)])
    value, weight, _ = loss(objective(), shifted)
    energy = 3.0 * ((np.asarray(found.energies)[:3] / counts) ** 2).sum()
    force = 2.0 * (0.1**2 + 0.2**2 + 0.3**2)
    pressure = 5.0 * sum((0.01 * volume[k] / counts[k]) ** 2 for k in (0, 2))  # water has no stress
    np.testing.assert_allclose(value, energy + force + pressure, rtol=2e-3)
    assert float(weight) == 3.0
    sums, weights = jax.jit(EnergyForces.errors)(objective(), VARIABLES, shifted)
    np.testing.assert_allclose(sums[2] / weights[2], 0.01 / GPA, rtol=2e-3)
    np.testing.assert_allclose(weights, [3.0, counts.sum(), 2.0])
    unknown = [forces[0] + 0.1, np.full((3, 3), np.nan), forces[2] + 0.3]
    partly, _, _ = loss(objective(), example(stress + 0.01, unknown))
    np.testing.assert_allclose(value - partly, 2.0 * 0.2**2, rtol=1e-2)
    partly = example(stress, unknown)
    gradient = jax.jit(jax.grad(lambda v: objective().loss(v, partly, jax.random.key(0))[0]))(VARIABLES)
    assert np.isfinite(gradient["params"]["k"])


def test_atoms_can_count_more():
    batch = example().batch
    heavy = jnp.zeros(batch.nodes["positions"].shape[0]).at[2].set(8.0)
    settings = LossConfig(energy=0.0, forces=1.0, kind="mse")
    plain = objective(settings)
    found = np.asarray(predict(plain, batch).forces)
    weighted = batch._replace(nodes={**batch.nodes, "force_weight": heavy})
    value, _, _ = loss(plain, Example(weighted, *example()[1:]))
    np.testing.assert_allclose(value, 8.0 * (found[2] ** 2).mean() / 8, rtol=1e-5)


def test_scale_is_the_force_and_mistakes_are_named():
    np.testing.assert_allclose(force_scale([np.full((2, 3), 3.0), np.full((1, 3), np.nan)]), [3.0])
    np.testing.assert_allclose(force_scale([np.zeros((2, 3))]), [1.0])
    water = Task("structure", [molecule("H2O")], np.zeros((1, 1)), ("energy",), ("eV",))
    graphs = [ENCODER(molecule("H2O"))]
    with pytest.raises(InputError, match="does not repeat"):
        mechanical_graphs(
            Task(**{**water.__dict__, "forces": [np.zeros((3, 3))], "stress": np.zeros((1, 6))}), [0], graphs
        )
    with pytest.raises(InputError, match="one for each atom"):
        mechanical_graphs(Task(**{**water.__dict__, "forces": [np.zeros((2, 3))]}), [0], graphs)
    with pytest.raises(InputError, match="negative"):
        LossConfig(energy=-1.0)
    with pytest.raises(InputError, match="huber, mse, mae"):
        LossConfig(kind="mape")
    assert voigt_6_to_full_3x3_stress([1, 2, 3, 4, 5, 6])[1, 2] == 4  # the order this module takes
    assert ase.Atoms("H").cell.volume == 0.0
