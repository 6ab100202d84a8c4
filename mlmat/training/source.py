"""Where a training step gets its examples from: on the device as a whole, or streamed to it.

A `Source` yields *chunks*: pytrees whose leaves start with the axes ``[steps, ...]``
(``[steps, shards, ...]`` with several shards). All chunks of a source have one shape, so
a compiled scan over a chunk is compiled once. Data that fit make one chunk an epoch, so
an epoch is one scan; larger data make many, packed by a thread while the device computes.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import jax
import jraph
import numpy as np

from mlmat.errors import InputError
from mlmat.graphs.packing import Budget, budget_for, pack
from mlmat.typing import Array, Key


class Example(NamedTuple):
    """A batch with its targets.

    Attributes:
        batch: what the model is called on.
        targets: ``[G, P]`` in physical units; anything finite where there is none.
        weights: ``[G, P]`` 0 for padding and missing targets.
    """

    batch: Any
    targets: Array
    weights: Array


class Source(NamedTuple):
    """Examples in chunks.

    Attributes:
        data: pytree kept on the device, handed to `prepare`.
        chunks: ``chunks(epoch) → iterator`` of chunks; the same epoch gives the same chunks.
        prepare: ``prepare(data, item, key) → Example``: one step's item of a chunk, on the
            device; `key` is None where nothing may be random (validation). A function of a module:
            what is compiled for it is kept, and used by every training with the same function.
        count: examples in an epoch.
        steps: steps in an epoch, without empty ones.
        own_order: whether each ensemble member takes the steps of a chunk in its own order.
    """

    data: Any
    chunks: Callable[[int], Iterator[Any]]
    prepare: Callable[[Any, Any, Key | None], Example]
    count: int
    steps: int
    own_order: bool = False


def with_targets(
    graphs: Sequence[jraph.GraphsTuple], targets: np.ndarray, weights: np.ndarray | None = None
) -> list[jraph.GraphsTuple]:
    """Graphs that carry their targets through packing, as ``globals["targets"]``.

    Args:
        graphs: N graphs of one structure each.
        targets: ``[N, P]``; NaN where a target is missing.
        weights: ``[N, P]`` relative weights; default 1.

    Raises:
        InputError: infinite targets, or numbers that do not match.
    """
    targets = np.asarray(targets, float).reshape(len(graphs), -1)
    if np.isinf(targets).any():
        raise InputError("a target is infinite: drop the row or leave the value empty")
    known = np.isfinite(targets)
    weights = known * (1.0 if weights is None else np.asarray(weights).reshape(targets.shape))
    values = np.where(known, targets, 0.0).astype(np.float32)
    return [
        graph._replace(
            globals={**(graph.globals or {}), "targets": values[i : i + 1], "weights": weights[i : i + 1]}
        )
        for i, graph in enumerate(graphs)
    ]


def packed_example(data: None, item: jraph.GraphsTuple, key: Key | None) -> Example:
    """`Source.prepare` of packed graphs made by `with_targets`."""
    return Example(item, item.globals["targets"], item.globals["weights"])


def graph_source(
    graphs: Sequence[jraph.GraphsTuple],
    batch: int,
    *,
    seed: int | None = None,
    shards: int = 1,
    chunk_steps: int | None = None,
    budget: Budget | None = None,
) -> Source:
    """Packed batches of sparse graphs.

    Args:
        graphs: from `with_targets`.
        batch: graphs a step, over all shards.
        seed: of the order, which differs between epochs; None keeps the given order.
        shards: sub-batches of a step.
        chunk_steps: steps in a chunk; None: a whole epoch, for data that fit on the device.
        budget: shape of one sub-batch; default: fits the graphs.

    Raises:
        InputError: no graphs.
    """
    if not len(graphs):
        raise InputError("there is nothing to train on: no graph was left")
    each = max(1, min(batch, len(graphs)) // shards)
    budget = budget or budget_for(graphs, each)
    steps = -(-len(graphs) // (each * shards))
    # Graphs of unequal size need a few batches more than the mean says.
    size = chunk_steps or steps + max(1, steps // 50) - (seed is None and steps == 1)
    graphs = [_narrow(graph) for graph in graphs]

    def chunks(epoch: int) -> Iterator[Any]:
        order = None if seed is None else np.random.default_rng((seed, epoch)).permutation(len(graphs))
        stream = graphs if order is None else (graphs[i] for i in order)
        batches = pack(stream, budget)
        while taken := list(islice(batches, size * shards)):
            empty = jax.tree.map(np.zeros_like, taken[0])
            empty.n_node[0], empty.n_edge[0] = budget.n_node, budget.n_edge
            taken += [empty] * (size * shards - len(taken))
            shape = (size,) if shards == 1 else (size, shards)
            yield jax.tree.map(
                lambda *leaves, shape=shape: np.stack(leaves).reshape(*shape, *leaves[0].shape), *taken
            )

    return Source(None, chunks, packed_example, len(graphs), steps)


def _narrow(graph: jraph.GraphsTuple) -> jraph.GraphsTuple:
    """The same graph with 32-bit floats: JAX would narrow them at every transfer."""
    return jax.tree.map(lambda leaf: leaf.astype(np.float32) if leaf.dtype == np.float64 else leaf, graph)


def prefetched(items: Iterator[Any], depth: int = 2) -> Iterator[Any]:
    """The same items, made ahead by a thread; its errors are raised here.

    Close it (`contextlib.closing`) where it may not be read to its end: that waits for the item which
    is being made, since a thread that is inside JAX when Python ends takes the whole process down.

    Args:
        items: made in the thread, in order.
        depth: most items that wait.
    """
    ready: queue.Queue = queue.Queue(depth)
    stop = threading.Event()

    def put(entry: tuple[str, Any]) -> bool:
        while not stop.is_set():
            try:
                ready.put(entry, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(("item", item)):
                    return
            put(("end", None))
        except BaseException as error:  # handed over, whatever it is
            put(("error", error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while True:
            kind, value = ready.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            yield value
    finally:
        stop.set()
        thread.join()
