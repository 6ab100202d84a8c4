"""The network on sites: padding and exchanged groups change nothing, mixtures are mixtures of rows."""

import ase
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.descriptors.element_vectors import element_vectors
from mlmat.graphs.mixture import MIXTURE
from mlmat.graphs.packing import Budget, pack
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.site_network import SiteNetwork

ELEMENTS = ("F", "Na", "Al", "K", "Rb")
SITES = 4 * np.arange(4.0)[:, None] * np.ones(3)


@pytest.fixture(scope="module")
def made():
    encoder = RadiusGraphEncoder(ELEMENTS, 0.5)
    graphs = [encoder(ase.Atoms(text, SITES)) for text in ("NaAlF2", "AlNaF2", "KRbF2")]
    model = SiteNetwork(ELEMENTS, ((0,), (1,), (2, 3)), hidden=6, layers=2, exchanged=(0, 1))
    shapes = jax.eval_shape(model.init, jax.random.key(0), graphs[0])
    generator = np.random.default_rng(0)
    variables = jax.tree.map(lambda leaf: generator.normal(0, 0.3, leaf.shape).astype(np.float32), shapes)
    return jax.jit(model.apply), variables, graphs


def test_values_against_plain_numpy(made):
    apply, variables, graphs = made
    p = jax.tree.map(np.asarray, variables["params"])

    def network(a, b, x):
        h = np.concatenate(list(element_vectors([a, b, x])))
        for name in ("hidden_1", "hidden_2"):
            h = np.log1p(np.exp(h @ p[name]["kernel"] + p[name]["bias"]))
        return h @ p["output"]["kernel"] + p["output"]["bias"]

    plain = (network("K", "Rb", "F") + network("Rb", "K", "F")) / 2
    np.testing.assert_allclose(apply(variables, graphs[2])[0], plain, rtol=1e-5)


def test_padding_and_order_of_equivalent_groups_change_nothing(made):
    apply, variables, graphs = made
    alone = [apply(variables, graph)[0] for graph in graphs]
    np.testing.assert_allclose(alone[0], alone[1], rtol=1e-6)
    assert abs(alone[0] - alone[2]).max() > 1e-3
    (batch,) = pack(graphs, Budget(64, 8, 9))
    np.testing.assert_allclose(apply(variables, batch)[:3], alone, rtol=1e-5)

    def loss(variables, batch):
        return (apply(variables, batch)[:3] ** 2).sum()

    (tight,) = pack(graphs, Budget(13, 0, 4))
    slopes = [jax.jit(jax.grad(loss))(variables, b) for b in (batch, tight)]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), *slopes)


def test_a_corner_of_the_mixture_is_the_element(made):
    apply, variables, graphs = made
    mixture = jnp.asarray(np.eye(len(ELEMENTS))[graphs[2].nodes["species"]], jnp.float32)
    soft = graphs[2]._replace(nodes={MIXTURE: mixture})
    assert (apply(variables, soft) == apply(variables, graphs[2])).all()
