"""Predictions for a stream of rows of any length: bounded memory, order kept, no row lost."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice, repeat
from typing import Any, NamedTuple

import numpy as np

from mlmat.data.own.contents import Row
from mlmat.errors import MlmatError
from mlmat.predictor.encoding import BLOCK, encode_items
from mlmat.predictor.extrapolation import extrapolations, knows_range
from mlmat.predictor.forces import Forces, predict_forces
from mlmat.predictor.predict import predict_encoded
from mlmat.predictor.predictor import Predictor

FEW = 8 * BLOCK
"""Below this many rows starting processes would take longer than the work."""


class Answer(NamedTuple):
    """What there is to say about a row.

    Attributes:
        row: as it was read.
        mean: ``[P]`` prediction; None if there is none.
        std: ``[P]`` its standard deviation; None if there is no prediction.
        reason: why there is none; None if there is.
        forces: on the atoms, if they were asked for.
        outside: see `mlmat.predictor.extrapolation`; None if the network does not know its range.
    """

    row: Row
    mean: np.ndarray | None
    std: np.ndarray | None
    reason: str | None
    forces: Forces | None = None
    outside: float | None = None


def predict_rows(
    predictor: Predictor, rows: Iterable[Row], *, batch: int = 256, workers: int = 1, forces: bool = False
) -> Iterator[Answer]:
    """Mean and standard deviation of each row, in the order of the rows.

    Args:
        predictor: the ensemble.
        rows: see `mlmat.data.own.iterate_items`.
        batch: most items predicted together.
        workers: processes that encode SMILES; with 1 this process does it.
        forces: predict the forces, too.

    Raises:
        InputError: forces of a predictor that has none.
    """
    blocks = _blocks(rows, max(batch, BLOCK))
    first = list(islice(blocks, -(-FEW // max(batch, BLOCK))))
    many = sum(map(len, first)) >= FEW
    everything = _chained(first, blocks)
    if workers > 1 and many and predictor.encoder.kind == "smiles":
        encoded = _encoded_by_workers(predictor.encoder, everything, workers)
    else:
        encoded = ((block, _encode(predictor.encoder, block)) for block in everything)
    for block, graphs in encoded:
        yield from _answers(predictor, block, graphs, batch, forces)


def _blocks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    stream = iter(rows)
    while block := list(islice(stream, size)):
        yield block


def _chained(first: list, rest: Iterator) -> Iterator:
    yield from first
    yield from rest


def _encode(encoder: Any, block: list[Row]) -> list[Any]:
    """Graph or reason of every row."""
    usable = [row.item for row in block if row.reason is None]
    return _merged(block, iter(_encode_items(encoder, usable)))


def _encode_items(encoder: Any, items: list[Any]) -> list[Any]:
    return [str(g) if isinstance(g, MlmatError) else g for g in encode_items(encoder, items)]


def _merged(block: list[Row], graphs: Iterator[Any]) -> list[Any]:
    return [next(graphs) if row.reason is None else row.reason for row in block]


def _encoded_by_workers(
    encoder: Any, blocks: Iterator[list[Row]], workers: int
) -> Iterator[tuple[list[Row], list[Any]]]:
    """Blocks with their graphs, in order; no more than two blocks a worker are under way."""
    # Spawned: JAX runs threads, which a fork would leave behind in a broken state.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting: deque = deque()
        try:
            for block in blocks:
                usable = [row.item for row in block if row.reason is None]
                waiting.append((block, pool.submit(_encode_items, encoder, usable)))
                if len(waiting) > 2 * workers:
                    done, future = waiting.popleft()
                    yield done, _merged(done, iter(future.result()))
            while waiting:
                done, future = waiting.popleft()
                yield done, _merged(done, iter(future.result()))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _answers(
    predictor: Predictor, block: list[Row], graphs: list[Any], batch: int, forces: bool
) -> Iterator[Answer]:
    usable = [graph for graph in graphs if not isinstance(graph, str)]
    found = predict_encoded(predictor, usable, batch)
    gradients = predict_forces(predictor, usable, batch) if forces else repeat(None)
    ranges = repeat(None)
    if knows_range(predictor.model):
        ranges = extrapolations(predictor.model, predictor.variables, usable, batch)
    for row, graph in zip(block, graphs, strict=True):
        if isinstance(graph, str):
            yield Answer(row, None, None, graph)
            continue
        (mean, std), force, outside = next(found), next(gradients), next(ranges)
        if np.isfinite(mean).all() and (force is None or np.isfinite(force.mean).all()):
            yield Answer(row, mean, std, None, force, outside)
        else:
            yield Answer(row, None, None, "prediction is NaN")
