"""A small space of perovskites with tiny untrained networks over it."""

import jax
import jax.numpy as jnp
import pytest

from mlmat.design.crystals.climb import climbable
from mlmat.design.crystals.lattice import covalent_lattice
from mlmat.design.crystals.prototypes import PROTOTYPES
from mlmat.design.crystals.space import make_space
from mlmat.graphs.crystal_graph import CrystalGraphEncoder
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.cgcnn import CGCNN
from mlmat.models.crystal_network import CrystalNetwork
from mlmat.models.schnet import SchNet
from mlmat.predictor import Predictor

CATIONS = ("Li", "Na", "K", "Rb", "Cs", "Mg", "Ca", "Sr", "Ba", "Al", "Ti", "Zr", "Nb", "La", "Sn", "Pb")
ANIONS = (("O", "O", "O"), ("O", "O", "N"), ("O", "O", "F"), ("N", "N", "N"), ("O", "F", "N"))


@pytest.fixture(scope="session")
def space():
    return make_space(PROTOTYPES["perovskite"], [CATIONS, CATIONS, ANIONS])


def predictor_of(kind, space, members=2, neighbours=20):
    """An ensemble of random weights on the structures of a space."""
    elements = space.elements
    if kind == "cgcnn":
        encoder = CrystalGraphEncoder(elements, neighbours)
        model = CGCNN(elements, 2, features=8, layers=2, hidden=8, neighbours=neighbours)
    elif kind == "crystal":
        encoder = CrystalGraphEncoder(elements, neighbours)
        model = CrystalNetwork(elements, 2, features=8, layers=2, channels=4, neighbours=neighbours)
    else:
        encoder = RadiusGraphEncoder(elements, 4.5)
        model = SchNet(len(elements), 2, features=8, interactions=2, basis=8, cutoff=4.5, pooling="mean")
    graph = encoder(space.prototype.atoms(space.symbols(space.rows[0].tolist())))
    keys = jax.random.split(jax.random.key(3), members)
    variables = jax.jit(jax.vmap(lambda key: model.init(key, graph)))(keys)
    mean, scale = jnp.array([1.0, -2.0]), jnp.array([2.0, 0.5])
    return Predictor(variables, mean, scale, model, encoder, ("energy", "gap"), ("eV", "eV"))


@pytest.fixture(scope="session")
def cgcnn(space):
    return climbable(predictor_of("cgcnn", space), space, covalent_lattice(space.prototype, space.elements))


@pytest.fixture(scope="session")
def crystal(space):
    return climbable(predictor_of("crystal", space), space, covalent_lattice(space.prototype, space.elements))


@pytest.fixture(scope="session")
def schnet(space):
    lattice = covalent_lattice(space.prototype, space.elements)
    return climbable(predictor_of("schnet", space), space, lattice, deform=True, symmetric=False)
