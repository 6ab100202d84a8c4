"""Potentials on descriptors: extensive, smooth, blind to padding, saved whole, and never silently wrong."""

from functools import cache, partial

import ase.build
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.descriptors.ani import ANIDescriptor
from mlmat.descriptors.chebyshev import ChebyshevDescriptor
from mlmat.descriptors.symmetry_functions import SymmetryFunctions
from mlmat.errors import InputError
from mlmat.graphs.packing import Budget, pack
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.ani import ANI, widths_of
from mlmat.models.hdnnp import HDNNP
from mlmat.predictor import Predictor, load_predictor, predict_items, save_predictor
from mlmat.predictor.forces import predict_forces
from mlmat.training.config import LossConfig
from mlmat.training.energy_forces import EnergyForces
from mlmat.training.source import Example

ELEMENTS = ("H", "C", "O")
ENCODER = RadiusGraphEncoder(ELEMENTS, 4.0)
MOLECULES = [ase.build.molecule(name) for name in ("CH3CH2OH", "H2O", "CH4")]
GRAPHS = [ENCODER(atoms) for atoms in MOLECULES]
DIAMOND = ase.build.bulk("C", "diamond", a=3.0)
DENSE = ENCODER(DIAMOND)
BEHLER = SymmetryFunctions(4.0, ((1.0, 0.0), (2.0, 1.5)), angular_etas=(0.05,), zetas=(1.0, 4.0), kind="G5")
SMALL_ANI = ANIDescriptor(4.0, 3.0, 9.0, (1.0, 2.0), 5.0, 8.0, (1.2,), (0.5, 1.5))
MODELS = {
    "hdnnp": HDNNP(3, BEHLER, hidden=(6, 5)),
    "aenet": HDNNP(3, ChebyshevDescriptor(4.0, 4, 3.0, 3), hidden=(6,)),
    "ani": ANI(3, SMALL_ANI, hidden=((6, 4), (5,), (4,))),
}


@cache
def made(name):
    """A model with room for the molecules and the variables of two members; compiled once for all tests."""
    model = MODELS[name].grown(GRAPHS)
    start = jax.jit(jax.vmap(lambda key: model.init(key, padded(GRAPHS[0]))))(
        jax.random.split(jax.random.key(0), 2)
    )
    return model, model.fitted(start, GRAPHS)


@partial(jax.jit, static_argnums=(0, 3))
def applied(model, variables, batch, method="__call__"):
    return model.apply(variables, batch, method=method)


def padded(*graphs):
    """All in one shape, so that few programs are compiled."""
    (batch,) = pack(graphs, Budget(32, 160, 9))
    return batch


def first(variables):
    return jax.tree.map(lambda leaf: leaf[0], variables)


@pytest.mark.parametrize("name", MODELS)
def test_padding_and_company_change_nothing(name):
    model, variables = made(name)
    variables = first(variables)
    alone = [float(applied(model, variables, padded(graph))[0, 0]) for graph in GRAPHS]
    (tight,) = pack(GRAPHS, Budget(18, 120, 4))
    together = padded(*GRAPHS)
    for batch in (tight, together):
        np.testing.assert_allclose(applied(model, variables, batch)[:3, 0], alone, atol=1e-5)
    atomic = np.asarray(applied(model, variables, together, "atomic"))[:9, 0]
    assert atomic.sum() == pytest.approx(alone[0], abs=1e-5)

    @jax.jit
    def energy(positions):
        moved = together._replace(nodes={**together.nodes, "positions": positions})
        return model.apply(variables, moved)[:3].sum()

    slope = np.asarray(jax.jit(jax.grad(energy))(together.nodes["positions"]))
    assert np.isfinite(slope).all()
    assert not slope[17:].any()


@pytest.mark.parametrize("name", ["hdnnp", "aenet"])
def test_stored_descriptors_train_as_computed_ones(name):
    """Loss on energies, forces and stress, and its gradient by the weights."""
    model, variables = made(name)
    variables = first(variables)
    rng = np.random.default_rng(0)
    marked = [
        graph._replace(
            nodes={**graph.nodes, "forces": rng.normal(size=(len(graph.nodes["species"]), 3)).astype("f4")},
            globals={"stress": rng.normal(size=(1, 6)).astype("f4"), "volume": np.full((1, 1), 9, "f4")},
        )
        for graph in GRAPHS
    ]
    objective = EnergyForces(np.zeros(1, "f4"), np.ones(1, "f4"), model, LossConfig(1.0, 1.0, 1.0))

    @jax.jit
    def loss(variables, batch):
        example = Example(batch, jnp.ones((9, 1)), jnp.ones((9, 1)))
        return objective.loss(variables, example, jax.random.key(0))[0]

    slope = jax.jit(jax.value_and_grad(lambda params, batch: loss({**variables, "params": params}, batch)))
    expected = slope(variables["params"], padded(*marked))
    found = slope(variables["params"], padded(*model.described(marked, slopes=True)))
    close = partial(np.testing.assert_allclose, rtol=1e-4, atol=1e-5)
    jax.tree.map(close, found, expected)
    without = padded(*model.described(marked, slopes=False))
    assert np.isnan(loss(variables, without))
    np.testing.assert_allclose(
        applied(model, variables, without)[:3], applied(model, variables, padded(*marked))[:3], atol=1e-6
    )


def test_more_descriptors_than_memory_are_not_stored(monkeypatch):
    monkeypatch.setattr("mlmat.models.hdnnp.STORED", 10)
    assert MODELS["hdnnp"].described(GRAPHS, slopes=False) is GRAPHS


def test_far_molecules_add_up():
    model, variables = made("hdnnp")
    variables = first(variables)
    far = MOLECULES[1].copy()
    far.translate((30, 0, 0))
    both = padded(ENCODER(MOLECULES[0] + far))
    parts = sum(float(applied(model, variables, padded(graph))[0, 0]) for graph in GRAPHS[:2])
    assert float(applied(model, variables, both)[0, 0]) == pytest.approx(parts, abs=1e-5)


def test_lost_triples_are_nan_and_growing_finds_them():
    model, variables = made("hdnnp")
    variables = first(variables)
    assert bool(model.overflow(DENSE))
    assert np.isnan(applied(model, variables, DENSE)).all()
    grown = model.grown([DENSE])
    assert np.isfinite(applied(grown, variables, DENSE)).all()
    # What it held before, it still holds.
    assert not bool(grown.overflow(padded(*GRAPHS)))
    assert grown.grown(GRAPHS) == grown
    with pytest.raises(InputError, match="grown"):
        model.descriptors([DENSE])


def test_extrapolation_is_seen():
    model, variables = made("hdnnp")
    near = np.asarray(applied(model, first(variables), padded(*GRAPHS), "extrapolation"))
    assert near.max() < 1e-4
    stretched = MOLECULES[0].copy()
    stretched.positions *= 1.6
    far = np.asarray(applied(model, first(variables), padded(ENCODER(stretched)), "extrapolation"))
    assert far.max() > 0.1
    ani, weights = made("ani")
    with pytest.raises(InputError, match="scaling='range'"):
        ani.apply(first(weights), GRAPHS[0], method="extrapolation")


@pytest.mark.parametrize("name", ["hdnnp", "ani"])
def test_saved_whole(name, tmp_path):
    """Descriptor, ranges and weights; references in float64; a denser structure than any before."""
    model, variables = made(name)
    reference = np.array([[-13.6], [-1030.567], [-2042.123]])
    predictor = Predictor(
        variables, jnp.zeros(1), jnp.full(1, 0.5), model, ENCODER, ("energy",), ("eV",), reference=reference
    )
    save_predictor(predictor, tmp_path / "x.mlmat")
    loaded = load_predictor(tmp_path / "x.mlmat")
    assert loaded.model == model
    found = predict_items(loaded, MOLECULES).mean[:, 0]
    each = [jax.tree.map(lambda leaf, m=m: leaf[m], variables) for m in (0, 1)]
    members = np.array([applied(model, one, padded(GRAPHS[1]))[0, 0] for one in each])
    assert found[1] == pytest.approx(0.5 * float(members.mean()) + 2 * -13.6 - 2042.123, abs=1e-4)
    assert np.isfinite(predict_items(loaded, [DIAMOND]).mean).all()
    (forces,) = predict_forces(loaded, [DENSE])
    np.testing.assert_allclose(forces.mean, 0, atol=1e-3)


def test_published_sizes_and_wrong_settings():
    assert widths_of(("H", "S")) == ((160, 128, 96), (128, 112, 96))
    assert ANI(4).descriptor.size(4) == 384
    with pytest.raises(InputError, match="widths of 2 elements"):
        HDNNP(3, BEHLER, hidden=((4,), (4,))).init(jax.random.key(0), GRAPHS[0])
    with pytest.raises(InputError, match="pooling"):
        HDNNP(3, BEHLER, pooling="max").init(jax.random.key(0), GRAPHS[0])
