"""A predictor and an objective whose best molecules are known: count the carbon atoms."""

from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.design.molecules.members import MOLECULES


@partial(jax.tree_util.register_dataclass, data_fields=("bias",), meta_fields=("capacity",))
@dataclass(frozen=True)
class CarbonPredictor:
    """Number of carbon atoms; the members differ by a constant. Not a `Predictor`: any kind will do."""

    bias: jax.Array
    capacity: int
    properties = ("carbons",)

    @property
    def members(self):
        return len(self.bias)

    def index(self, name):
        return self.properties.index(name)

    def only(self, index):
        return CarbonPredictor(self.bias[index][None], self.capacity)

    def each(self, graph):
        carbons = (graph.types[..., 0] * graph.mask).sum(axis=-1)
        return (carbons + self.bias.reshape(-1, *(1,) * carbons.ndim))[..., None]

    def __call__(self, graph):
        return self.each(graph).mean(axis=0)

    def with_std(self, graph):
        each = self.each(graph)
        return each.mean(axis=0), each.std(axis=0)


def carbon_predictor(capacity=8):
    return CarbonPredictor(jnp.array([-0.02, 0.02]), capacity)


@dataclass(frozen=True)
class CarbonObjective:
    """As many carbon atoms as asked for."""

    wanted: float
    wants = (SimpleNamespace(name="carbons"),)

    def loss(self, predictor, graph):
        value = predictor(graph)
        return (value[0] - self.wanted) ** 2, value

    def merit(self, properties, mean, std, smiles):
        return np.abs(mean[:, 0] - self.wanted) + std[:, 0]

    def best(self, properties, mean, std, smiles, k, family=None):
        return self.spread(self.merit(properties, mean, std, smiles), smiles, k)

    def spread(self, merit, smiles, k, family=None):
        return np.argsort(merit, kind="stable")[:k]

    def hit(self, values):
        return abs(values["carbons"] - self.wanted) < 0.5


PROBLEM = SimpleNamespace(members=MOLECULES)
"""All that searchers on the host ask of a problem."""
