"""Networks with lists of triples of a fixed size, in dynamics: too small a size is grown, never silent."""

import json
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase.build import bulk

from mlmat.potentials import MlmatCalculator, fitting, from_predictor
from mlmat.potentials.learned import sizes_since, with_sizes
from mlmat.predictor import Predictor
from mlmat.recipes.choice import choose
from mlmat.simulate.advance import advance
from mlmat.simulate.ensembles import NVE
from mlmat.simulate.state import start


@pytest.fixture(scope="module")
def potential():
    crystal = bulk("Si", cubic=True)
    choice = choose("structure", 10, 8.0, model="hdnnp", cutoff=4.0)
    encoder = choice.encoder([crystal])
    model = choice.network(encoder, 1, True)
    model = model.grown([encoder(crystal)])
    variables = jax.jit(model.init)(jax.random.key(0), encoder(crystal))
    predictor = Predictor(
        variables=jax.tree.map(lambda leaf: leaf[None], variables),
        mean=jnp.zeros(1),
        scale=jnp.full(1, 0.1),
        model=model,
        encoder=encoder,
        properties=("energy",),
        units=("eV",),
    )
    return from_predictor(predictor)


def test_triples_that_do_not_fit_are_given_room(potential):
    crystal = bulk("Si", cubic=True)
    crystal.rattle(0.1, seed=0)
    tight = replace(
        potential, energy=replace(potential.energy, model=potential.energy.model.clone(capacity=(0.01, 0.01)))
    )
    graph = potential.encoder(crystal)
    energies = jax.jit(lambda potential, graph: potential(graph))
    assert np.isnan(energies(tight, graph)).all()
    assert np.isfinite(energies(fitting(tight, [graph]), graph)).all()
    system, grid, state = start(fitting(potential, [graph]), crystal, 300.0)
    after = advance(NVE(1.0), grid, tight, system, state, 5)
    assert np.isfinite(float(after.info.conserved))
    same = advance(NVE(1.0), grid, fitting(potential, [graph]), system, state, 5)
    np.testing.assert_allclose(after.state.positions, same.state.positions, atol=1e-5)
    # A checkpoint keeps the sizes, so that a resumed run makes the same sums.
    sizes = json.loads(json.dumps(sizes_since(after.potential, tight)))
    assert with_sizes(tight, sizes).energy == after.potential.energy


def test_energy_in_dynamics_is_that_of_the_encoder(potential):
    crystal = bulk("Si", cubic=True)
    crystal.rattle(0.1, seed=1)
    _, _, state = start(fitting(potential, [potential.encoder(crystal)]), crystal, 300.0)
    crystal.calc = MlmatCalculator(potential)
    assert float(state.energy) == pytest.approx(crystal.get_potential_energy(), abs=1e-4)
    np.testing.assert_allclose(state.forces, crystal.get_forces(), atol=1e-4)
    np.testing.assert_allclose(
        state.virial / crystal.get_volume(), crystal.get_stress(voigt=False), atol=1e-5
    )
