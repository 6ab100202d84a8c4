"""Message-passing network on bond graphs: the default for a table of SMILES.

A graph isomorphism network with edge features (W. Hu et al., ICLR 2020, eq. 2) on atoms
and bonds as RDKit describes them, beside a branch that reads the Morgan fingerprint, so
that a small table can do at least what a fingerprint can, and a large one more.
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
import jraph

from mlmat.graphs.segment import graph_of_node, segment_max, segment_sum
from mlmat.nn.mlp import MLP


class BondMPNN(nn.Module):
    """Bond graphs → properties, in scaled units.

    Attributes:
        elements: number of elements of the encoder.
        outputs: number of properties (or classes).
        features: width of the atom features.
        layers: rounds of messages.
        fingerprint_features: width of the fingerprint branch.
        dropout: share of hidden units of the readout switched off in training.
        pooling: ``"mean"`` for properties that do not grow with the molecule, ``"sum"`` for
            those that do (then the readout is a sum over atoms and nothing else).
    """

    elements: int
    outputs: int = 1
    features: int = 64
    layers: int = 4
    fingerprint_features: int = 256
    dropout: float = 0.1
    pooling: str = "mean"

    @nn.compact
    def __call__(self, graph: jraph.GraphsTuple, train: bool = False) -> jax.Array:
        """``GraphsTuple`` of a `BondGraphEncoder` → ``[graphs, outputs]``."""
        atoms = graph.nodes
        real = jraph.get_node_padding_mask(graph)[:, None]
        h = nn.Embed(self.elements, self.features)(atoms["species"])
        h = h + nn.Dense(self.features)(atoms["features"])
        for _ in range(self.layers):
            # RMSNorm, not LayerNorm: half the passes over memory, which is what limits a CPU here.
            x = nn.RMSNorm()(h)
            messages = nn.relu(x[graph.senders] + nn.Dense(self.features)(graph.edges))
            received = segment_sum(messages, graph.receivers, len(h), indices_are_sorted=True)
            h = (h + MLP((self.features, self.features))(x + received)) * real
        h = nn.RMSNorm()(h)
        graphs, where = len(graph.n_node), graph_of_node(graph)
        if self.pooling == "sum":
            each = MLP((self.features, self.outputs))(h)
            return segment_sum(each, where, graphs, mask=real[:, 0], indices_are_sorted=True)
        x = nn.silu(nn.Dense(self.features)(h))
        total = segment_sum(x, where, graphs, mask=real[:, 0], indices_are_sorted=True)
        count = jnp.maximum(graph.n_node, 1).astype(x.dtype)[:, None]
        highest = segment_max(x, where, graphs, mask=real[:, 0], indices_are_sorted=True)
        parts = [total / count, highest, jnp.log(count)]
        if graph.globals is not None and "fingerprint" in graph.globals:
            counts = nn.Dropout(self.dropout, deterministic=not train)(graph.globals["fingerprint"])
            parts.append(nn.silu(nn.Dense(self.fingerprint_features)(counts)))
        x = nn.Dropout(self.dropout, deterministic=not train)(jnp.concatenate(parts, axis=-1))
        return MLP((self.features, self.outputs))(x)
