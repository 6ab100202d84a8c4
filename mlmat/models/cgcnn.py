"""CGCNN: crystal graph convolutional neural network.

T. Xie, J. C. Grossman, "Crystal graph convolutional neural networks for an accurate and
interpretable prediction of material properties", Phys. Rev. Lett. 120, 145301 (2018).

    v_i⁰ = W_e a_i + b                                                        embedding
    u_ij,k = exp(−(d_ij − μ_k)² / 0.2²),  μ_k = 0, 0.2, …, 8.0 Å              edge features
    [f, s] = BN(W (v_i ⊕ v_j ⊕ u_ij) + b)                                     of each edge
    v_i ← softplus(v_i + BN(Σ_j σ(f_ij) ⊙ softplus(s_ij)))                    equation 5
    c = softplus(W_c softplus(mean_i v_i) + b),  then hidden layers,  y = W_o c + b

W of an edge is applied to the three parts one by one: what depends on one atom alone is computed
once for the atom, not once for each of its twelve edges, which is a quarter of the work.

The published setting (4 convolutions, 64 atom features, 32 in the crystal's vector, 92 bits for an
element) has 96,641 parameters.
"""

from __future__ import annotations

from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import jraph

from mlmat.descriptors.element_vectors import element_vectors
from mlmat.errors import InputError
from mlmat.graphs.mixture import rows_of
from mlmat.graphs.segment import graph_of_node, real_atoms, segment_sum
from mlmat.nn.activations import softplus
from mlmat.nn.batch_norm import MaskedBatchNorm
from mlmat.nn.neighbour_table import nearest_table

STEP = 0.2
"""Distance of two centres of the edge features, and their width, Å."""


class Convolution(nn.Module):
    """Equation 5 of the paper.

    Attributes:
        features: width of the atom features.
    """

    features: int

    @nn.compact
    def __call__(
        self,
        v: jax.Array,
        edges: jax.Array,
        senders: jax.Array,
        real: jax.Array,
        atoms: jax.Array,
        train: bool,
    ) -> jax.Array:
        """New features ``[n, F]`` of the atoms.

        Args:
            v: ``[n, F]`` their features.
            edges: ``[n, K, B]`` features of the edges.
            senders: ``[n, K]`` neighbours.
            real: ``[n, K]`` False where there is none.
            atoms: ``[n]`` False for padding.
            train: whether batch statistics are those of the batch.
        """
        width = 2 * self.features
        # One matrix as in the paper, for its initial scale; applied in three parts.
        inputs = 2 * self.features + edges.shape[-1]
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (inputs, width))
        bias = self.param("bias", nn.initializers.zeros, (width,))
        own, others, between = jnp.split(kernel, [self.features, 2 * self.features])
        z = (v @ own + bias)[:, None] + (v @ others)[senders] + edges @ between
        z = MaskedBatchNorm(name="edge_norm")(z, real, train)
        gate, core = jnp.split(z, 2, axis=-1)
        message = jnp.where(real[..., None], jax.nn.sigmoid(gate) * softplus(core), 0.0)
        total = MaskedBatchNorm(name="atom_norm")(message.sum(axis=1), atoms, train)
        return softplus(v + total)


class CGCNN(nn.Module):
    """Crystal → properties, in scaled units.

    Attributes:
        symbols: chemical symbols in the encoder's order; they say what the elements have in common.
        outputs: number of properties.
        features: width of the atom features.
        layers: convolutions.
        hidden: width of the crystal's vector.
        hidden_layers: of the crystal's vector, the first included.
        neighbours: edges of each atom, as the encoder makes them.
        radius: of the encoder, Å; centre of the last edge feature.
        dropout: rate before the output, in training.
        pooling: "mean" for intensive properties, as published; "sum" for extensive ones: the same
            output for an atom, times the number of atoms.
    """

    symbols: tuple[str, ...]
    outputs: int = 1
    features: int = 64
    layers: int = 4
    hidden: int = 32
    hidden_layers: int = 1
    neighbours: int = 12
    radius: float = 8.0
    dropout: float = 0.0
    pooling: Literal["mean", "sum"] = "mean"

    def setup(self) -> None:
        """Layers.

        Raises:
            InputError: an unknown pooling.
        """
        if self.pooling not in ("mean", "sum"):
            raise InputError(f"pooling must be 'mean' or 'sum', not {self.pooling!r}")
        self.embedding = nn.Dense(self.features)
        self.convolutions = [Convolution(self.features) for _ in range(self.layers)]
        self.crystal_layers = [nn.Dense(self.hidden) for _ in range(self.hidden_layers)]
        self.drop = nn.Dropout(self.dropout)
        self.output = nn.Dense(self.outputs)

    def __call__(self, graph: jraph.GraphsTuple, train: bool = False) -> jax.Array:
        """Padded batch → ``[n_graph, outputs]``; rows of padding graphs mean nothing.

        Args:
            graph: see `mlmat.graphs.crystal_graph`.
            train: whether batch statistics and dropout act as in training.
        """
        found = self.read(self.crystal(graph, train), train)
        return found * graph.n_node[:, None] if self.pooling == "sum" else found

    def read(self, c: jax.Array, train: bool = False) -> jax.Array:
        """Vectors of crystals ``[n_graph, features]``, see `crystal` → ``[n_graph, outputs]``."""
        for layer in self.crystal_layers:
            c = softplus(layer(c))
        return self.output(self.drop(c, deterministic=not train))

    def of_means(self, means: jax.Array) -> jax.Array:
        """Means of the atoms' features ``[n_graph, features]`` → ``[n_graph, outputs]``."""
        return self.read(softplus(means))

    def crystal(self, graph: jraph.GraphsTuple, train: bool = False) -> jax.Array:
        """Vector of each crystal ``[n_graph, features]``: the mean of its atoms' features."""
        graph = jax.tree.map(jnp.asarray, graph)
        v = jnp.where(real_atoms(graph)[:, None], self.atoms(graph, train), 0.0)
        total = segment_sum(v, graph_of_node(graph), graph.n_node.shape[0], indices_are_sorted=True)
        return softplus(total / jnp.maximum(graph.n_node, 1)[:, None])

    def atoms(self, graph: jraph.GraphsTuple, train: bool = False) -> jax.Array:
        """Features of the atoms after the last convolution ``[n, features]``."""
        graph = jax.tree.map(jnp.asarray, graph)
        real = real_atoms(graph)
        senders, distances = nearest_table(graph, self.neighbours)
        between = (distances > 0) & real[:, None]
        centres = jnp.arange(round(self.radius / STEP) + 1, dtype=distances.dtype) * STEP
        edges = jnp.exp(-(((distances[..., None] - centres) / STEP) ** 2))
        vectors = self.embedding(jnp.asarray(element_vectors(self.symbols), distances.dtype))
        v = rows_of(graph.nodes, vectors)
        for convolution in self.convolutions:
            v = convolution(v, edges, senders, between, real, train)
        return v
