"""Neighbours of each atom as a table of fixed width, made from the sorted edges inside `jit`.

With a table, sums over neighbours are matrix products instead of scatters.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import jraph

from mlmat.nn.radial import safe_norm


class NeighbourTable(NamedTuple):
    """Neighbours within the cutoff.

    Attributes:
        senders: ``[n, K]`` atom j; the atom itself where there is none.
        vectors: ``[n, K, 3]`` r_j − r_i in Å; zero where there is none.
        distances: ``[n, K]`` in Å; zero where there is none.
        inside: ``[n, K]`` whether there is one.
        overflow: ``[n]`` whether the atom has more than K.
    """

    senders: jax.Array
    vectors: jax.Array
    distances: jax.Array
    inside: jax.Array
    overflow: jax.Array


def neighbour_table(graph: jraph.GraphsTuple, cutoff: float, width: int) -> NeighbourTable:
    """Table of the neighbours of every atom of a padded batch.

    Args:
        graph: see `mlmat.graphs.radius_graph`; edges beyond the cutoff and padding edges (of
            zero length) are left out wherever they stand.
        cutoff: in Å, the encoder's or smaller.
        width: K, the largest number of neighbours; more are reported in ``overflow``.
    """
    graph = jax.tree.map(jnp.asarray, graph)
    positions, shift = graph.nodes["positions"], graph.edges["shift"]
    receivers, senders = graph.receivers, graph.senders
    n, edges = positions.shape[0], receivers.shape[0]
    lengths = safe_norm(jax.lax.stop_gradient(positions[senders] + shift - positions[receivers]))
    counts = (lengths > 0) & (lengths < cutoff)
    last = jnp.cumsum(counts)
    before = jnp.concatenate([jnp.zeros(1, last.dtype), last])
    first_edge = jnp.searchsorted(receivers, jnp.arange(n), side="left")
    place = last - 1 - before[first_edge][receivers]
    slot = jnp.where(counts & (place < width), receivers * width + place, n * width)
    edge = jnp.full(n * width, edges, jnp.int32).at[slot].set(jnp.arange(edges, dtype=jnp.int32), mode="drop")
    edge = edge.reshape(n, width)
    inside = edge < edges
    edge = jnp.minimum(edge, max(edges - 1, 0))
    own = jnp.arange(n)[:, None]
    partner = jnp.where(inside, senders[edge], own)
    offset = jnp.where(inside[..., None], shift[edge], 0.0)
    vectors = positions[partner] + offset - positions[:, None]
    total = before[jnp.searchsorted(receivers, jnp.arange(n), side="right")] - before[first_edge]
    return NeighbourTable(partner, vectors, safe_norm(vectors), inside, total > width)


def nearest_table(graph: jraph.GraphsTuple, width: int) -> tuple[jax.Array, jax.Array]:
    """Neighbours of each atom ``[n, K]``, and their distances in Å, 0 where there is none.

    Args:
        graph: see `mlmat.graphs.crystal_graph`: every real atom has its K edges, in order, and padding
            comes after them.
        width: K, that of the encoder.
    """
    graph = jax.tree.map(jnp.asarray, graph)
    positions = graph.nodes["positions"]
    vectors = positions[graph.senders] + graph.edges["shift"] - positions[graph.receivers]
    slots = positions.shape[0] * width
    missing = max(0, slots - graph.senders.shape[0])
    distances = jnp.pad(safe_norm(vectors), (0, missing))[:slots]
    senders = jnp.pad(graph.senders, (0, missing))[:slots]
    return senders.reshape(-1, width), distances.reshape(-1, width)
