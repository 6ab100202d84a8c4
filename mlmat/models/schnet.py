"""SchNet: continuous-filter convolutions on atoms in three dimensions.

K. T. Schütt, H. E. Sauceda, P.-J. Kindermans, A. Tkatchenko, K.-R. Müller, "SchNet – a
deep learning architecture for molecules and materials", J. Chem. Phys. 148, 241722
(2018). As in SchNetPack (J. Chem. Theory Comput. 15, 448 (2019)) a cosine cutoff
multiplies the filters.

    x_i⁰ = a_{Z_i}                                                embedding
    W(d) = [dense ∘ ssp ∘ dense](e(d)) f_c(d)                     filter
    v_i  = Σ_j (dense x_j) ∘ W(|r_j − r_i|)                       continuous-filter convolution
    x_i ← x_i + [dense ∘ ssp ∘ dense](v_i)                        interaction
    y    = Σ_i [dense ∘ ssp ∘ dense](x_i)                         readout, sum or mean

The output depends on positions through distances alone, so it does not change when a
structure is moved or turned; forces are the negative gradient by the positions.

Nearly all the work is the filters. A filter depends on the distance, which both
directions of a pair of neighbours share, so it is computed once for each pair.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import jraph

from mlmat.errors import InputError
from mlmat.graphs.mixture import rows_of
from mlmat.graphs.segment import graph_of_node, segment_sum
from mlmat.nn.activations import shifted_softplus
from mlmat.nn.radial import cosine_cutoff, gaussian_basis, safe_norm


class Pairs(NamedTuple):
    """Pairs of neighbours, each once, of a graph that has every edge in both directions.

    Attributes:
        first: ``[p]`` receiver of the edge that stands for the pair.
        second: ``[p]`` its sender.
        distances: ``[p]`` in Å; 0 for padding.
        real: ``[p]`` False for padding.
    """

    first: jax.Array
    second: jax.Array
    distances: jax.Array
    real: jax.Array


def undirected_pairs(graph: jraph.GraphsTuple) -> Pairs:
    """Keep one of the two directions of every edge.

    Args:
        graph: padded batch as `mlmat.graphs.radius_graph.RadiusGraphEncoder` and
            `mlmat.graphs.packing.pack` make it: a full neighbour list, i.e. with every
            edge (i, j, shift) also (j, i, −shift), and padding edges from an atom to
            itself without shift.

    Returns:
        As many pairs as half the edges of the batch, the real ones first.
    """
    # Batches come as NumPy arrays, which cannot be indexed by traced ones.
    graph = jax.tree.map(jnp.asarray, graph)
    receivers, senders, shift = graph.receivers, graph.senders, graph.edges["shift"]
    # An atom and its own periodic image: of S and −S keep the one whose first component
    # other than 0 is positive.
    x, y, z = shift[:, 0], shift[:, 1], shift[:, 2]
    ahead = (x > 0) | ((x == 0) & ((y > 0) | ((y == 0) & (z > 0))))
    keep = (receivers < senders) | ((receivers == senders) & ahead)
    edges = receivers.shape[0]
    # Slots that are left over take the last edge, which then is padding.
    (chosen,) = jnp.nonzero(keep, size=edges // 2, fill_value=max(edges - 1, 0))
    first, second = receivers[chosen], senders[chosen]
    positions = graph.nodes["positions"]
    distances = safe_norm(positions[second] + shift[chosen] - positions[first])
    return Pairs(first, second, distances, jnp.arange(edges // 2) < keep.sum())


class Interaction(nn.Module):
    """Change of the atom features by one continuous-filter convolution.

    Attributes:
        features: width of the atom features and filters.
    """

    features: int

    @nn.compact
    def __call__(self, x: jax.Array, basis: jax.Array, weight: jax.Array, pairs: Pairs) -> jax.Array:
        """``x [n, F]``, ``basis [p, K]``, ``weight [p, 1]`` (cutoff; 0 for padding) → ``[n, F]``."""
        filters = shifted_softplus(nn.Dense(self.features, name="filter_1")(basis))
        filters = nn.Dense(self.features, name="filter_2")(filters) * weight
        sent = nn.Dense(self.features, use_bias=False, name="sent")(x)
        n = x.shape[0]
        received = segment_sum(sent[pairs.second] * filters, pairs.first, n, indices_are_sorted=True)
        received += segment_sum(sent[pairs.first] * filters, pairs.second, n)
        change = shifted_softplus(nn.Dense(self.features, name="update_1")(received))
        return nn.Dense(self.features, name="update_2")(change)


class SchNet(nn.Module):
    """Structure → properties, in scaled units.

    Attributes:
        elements: number of elements that the encoder knows.
        outputs: number of properties.
        features: width of the atom features.
        interactions: rounds of messages.
        basis: Gaussians from 0 to the cutoff.
        cutoff: in Å, the encoder's or smaller.
        pooling: "sum" for extensive properties (energies), "mean" for intensive ones.
    """

    elements: int
    outputs: int = 1
    features: int = 64
    interactions: int = 3
    basis: int = 32
    cutoff: float = 5.0
    pooling: Literal["sum", "mean"] = "sum"

    def __call__(self, graph: jraph.GraphsTuple) -> jax.Array:
        """Padded batch → ``[n_graph, outputs]``; rows of padding graphs mean nothing.

        Args:
            graph: nodes ``species [n]`` and ``positions [n, 3]`` in Å, edges
                ``shift [e, 3]`` in Å; see `undirected_pairs`.

        Raises:
            InputError: an unknown pooling.
        """
        if self.pooling not in ("sum", "mean"):
            raise InputError(f"pooling must be 'sum' or 'mean', not {self.pooling!r}")
        each = self.atomic(graph)
        total = segment_sum(each, graph_of_node(graph), graph.n_node.shape[0], indices_are_sorted=True)
        if self.pooling == "mean":
            total = total / jnp.maximum(graph.n_node, 1)[:, None]
        return total

    @nn.compact
    def atomic(self, graph: jraph.GraphsTuple) -> jax.Array:
        """What each atom contributes, ``[n, outputs]``."""
        pairs = undirected_pairs(graph)
        basis = gaussian_basis(pairs.distances, self.basis, self.cutoff)
        weight = jnp.where(pairs.real, cosine_cutoff(pairs.distances, self.cutoff), 0.0)[:, None]
        # Else XLA computes the cosines anew, for every feature, in each loop that multiplies by them.
        basis, weight = jax.lax.optimization_barrier((basis, weight))
        table = nn.Embed(self.elements, self.features, name="embedding")
        x = rows_of(graph.nodes, table.embedding)
        for index in range(self.interactions):
            x = x + Interaction(self.features, name=f"interaction_{index + 1}")(x, basis, weight, pairs)
        self.sow("intermediates", "features", x)
        x = shifted_softplus(nn.Dense(max(self.features // 2, 1), name="readout_1")(x))
        return nn.Dense(self.outputs, name="readout_2")(x)
