"""Items → graphs with a predictor's encoder: one result an item, a bad one as its error."""

from __future__ import annotations

import contextlib
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from typing import Any

from mlmat.errors import InputError, MlmatError

BLOCK = 256
"""Items encoded together where an encoder can do that faster."""


def encode_items(encoder: Any, items: Iterable[Any]) -> Iterator[Any | MlmatError]:
    """Encode a stream of items in its order.

    Args:
        encoder: of a predictor.
        items: SMILES or structures, as ``encoder.kind`` says.

    Yields:
        The graph of each item, or the error that says why it has none.
    """
    if hasattr(encoder, "many"):
        stream = iter(items)
        while block := list(islice(stream, BLOCK)):
            yield from encoder.many(block)
        return
    for item in items:
        try:
            yield encoder(item)
        except MlmatError as error:
            yield error


@contextlib.contextmanager
def encoding_processes(workers: int) -> Iterator[Callable[[Any, Sequence[Any]], Iterator[Any | MlmatError]]]:
    """`encode_items` for lists of items, by several processes that live as long as the block.

    Args:
        workers: processes; with 1 this process does it.
    """
    if workers <= 1:
        yield encode_items
        return
    # Spawned: JAX runs threads, which a fork would leave behind in a broken state.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:

        def encoded(encoder: Any, items: Sequence[Any]) -> Iterator[Any | MlmatError]:
            blocks = [items[first : first + BLOCK] for first in range(0, len(items), BLOCK)]
            for found in pool.map(partial(_encode_block, encoder), blocks):
                yield from found

        try:
            yield encoded
        finally:
            # An interrupted run does not wait for what nobody will use.
            pool.shutdown(wait=False, cancel_futures=True)


def _encode_block(encoder: Any, items: Sequence[Any]) -> list[Any | MlmatError]:
    # Errors with arguments of their own do not survive the way between processes.
    return [InputError(str(g)) if isinstance(g, MlmatError) else g for g in encode_items(encoder, items)]
