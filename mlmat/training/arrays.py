"""Training examples that are plain arrays: pixels, spectra, densities, descriptors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.errors import InputError
from mlmat.training.source import Example, Source
from mlmat.typing import Array


def array_source(
    rows: Any,
    targets: Array,
    size: int,
    seed: int | None = None,
    assemble: Callable[[Any], Any] = lambda rows: rows,
) -> Source:
    """Rows of a pytree of arrays, which stays on the device as a whole.

    Args:
        rows: leaves ``[N, …]``.
        targets: ``[N, P]``, NaN where missing.
        size: examples a step; the rest of an epoch sits it out (without a seed: is padded).
        seed: of the order; None keeps it, and every example is met once.
        assemble: makes what the model is called on of some rows.

    Raises:
        InputError: leaves or targets of different lengths.
    """
    targets = np.asarray(targets, np.float32)
    count = len(targets)
    lengths = {len(leaf) for leaf in jax.tree.leaves(rows)}
    if lengths - {count} or not count:
        raise InputError(f"{count} targets go with arrays of {sorted(lengths)} rows: give one row for each")
    known = np.isfinite(targets)
    data = jax.tree.map(jnp.asarray, (rows, np.where(known, targets, 0.0), known.astype(np.float32)))
    size = min(size, count)
    steps = count // size if seed is not None else -(-count // size)

    def chunks(epoch: int) -> Iterator[Any]:
        order = np.arange(steps * size)
        if seed is not None:
            order = np.random.default_rng((seed, epoch)).permutation(count)[: steps * size]
        yield {
            "rows": np.minimum(order, count - 1).reshape(steps, size).astype(np.int32),
            "weights": (order < count).astype(np.float32).reshape(steps, size),
        }

    return Source(data, chunks, _Prepare(assemble), steps * size, steps, own_order=True)


class _Prepare(NamedTuple):
    """`Source.prepare` of rows."""

    assemble: Callable[[Any], Any]

    def __call__(self, data: Any, item: dict[str, jax.Array], key: Any) -> Example:
        rows, targets, known = jax.tree.map(lambda leaf: leaf[item["rows"]], data)
        return Example(self.assemble(rows), targets, known * item["weights"][:, None])
