"""Sums, means, maxima and softmax over segments of a flat array, with masks and safe gradients.

The flat arrays of a padded `jraph.GraphsTuple` are reduced by segment: edges by
receiver, nodes by graph. Here a masked entry adds nothing to a value or a gradient
(even when it is NaN), and an empty segment gives 0, not infinity. All functions are
pure, run inside `jit`, and need a static `num_segments`.

Pass ``indices_are_sorted=True`` for receivers and graph indices of a packed batch;
the result for indices that are not sorted is then undefined.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jraph

from mlmat.typing import Array


def graph_of_node(graph: jraph.GraphsTuple) -> Array:
    """Index ``[nodes]`` of the graph that each node of a batch belongs to, ascending."""
    total = jax.tree.leaves(graph.nodes)[0].shape[0]
    return jnp.repeat(jnp.arange(graph.n_node.shape[0]), graph.n_node, total_repeat_length=total)


def real_atoms(graph: jraph.GraphsTuple) -> Array:
    """``[n]`` False for padding atoms. A batch of one graph alone has no padding."""
    if len(graph.n_node) == 1:
        return jnp.ones(jax.tree.leaves(graph.nodes)[0].shape[0], bool)
    return jraph.get_node_padding_mask(graph)


def _as_column(mask: Array, data: Array) -> Array:
    return jnp.reshape(mask != 0, mask.shape + (1,) * (data.ndim - mask.ndim))


def segment_sum(
    data: Array,
    segment_ids: Array,
    num_segments: int,
    *,
    mask: Array | None = None,
    indices_are_sorted: bool = False,
) -> Array:
    """Sum of each segment, 0 where it is empty.

    Args:
        data: ``[entries, ...]``.
        segment_ids: ``[entries]`` integers in 0 … num_segments - 1.
        num_segments: static number of segments.
        mask: ``[entries]`` boolean or 0/1; False entries do not count.
        indices_are_sorted: promise that `segment_ids` ascends.

    Returns:
        ``[num_segments, ...]``.
    """
    if mask is not None:
        data = jnp.where(_as_column(mask, data), data, 0)
    # Without the promise the gradient compares every index of every entry with the bounds, number by number.
    return jax.ops.segment_sum(
        data,
        segment_ids,
        num_segments,
        indices_are_sorted=indices_are_sorted,
        mode=jax.lax.GatherScatterMode.PROMISE_IN_BOUNDS,
    )


def segment_mean(
    data: Array,
    segment_ids: Array,
    num_segments: int,
    *,
    mask: Array | None = None,
    indices_are_sorted: bool = False,
) -> Array:
    """Mean over the unmasked entries of each segment, 0 where there are none.

    Arguments and result as in `segment_sum`.
    """
    total = segment_sum(data, segment_ids, num_segments, mask=mask, indices_are_sorted=indices_are_sorted)
    ones = jnp.ones(data.shape[0], total.dtype)
    count = segment_sum(ones, segment_ids, num_segments, mask=mask, indices_are_sorted=indices_are_sorted)
    return total / jnp.maximum(count, 1).reshape(-1, *(1,) * (data.ndim - 1))


def segment_max(
    data: Array,
    segment_ids: Array,
    num_segments: int,
    *,
    mask: Array | None = None,
    indices_are_sorted: bool = False,
) -> Array:
    """Maximum over the unmasked entries of each segment, 0 where there are none.

    Arguments and result as in `segment_sum`, for floating-point `data`. The gradient
    of a tie is shared evenly.
    """
    if mask is not None:
        data = jnp.where(_as_column(mask, data), data, -jnp.inf)
    highest = jax.ops.segment_max(data, segment_ids, num_segments, indices_are_sorted=indices_are_sorted)
    # Not isfinite: a NaN or +inf in the data must stay visible.
    return jnp.where(highest == -jnp.inf, 0, highest)


def segment_softmax(
    logits: Array,
    segment_ids: Array,
    num_segments: int,
    *,
    mask: Array | None = None,
    indices_are_sorted: bool = False,
) -> Array:
    """Softmax within each segment; masked entries get weight 0.

    `jraph.segment_softmax` gives NaN where a whole segment is masked; here every
    weight of such a segment is 0.

    Args:
        logits: ``[entries, ...]``.
        segment_ids: ``[entries]`` integers in 0 … num_segments - 1.
        num_segments: static number of segments.
        mask: ``[entries]`` boolean or 0/1; False entries do not count.
        indices_are_sorted: promise that `segment_ids` ascends.

    Returns:
        Weights ``[entries, ...]`` that sum to 1 in every segment with an unmasked entry.
    """
    mask = jnp.ones(logits.shape[0], bool) if mask is None else mask
    keep = _as_column(mask, logits)
    rest = {"indices_are_sorted": indices_are_sorted}
    # The shift cancels in the quotient, so it needs no gradient.
    shift = jax.lax.stop_gradient(segment_max(logits, segment_ids, num_segments, mask=mask, **rest))
    # Masked logits are replaced before exp, else their overflow poisons the gradient.
    weights = jnp.where(keep, jnp.exp(jnp.where(keep, logits - shift[segment_ids], 0)), 0)
    total = segment_sum(weights, segment_ids, num_segments, **rest)
    return weights / jnp.where(total == 0, 1, total)[segment_ids]
