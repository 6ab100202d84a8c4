"""Packing sparse graphs into padded batches of few fixed shapes, on the host.

A jitted function compiles once for each shape, so every batch has the shape of one of
one to three buckets. Padding follows jraph: after the real graphs comes one padding
graph that owns all padding nodes and edges, then graphs without nodes; so
`jraph.get_node_padding_mask` and its like are right, and padding edges point at
padding nodes only. Each leaf of a batch is one zeroed NumPy buffer of the final shape,
filled by one concatenation; jraph concatenates twice and passes through the device.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jraph
import numpy as np

from mlmat.errors import CapacityError, InputError


@dataclass(frozen=True)
class Budget:
    """The padded shape of a batch, counted as jraph counts: padding included.

    Attributes:
        n_node: nodes, at least one of them padding.
        n_edge: edges; padding may take none of them.
        n_graph: graphs, at least one of them padding.
    """

    n_node: int
    n_edge: int
    n_graph: int

    def __post_init__(self):
        if self.n_node < 1 or self.n_edge < 0 or self.n_graph < 2:
            raise InputError(f"{self} holds no graph: n_node >= 1, n_edge >= 0 and n_graph >= 2 are needed")

    def holds(self, nodes: int, edges: int, graphs: int) -> bool:
        """Whether so many real nodes, edges and graphs fit beside the padding."""
        return nodes < self.n_node and edges <= self.n_edge and graphs < self.n_graph


def budget_for(graphs: Iterable[jraph.GraphsTuple], batch_size: int, multiple: int = 8) -> Budget:
    """Tight budget for batches of about `batch_size` graphs.

    Nodes and edges get the mean of a random batch plus one standard deviation, so most
    batches reach `batch_size` graphs and few slots stay empty; never less than the
    largest graph needs.

    Args:
        graphs: the graphs to be packed, or a fair sample that has the largest of them.
        batch_size: real graphs wanted in a batch.
        multiple: nodes and edges are rounded up to a multiple of this.

    Raises:
        InputError: no graphs, or a batch size below 1.
    """
    sizes = np.array([(g.n_node.sum(), g.n_edge.sum(), len(g.n_node)) for g in graphs], float)
    if len(sizes) == 0 or batch_size < 1:
        raise InputError("a budget needs at least one graph and batch_size >= 1")
    batch = batch_size * sizes.mean(axis=0) + np.sqrt(batch_size) * sizes.std(axis=0)
    nodes, edges, graphs_each = np.maximum(batch, sizes.max(axis=0))

    def rounded(count: float) -> int:
        return multiple * int(np.ceil(count / multiple - 1e-9))

    return Budget(rounded(nodes + 1), rounded(edges), int(np.ceil(graphs_each - 1e-9)) + 1)


def pack(
    graphs: Iterable[jraph.GraphsTuple],
    budget: Budget | Sequence[Budget],
    *,
    seed: int | None = None,
    open_batches: int = 1,
) -> Iterator[jraph.GraphsTuple]:
    """Pack every graph once into padded batches, first-fit in stream order.

    Args:
        graphs: graphs with node features and edges sorted by receiver (`sort_edges`),
            all with the same features. Targets or an index to find a graph again go
            into ``globals``. Dtypes follow the first graph.
        budget: shape of all batches, or buckets of which each fits into the next:
            batches fill up to the last one and take the first one that holds them
            (the rest of an epoch needs no full batch).
        seed: shuffle the graphs (this reads all of them first); None keeps their order.
        open_batches: how many batches wait for a graph that still fits. With 1 the
            batches hold the graphs in their order; more pad less and change the order.

    Yields:
        `jraph.GraphsTuple` of NumPy arrays that no later batch overwrites.

    Raises:
        CapacityError: a graph is larger than the largest bucket; says what fits.
        InputError: buckets that do not nest, edges that are not sorted, or graphs
            whose features or counts do not agree.
    """
    buckets = (budget,) if isinstance(budget, Budget) else tuple(budget)
    for small, large in pairwise(buckets):
        if not large.holds(small.n_node - 1, small.n_edge, small.n_graph - 1):
            raise InputError(f"buckets must grow: {small} does not fit into {large}")
    if not buckets or open_batches < 1:
        raise InputError("packing needs at least one budget and open_batches >= 1")
    stream: Iterable[tuple[int, jraph.GraphsTuple]] = enumerate(graphs)
    if seed is not None:
        known = list(stream)
        stream = (known[i] for i in np.random.default_rng(seed).permutation(len(known)))
    return _pack(stream, buckets, open_batches)


def unpack(batch: jraph.GraphsTuple) -> list[jraph.GraphsTuple]:
    """The real graphs of a padded batch, in their order: the inverse of `pack`."""
    batch = jax.device_get(batch)
    graphs = int(np.flatnonzero(batch.n_node)[-1])  # the padding graph is the last one with nodes
    nodes, edges = batch.n_node[:graphs].sum(), batch.n_edge[:graphs].sum()
    real = jraph.GraphsTuple(
        nodes=jax.tree.map(lambda leaf: leaf[:nodes], batch.nodes),
        edges=jax.tree.map(lambda leaf: leaf[:edges], batch.edges),
        globals=jax.tree.map(lambda leaf: leaf[:graphs], batch.globals),
        # Copies, because jraph.unbatch_np shifts the indices in place.
        receivers=batch.receivers[:edges].copy(),
        senders=batch.senders[:edges].copy(),
        n_node=batch.n_node[:graphs],
        n_edge=batch.n_edge[:graphs],
    )
    return jraph.unbatch_np(real)


class _Layout(NamedTuple):
    """What all graphs of a stream share; leaves are those of the flattened GraphsTuple."""

    structure: Any
    index: jraph.GraphsTuple  # the position of each leaf in the flat list
    kinds: tuple[int, ...]  # axis 0 of each leaf counts 0: nodes, 1: edges, 2: graphs
    tails: tuple[tuple[int, ...], ...]
    dtypes: tuple[np.dtype, ...]


@dataclass
class _Batch:
    """Graphs that share a batch: sums of their sizes, their leaves and single sizes."""

    nodes: int = 0
    edges: int = 0
    graphs: int = 0
    members: list[list[np.ndarray]] = field(default_factory=list)
    sizes: list[tuple[int, int, int]] = field(default_factory=list)


def _layout(graph: jraph.GraphsTuple) -> _Layout:
    leaves, structure = jax.tree.flatten(graph)
    if not jax.tree.leaves(graph.nodes):
        raise InputError("a graph without node features cannot be packed: give it nodes of shape [n, ...]")
    index = jax.tree.unflatten(structure, range(len(leaves)))
    kinds = [1] * len(leaves)
    for kind, part in ((0, index.nodes), (2, (index.globals, index.n_node, index.n_edge))):
        for position in jax.tree.leaves(part):
            kinds[position] = kind
    counts = {index.receivers, index.senders, index.n_node, index.n_edge}
    dtypes = [np.dtype(np.int32) if i in counts else leaf.dtype for i, leaf in enumerate(leaves)]
    return _Layout(structure, index, tuple(kinds), tuple(leaf.shape[1:] for leaf in leaves), tuple(dtypes))


def _pack(
    stream: Iterable[tuple[int, jraph.GraphsTuple]], buckets: tuple[Budget, ...], open_batches: int
) -> Iterator[jraph.GraphsTuple]:
    largest = buckets[-1]
    layout: _Layout | None = None
    waiting: list[_Batch] = []
    for index, graph in stream:
        layout = layout or _layout(graph)
        leaves, structure = jax.tree.flatten(graph)
        if structure != layout.structure:
            raise InputError(f"graph {index} has other features than the first one: {structure}")
        # The first leaf holds node features, because nodes are the first field.
        size = nodes, edges, graphs = len(leaves[0]), len(graph.receivers), len(graph.n_node)
        if not largest.holds(*size):
            raise CapacityError(
                f"graph {index} with {nodes} nodes and {edges} edges does not fit into {largest}: "
                f"use Budget(n_node={max(nodes + 1, largest.n_node)}, n_edge={max(edges, largest.n_edge)}, "
                f"n_graph={max(graphs + 1, largest.n_graph)}) or a larger one"
            )
        for batch in waiting:
            if largest.holds(batch.nodes + nodes, batch.edges + edges, batch.graphs + graphs):
                break
        else:
            if len(waiting) == open_batches:
                yield _fill(waiting.pop(0), layout, buckets)
            waiting.append(batch := _Batch())
        batch.nodes, batch.edges, batch.graphs = (
            batch.nodes + nodes,
            batch.edges + edges,
            batch.graphs + graphs,
        )
        batch.members.append(leaves)
        batch.sizes.append(size)
    for batch in waiting:
        yield _fill(batch, layout, buckets)


def _fill(batch: _Batch, layout: _Layout, buckets: tuple[Budget, ...]) -> jraph.GraphsTuple:
    """Write the members into buffers of the first bucket that holds them, then pad."""
    used = batch.nodes, batch.edges, batch.graphs
    budget = next(bucket for bucket in buckets if bucket.holds(*used))
    capacity = budget.n_node, budget.n_edge, budget.n_graph
    leaves = []
    for column, kind, tail, dtype in zip(
        zip(*batch.members, strict=True), layout.kinds, layout.tails, layout.dtypes, strict=True
    ):
        # A new buffer each time: JAX on a CPU may read NumPy memory in place, and late.
        buffer = np.zeros((capacity[kind], *tail), dtype)
        try:
            np.concatenate(column, out=buffer[: used[kind]])
        except (ValueError, TypeError) as error:
            raise InputError(f"graphs with different features cannot share a batch: {error}") from error
        leaves.append(buffer)
    packed = jax.tree.unflatten(layout.structure, leaves)
    if (packed.n_node.sum(), packed.n_edge.sum()) != used[:2]:
        raise InputError("n_node and n_edge of a graph must count its node features and edges")
    sizes = np.array(batch.sizes)
    shift = np.repeat(np.cumsum(sizes[:, 0]) - sizes[:, 0], sizes[:, 1])
    for ends in (packed.senders, packed.receivers):
        ends[: batch.edges] += shift.astype(np.int32)
        ends[batch.edges :] = batch.nodes
    if (packed.receivers[1:] < packed.receivers[:-1]).any():
        raise InputError("edges must be sorted by receiver: pass each graph through sparse.sort_edges first")
    packed.n_node[batch.graphs] = budget.n_node - batch.nodes
    packed.n_edge[batch.graphs] = budget.n_edge - batch.edges
    return packed
