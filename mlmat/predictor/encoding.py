"""Items → graphs with a predictor's encoder: one result an item, a bad one as its error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from mlmat.errors import MlmatError

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
