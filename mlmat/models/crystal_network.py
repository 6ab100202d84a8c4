"""Crystal network: continuous filters on the nearest neighbours of each atom, at a fifth of CGCNN's cost.

The graph and the element bits are those of CGCNN (T. Xie, J. C. Grossman, Phys. Rev. Lett. 120, 145301
(2018)), messages are continuous filters, linear in a radial basis, as in SchNet (K. T. Schütt et al.,
J. Chem. Phys. 148, 241722 (2018)), and atoms are normalised by layers (J. L. Ba, J. R. Kiros, G. E. Hinton,
arXiv 1607.06450 (2016)):

    v_i⁰   = W a_i + b                                            embedding
    B_k(d) = exp(−(d − μ_k)² / 2s²),  μ_k = 1.00, 1.45, … Å, s = 0.45 Å
    S_i,kc = 2 K^{-1/2} Σ_j B_k(d_ij) (W v_j)_c                   sum over the K nearest neighbours
    m_i    = LN(W S_i + b)
    v_i    ← v_i + LN(W silu(W m_i + W v_i + b) + b)
    y      = mean_i [W silu(W v_i + b) + b]

CGCNN has a matrix, two norms and two nonlinear functions for every edge. Here the sum over neighbours comes
first, of a few channels, and all that has weights happens on atoms. There are no batch statistics, so a
crystal's value never depends on the others of its batch.
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
from mlmat.nn.neighbour_table import nearest_table

FIRST, STEP = 1.0, 0.45
"""Å: centre of the first radial function, and the distance of two centres, which is their width, too."""


class Interaction(nn.Module):
    """Change of the atom features by their neighbours.

    Attributes:
        features: width of the atom features.
        channels: numbers that an atom sends.
    """

    features: int
    channels: int

    @nn.compact
    def __call__(self, v: jax.Array, radial: jax.Array, senders: jax.Array) -> jax.Array:
        """``v [n, F]``, ``radial [n, B, K]`` (0 where there is none), ``senders [n, K]`` → ``[n, F]``."""
        sent = nn.Dense(self.channels, use_bias=False, name="sent")(v)[senders]
        summed = (radial @ sent).reshape(len(v), -1)
        message = nn.LayerNorm(name="message_norm")(nn.Dense(self.features, name="message")(summed))
        mixed = nn.Dense(self.features, name="mixed")(message)
        mixed = nn.silu(mixed + nn.Dense(self.features, use_bias=False, name="own")(v))
        return nn.LayerNorm(name="update_norm")(nn.Dense(self.features, name="update")(mixed))


class CrystalNetwork(nn.Module):
    """Crystal → properties, in scaled units.

    Attributes:
        symbols: chemical symbols in the encoder's order; they say what the elements have in common.
        outputs: number of properties.
        features: width of the atom features.
        channels: numbers that an atom sends to its neighbours in each layer.
        layers: rounds of messages; none: the composition alone.
        basis: radial functions; the sixteenth is centred at 7.75 Å.
        neighbours: edges of each atom, as the encoder makes them.
        pooling: "mean" over atoms for intensive properties, "sum" for extensive ones.
    """

    symbols: tuple[str, ...]
    outputs: int = 1
    features: int = 96
    channels: int = 16
    layers: int = 3
    basis: int = 16
    neighbours: int = 16
    pooling: Literal["mean", "sum"] = "mean"

    def __call__(self, graph: jraph.GraphsTuple) -> jax.Array:
        """Padded batch → ``[n_graph, outputs]``; rows of padding graphs mean nothing.

        Args:
            graph: see `mlmat.graphs.crystal_graph`.

        Raises:
            InputError: an unknown pooling.
        """
        if self.pooling not in ("mean", "sum"):
            raise InputError(f"pooling must be 'mean' or 'sum', not {self.pooling!r}")
        graph = jax.tree.map(jnp.asarray, graph)
        each = jnp.where(real_atoms(graph)[:, None], self.atomic(graph), 0.0)
        total = segment_sum(each, graph_of_node(graph), graph.n_node.shape[0], indices_are_sorted=True)
        return total / jnp.maximum(graph.n_node, 1)[:, None] if self.pooling == "mean" else total

    @nn.compact
    def atomic(self, graph: jraph.GraphsTuple) -> jax.Array:
        """What each atom contributes, ``[n, outputs]``."""
        graph = jax.tree.map(jnp.asarray, graph)
        senders, distances = nearest_table(graph, self.neighbours)
        centres = FIRST + STEP * jnp.arange(self.basis, dtype=distances.dtype)
        radial = jnp.exp(-0.5 * ((distances[:, None] - centres[:, None]) / STEP) ** 2)
        radial = jnp.where(distances[:, None] > 0, radial, 0.0) * (2 * self.neighbours**-0.5)
        # Else XLA computes the exponentials anew for every layer.
        radial = jax.lax.optimization_barrier(radial)
        bits = jnp.asarray(element_vectors(self.symbols), distances.dtype)
        v = rows_of(graph.nodes, nn.Dense(self.features, name="embedding")(bits))
        for layer in range(self.layers):
            v = v + Interaction(self.features, self.channels, name=f"layer_{layer + 1}")(v, radial, senders)
        self.sow("intermediates", "features", v)
        v = nn.silu(nn.Dense(self.features, name="readout_1")(v))
        return nn.Dense(self.outputs, name="readout_2")(v)
