"""Pairs and triples of neighbours from the sorted edges of a padded graph, inside `jit`.

Angular descriptors sum over every two neighbours j < k of an atom i. Here these triples are
one flat list over the whole batch: its length is the number of triples, not the number of atoms
times a largest number of neighbours squared. Edges are sorted by receiver, so the triples of an
edge are the later edges of the same atom, and the list is made by counting.

Shapes are static: a `Capacity` says how many triples a batch may have. A batch that has more is
reported in `Environment.overflow`; models turn it into NaN, never into a wrong number, and
`needed_capacity` tells on the host what would have been enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jraph
import numpy as np

from mlmat.nn.radial import cosine_cutoff, safe_norm


class Capacity(NamedTuple):
    """Static sizes, relative to the edges of the padded batch, so that they fit batches of any size.

    Attributes:
        near: edges within the angular cutoff, for each edge; at most 1.
        triples: for each edge.
    """

    near: float = 1.0
    triples: float = 16.0


class Triples(NamedTuple):
    """Atom i with two neighbours j and k, each unordered pair of neighbours once.

    Attributes:
        centre: ``[t]`` atom i, ascending.
        species: two of ``[t]``, elements of j and k.
        distances: two of ``[t]``, r_ij and r_ik in Å.
        cutoffs: two of ``[t]``, cosine cutoff of them; 0 for padding.
        cosine: ``[t]`` of the angle at i.
        real: ``[t]`` False for padding.
    """

    centre: jax.Array
    species: tuple[jax.Array, jax.Array]
    distances: tuple[jax.Array, jax.Array]
    cutoffs: tuple[jax.Array, jax.Array]
    cosine: jax.Array
    real: jax.Array


class Environment(NamedTuple):
    """What symmetry functions are made of.

    Attributes:
        species: ``[n]`` element of each atom.
        receivers: ``[e]`` atom i of a pair, ascending.
        senders: ``[e]`` element of its neighbour j.
        vectors: ``[e, 3]`` from i to j in Å, 0 for padding.
        distances: ``[e]`` their lengths.
        cutoffs: ``[e]`` cosine cutoff, 0 for padding and beyond the radial cutoff.
        triples: within the angular cutoff; None if there is none.
        overflow: ``[]`` whether triples were lost for want of capacity.
    """

    species: jax.Array
    receivers: jax.Array
    senders: jax.Array
    vectors: jax.Array
    distances: jax.Array
    cutoffs: jax.Array
    triples: Triples | None
    overflow: jax.Array


def environment(
    graph: jraph.GraphsTuple, cutoff: float, triple_cutoff: float | None, capacity: Capacity
) -> Environment:
    """Pairs and triples of a padded batch.

    Args:
        graph: as `mlmat.graphs.radius_graph` and `mlmat.graphs.packing.pack` make it: edges sorted
            by receiver, every pair in both directions, padding edges of zero length.
        cutoff: of pairs, Å; no larger than that of the graph.
        triple_cutoff: of both sides of a triple, Å; None: pairs only.
        capacity: static sizes.
    """
    graph = jax.tree.map(jnp.asarray, graph)
    species, positions = graph.nodes["species"], graph.nodes["positions"]
    receivers, senders = graph.receivers, graph.senders
    vectors = positions[senders] + graph.edges["shift"] - positions[receivers]
    distances = safe_norm(vectors)
    cutoffs = jnp.where(distances > 0, cosine_cutoff(distances, cutoff), 0.0)
    kinds = species[senders]
    if triple_cutoff is None:
        return Environment(species, receivers, kinds, vectors, distances, cutoffs, None, jnp.array(False))
    triples, overflow = _triples(graph, vectors, distances, kinds, triple_cutoff, capacity)
    return Environment(species, receivers, kinds, vectors, distances, cutoffs, triples, overflow)


def _triples(
    graph: jraph.GraphsTuple,
    vectors: jax.Array,
    distances: jax.Array,
    kinds: jax.Array,
    cutoff: float,
    capacity: Capacity,
) -> tuple[Triples, jax.Array]:
    edges, atoms = distances.shape[0], graph.nodes["species"].shape[0]
    size = max(1, math.ceil(min(1.0, capacity.near) * edges))
    length = max(1, math.ceil(capacity.triples * edges))
    near = (distances > 0) & (distances < cutoff)
    counted = jnp.cumsum(near)
    total = near.sum()
    slot = jnp.where(near, counted - 1, size)
    # Near edges of the same atom that come after each edge.
    until = jnp.zeros(atoms, counted.dtype).at[graph.receivers].max(counted)
    later = jnp.where(near, until[graph.receivers] - counted, 0)
    later, receivers, chosen_kinds = _moved(jnp.stack([later, graph.receivers, kinds], axis=1), slot, size).T
    ends = jnp.cumsum(later)
    starts = ends - later
    count = jnp.arange(length)
    first = jnp.cumsum(jnp.zeros(length, starts.dtype).at[starts].add(1, mode="drop")) - 1
    second = jnp.minimum(first + 1 + count - starts[first], size - 1)
    valid = count < ends[-1]
    # float32 counts beyond 2²⁴ would be inexact; these are integers, and the sum of pairs cannot wrap
    # before `length` itself no longer fits into memory.
    overflow = (total > size) | (ends[-1] > length)

    unit = vectors / jnp.where(near, distances, 1.0)[:, None]
    # One row per edge, so that a side of a triple is one gather (and one scatter of the gradient).
    rows = jnp.concatenate([unit, jnp.stack([distances, cosine_cutoff(distances, cutoff)], axis=1)], axis=1)
    rows = _moved(rows, slot, size)
    a, b = rows[first], rows[second]
    fa, fb = jnp.where(valid, a[:, 4], 0.0), jnp.where(valid, b[:, 4], 0.0)
    return (
        Triples(
            # Of padding the last atom, so that they ascend.
            jnp.where(valid, receivers[first], atoms - 1),
            (chosen_kinds[first], chosen_kinds[second]),
            (a[:, 3], b[:, 3]),
            (fa, fb),
            jnp.where(valid, (a[:, :3] * b[:, :3]).sum(axis=1), 0.0),
            valid,
        ),
        overflow,
    )


def _moved(rows: jax.Array, slot: jax.Array, size: int) -> jax.Array:
    """Rows ``[e, F]`` in their slots ``[size, F]``, those beyond the last dropped, empty slots 0.

    A gather would do, but XLA computes what is gathered anew for every reader; what is scattered, once.
    """
    return jnp.zeros((size, rows.shape[1]), rows.dtype).at[slot].add(rows, mode="drop")


def element_pair(species: tuple[jax.Array, jax.Array], elements: int) -> jax.Array:
    """Index of the unordered pair of elements (a, b): row by row of the upper triangle, 0 … E(E+1)/2 − 1."""
    rows, columns = np.triu_indices(elements)
    table = np.zeros((elements, elements), np.int32)
    table[rows, columns] = table[columns, rows] = np.arange(len(rows))
    return jnp.asarray(table.ravel())[species[0] * elements + species[1]]


def needed_capacity(graphs: Iterable[jraph.GraphsTuple], cutoff: float) -> Capacity:
    """Smallest `Capacity` (rounded up a little) that fits every batch of these graphs, on the host.

    Ratios to the edges are bounded graph by graph, so a batch of any of them fits, however full.

    Args:
        graphs: as an encoder made them, without padding, or packed batches.
        cutoff: angular cutoff, Å.
    """
    near, triples = 1e-9, 1e-9
    for graph in graphs:
        positions, receivers = np.asarray(graph.nodes["positions"]), np.asarray(graph.receivers)
        if not len(receivers):
            continue
        vectors = positions[graph.senders] + graph.edges["shift"] - positions[receivers]
        lengths = np.linalg.norm(vectors, axis=1)
        # A hair more than the cutoff: the device computes in another order.
        within = (lengths > 0) & (lengths < cutoff * (1 + 1e-5))
        each = np.bincount(receivers[within], minlength=1).astype(float)
        near = max(near, within.sum() / len(receivers))
        triples = max(triples, (each * (each - 1) / 2).sum() / len(receivers))
    # Few different values, so that similar data share a compiled program.
    return Capacity(min(1.0, math.ceil(32 * near) / 32), 1.05 ** math.ceil(math.log(triples, 1.05) - 1e-9))
