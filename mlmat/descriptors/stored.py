"""Descriptors of structures that stay where they are: computed once for a whole training.

Training moves no atom. So the descriptors G_i of the training structures, and their derivatives by the
vectors r_e of the edges into atom i, are the same in every epoch, and are kept with the graphs:

    nodes["descriptors"]  G_i            [n, D]
    edges["slopes"]       ∂G_i,d/∂r_e    [e, 3, D]

A network on them gives energies and forces as if it had computed them, F = −(∂E/∂G) (∂G/∂r), with no work on
triples. Of other positions than those they were made at these graphs know nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import jraph
import numpy as np

from mlmat.errors import InputError
from mlmat.graphs.packing import budget_for, pack, unpack

DESCRIPTORS, SLOPES = "descriptors", "slopes"


def is_stored(graph: jraph.GraphsTuple) -> bool:
    """Whether a graph carries its descriptors."""
    return DESCRIPTORS in graph.nodes


def stored(graph: jraph.GraphsTuple) -> jax.Array:
    """Descriptors ``[n, D]`` that a graph carries, with their first derivatives by positions and shifts.

    A derivative that was not stored is NaN.
    """
    positions, receivers = graph.nodes["positions"], graph.receivers
    vectors = positions[graph.senders] + graph.edges["shift"] - positions[receivers]
    return _at_rest(vectors, graph.nodes[DESCRIPTORS], graph.edges.get(SLOPES), receivers)


@jax.custom_jvp
def _at_rest(
    vectors: jax.Array, values: jax.Array, slopes: jax.Array | None, receivers: jax.Array
) -> jax.Array:
    return values


@_at_rest.defjvp
def _moved(primals, tangents):
    _, values, slopes, receivers = primals
    if slopes is None:
        return values, jnp.full_like(values, jnp.nan) * tangents[0].sum()
    change = (slopes * tangents[0][:, :, None]).sum(axis=1)
    change = jax.ops.segment_sum(change, receivers, values.shape[0], indices_are_sorted=True)
    return values, change + tangents[1]


def stored_bytes(graphs: Sequence[jraph.GraphsTuple], size: int, slopes: bool) -> int:
    """Memory that `with_descriptors` adds for descriptors of this size."""
    rows = sum(int(graph.n_node.sum()) + 3 * slopes * int(graph.n_edge.sum()) for graph in graphs)
    return 4 * size * rows


def with_descriptors(
    describe: Callable[[jraph.GraphsTuple], jax.Array],
    graphs: Sequence[jraph.GraphsTuple],
    slopes: bool,
    batch: int = 8,
) -> list[jraph.GraphsTuple]:
    """The graphs, each with its descriptors. Host code.

    Args:
        describe: padded batch → ``[n, D]``; those of an atom depend on the edges into it alone.
        graphs: as an encoder made them, perhaps with more features.
        slopes: whether derivatives are stored, too.
        batch: graphs that are computed at once.

    Raises:
        InputError: descriptors that are not finite, because a static size is too small.
    """

    @jax.jit
    def both(packed: jraph.GraphsTuple) -> tuple[jax.Array, jax.Array | None]:
        def by_shift(shift: jax.Array) -> jax.Array:
            return describe(packed._replace(edges={**packed.edges, "shift": shift}))

        if not slopes:
            return describe(packed), None
        values, pull = jax.vjp(by_shift, packed.edges["shift"])
        # An edge belongs to one atom: the derivative of the sum over atoms is that of its atom.
        columns = jax.lax.map(
            lambda column: pull(jnp.broadcast_to(column, values.shape))[0], jnp.eye(values.shape[1])
        )
        return values, columns.transpose(1, 2, 0)

    found = []
    for packed in pack(graphs, budget_for(graphs, min(batch, len(graphs)))):
        values, derivatives = (None if part is None else np.asarray(part) for part in both(packed))
        if not np.isfinite(values).all():
            raise InputError("the model's static sizes are too small for these structures: use model.grown")
        nodes, edges = {**packed.nodes, DESCRIPTORS: values}, dict(packed.edges)
        if derivatives is not None:
            edges[SLOPES] = derivatives
        found += unpack(packed._replace(nodes=nodes, edges=edges))
    return found
