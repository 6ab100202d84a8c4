"""Structures outside the training range of a potential's descriptors are told apart, one by one."""

import jax
import numpy as np
import pytest
from ase.build import molecule

from mlmat.descriptors.symmetry_functions import SymmetryFunctions
from mlmat.errors import InputError
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.hdnnp import HDNNP
from mlmat.models.image_network import ImageNetwork
from mlmat.models.schnet import SchNet
from mlmat.predictor.extrapolation import Outside, extrapolations, knows_range
from mlmat.recipes.choice import choose
from mlmat.training.config import LossConfig

ENCODER = RadiusGraphEncoder(("H", "O"), 4.0)
FUNCTIONS = SymmetryFunctions(4.0, ((0.5, 0.0), (2.0, 1.0)), angular_etas=(), zetas=(1.0,))


def water(stretch):
    atoms = molecule("H2O")
    atoms.positions *= stretch
    return atoms


def test_the_largest_share_of_a_range_beyond_its_end():
    graphs = [ENCODER(water(s)) for s in (0.95, 1.0, 1.05)]
    model = HDNNP(2, FUNCTIONS, hidden=(4,)).grown(graphs)
    variables = jax.jit(model.init)(jax.random.key(0), graphs[0])
    variables = model.fitted(jax.tree.map(lambda leaf: leaf[None].repeat(2, 0), variables), graphs)
    assert knows_range(model)
    asked = [*graphs, ENCODER(water(0.8)), ENCODER(molecule("H2"))]
    found = list(extrapolations(model, variables, asked, batch=2))
    assert found[:3] == [0.0, 0.0, 0.0]
    describe = jax.jit(model.describe)
    described = [np.asarray(describe(graph), float) for graph in asked]
    kinds = [np.asarray(graph.nodes["species"]) for graph in asked]
    for number in (3, 4):
        worst = 0.0
        for x, kind in zip(described[number], kinds[number], strict=True):
            rows = np.concatenate([d[k == kind] for d, k in zip(described[:3], kinds[:3], strict=True)])
            low, high = rows.min(axis=0), rows.max(axis=0)
            wide = high - low > 1e-5
            worst = max(worst, (np.maximum(low - x, x - high) / (high - low + 1e-30))[wide].max())
        assert found[number] == pytest.approx(worst, rel=1e-3) or found[number] > worst
        assert found[number] > 0.1


def test_a_warning_counts_what_is_far_out():
    met = Outside()
    for far in (0.0, 0.05, 0.3, 1.2):
        met = met.with_one(far)
    assert met == Outside(4, 2, 1.2)
    assert met.warning("frames").startswith("2 of 4 frames lie outside the training range")
    assert Outside(3, 0, 0.02).warning() == ""


def test_networks_without_descriptors_know_no_range():
    assert not knows_range(SchNet(2))
    assert not knows_range(HDNNP(2, FUNCTIONS, scaling="none"))


def test_the_recipe_of_amp_has_its_defaults():
    choice = choose("structure", 100, 13.0, model="amp")
    encoder = choice.encoder([molecule("H2O")])
    assert encoder.cutoff == 6.5
    model = choice.network(encoder, 1, True)
    assert isinstance(model, HDNNP)
    assert (model.hidden, model.activation, model.scaling) == ((5, 5), "tanh", "range")
    assert [eta * 6.5**2 for eta, _ in model.descriptor.radial] == pytest.approx([0.05, 4.0, 20.0, 80.0])
    assert choice.loss == LossConfig(1.0, 0.04, 0.0, "mse")
    image = choose("structure", 100, 13.0, model="amp-image").network(encoder, 1, True)
    assert isinstance(image, ImageNetwork)
    assert (image.atoms, image.hidden) == (13, (5, 5))
    with pytest.raises(InputError, match="structures of one size"):
        choose("structure", 100, 12.5, model="amp-image")
