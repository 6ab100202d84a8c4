"""Message-passing network on soft graphs: the predictor that inverse design climbs.

A message-passing neural network (J. Gilmer et al., ICML 2017, eqs. 1-2) whose input
is a `SoftGraph`, so that its output is differentiable in the chemistry itself: in
element mixtures and bond orders. On a molecule it is an ordinary 2-D graph network.
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from mlmat.graphs.chemistry import VALENCES
from mlmat.nn.soft_messages import SoftMessageLayer, SoftReadout, bond_weights
from mlmat.typing import SoftGraph


class SoftMPNN(nn.Module):
    """Soft graph → properties, in scaled units.

    Attributes:
        outputs: number of properties.
        features: width of the atom features.
        layers: rounds of messages.
    """

    outputs: int = 1
    features: int = 64
    layers: int = 5

    @nn.compact
    def __call__(self, graph: SoftGraph) -> jax.Array:
        """``SoftGraph [..., n, ·]`` → ``[..., outputs]``."""
        mask = graph.mask
        valence = graph.types @ jnp.asarray(VALENCES, graph.types.dtype)
        hydrogens = (valence - graph.bonds.sum(axis=-1)) * mask
        unsaturation = nn.relu(graph.bonds - 1.0).sum(axis=-1)
        scalars = jnp.stack([hydrogens, unsaturation], axis=-1)
        h = nn.Dense(self.features)(jnp.concatenate([graph.types, scalars], axis=-1)) * mask[..., None]
        weights = bond_weights(graph.bonds)
        for _ in range(self.layers):
            h = SoftMessageLayer(self.features)(h, weights, mask)
        return SoftReadout(self.features, self.outputs)(h, mask)
