"""A saved predictor as a potential: what the predictor says, atom by atom."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase.build import bulk

from mlmat.errors import InputError
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.schnet import SchNet
from mlmat.potentials import MlmatCalculator, from_predictor, load_potential
from mlmat.potentials.committee import force_disagreement
from mlmat.predictor import Predictor, predict_forces, predict_items, save_predictor

ELEMENTS = ("Cu", "Au")


def crystal():
    atoms = bulk("Cu", cubic=True)
    atoms.symbols[1] = "Au"
    atoms.rattle(0.05, seed=0)
    return atoms


@pytest.fixture(scope="module")
def predictor():
    encoder = RadiusGraphEncoder(ELEMENTS, 3.5)
    model = SchNet(2, features=8, interactions=2, basis=6, cutoff=3.5)
    graph = encoder(crystal())
    keys = jax.random.split(jax.random.key(0), 2)
    variables = jax.jit(jax.vmap(lambda key: model.init(key, graph)))(keys)
    return Predictor(
        variables=variables,
        mean=jnp.array([0.3]),
        scale=jnp.array([2.0]),
        model=model,
        encoder=encoder,
        properties=("energy",),
        units=("kcal/mol",),
        reference=np.array([[-5.0], [-7.0]]),
    )


def test_energy_and_forces_are_those_of_the_predictor(predictor, tmp_path):
    save_predictor(predictor, tmp_path / "p.mlmat")
    atoms = crystal()
    atoms.calc = MlmatCalculator(load_potential(tmp_path / "p.mlmat"))
    per_ev = 23.060547830619
    energy = predict_items(predictor, [atoms]).mean[0, 0] / per_ev
    assert atoms.get_potential_energy() == pytest.approx(energy, abs=1e-5)
    (forces,) = predict_forces(predictor, [predictor.encoder(atoms)])
    np.testing.assert_allclose(atoms.get_forces(), forces.mean / per_ev, atol=1e-5)
    assert atoms.get_potential_energies().sum() == pytest.approx(energy, abs=1e-5)


def test_neighbours_beyond_the_cutoff_change_nothing(predictor):
    potential = from_predictor(predictor)
    atoms = crystal()
    near, far = potential.encoder(atoms), RadiusGraphEncoder(ELEMENTS, 4.5)(atoms)
    assert far.n_edge[0] > near.n_edge[0]
    np.testing.assert_allclose(potential(far), potential(near), atol=1e-6)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"units": ("debye",)}, "needs an energy"),
        ({"model": SchNet(2, pooling="mean")}, "mean over atoms"),
        ({"properties": ("a", "b")}, "gradient of one energy"),
    ],
)
def test_what_is_no_potential_is_refused(predictor, change, reason):
    import dataclasses

    with pytest.raises(InputError, match=reason):
        from_predictor(dataclasses.replace(predictor, **change))


def test_disagreement_is_that_of_the_members(predictor):
    potential = from_predictor(predictor)
    atoms = crystal()
    (forces,) = predict_forces(predictor, [predictor.encoder(atoms)])
    expected = np.sqrt((forces.std**2).sum(axis=1)).max() / 23.060547830619
    assert force_disagreement(potential, [atoms, atoms])[1] == pytest.approx(expected, rel=1e-4)
    single = from_predictor(predictor.only(jnp.array(0)))
    with pytest.raises(InputError, match="needs an ensemble"):
        force_disagreement(single, [atoms])
