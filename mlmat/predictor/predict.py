"""Predictions for many items, in padded batches of few shapes and with constant memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

import jax
import jraph
import numpy as np

from mlmat.errors import MlmatError
from mlmat.graphs.packing import Budget, pack
from mlmat.graphs.softgraph import from_smiles, stack
from mlmat.nn.module import grown
from mlmat.predictor.encoding import encode_items
from mlmat.predictor.predictor import Predictor
from mlmat.typing import SoftGraph, Targets

BATCH = 256
"""Items a compiled batch holds at most."""

STEP = 1.5
"""Budgets grow by this factor, so that few shapes are compiled."""


class Predictions(NamedTuple):
    """Predictions for a list of items.

    Attributes:
        mean: ``[N, P]`` ensemble mean in physical units (probabilities for classes).
        std: ``[N, P]`` standard deviation, calibrated if the predictor is.
    """

    mean: np.ndarray
    std: np.ndarray


@jax.jit
def _predict(predictor: Predictor, batch: Any) -> tuple[Targets, Targets]:
    return predictor.with_std(batch)


def predict_graphs(predictor: Predictor, graphs: SoftGraph, batch: int = 512) -> Predictions:
    """Predictions for stacked soft graphs, in padded batches of one size.

    Args:
        predictor: the ensemble.
        graphs: ``SoftGraph`` with one leading axis ``[N, ...]``.
        batch: size of the compiled batch; the last one is padded by repetition.
    """
    count = len(graphs.mask)
    means, stds = [], []
    for first in range(0, count, batch):
        rows = np.minimum(np.arange(first, first + batch), count - 1)
        mean, std = _predict(predictor, SoftGraph(*(np.asarray(leaf)[rows] for leaf in graphs)))
        means.append(np.asarray(mean))
        stds.append(np.asarray(std))
    return Predictions(np.concatenate(means)[:count], np.concatenate(stds)[:count])


def predict_smiles(predictor: Predictor, smiles: Sequence[str]) -> Predictions:
    """Predictions for SMILES by a predictor on soft graphs.

    Raises:
        SmilesError, UnknownElementError, CapacityError, InputError: see `from_smiles`.
    """
    return predict_graphs(predictor, from_smiles(smiles, predictor.capacity), batch=min(512, len(smiles)))


def predict_encoded(
    predictor: Predictor, graphs: Iterable[Any], batch: int = BATCH
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Mean and standard deviation ``[P]`` of each graph of a stream, in its order.

    Args:
        predictor: the ensemble.
        graphs: what ``predictor.encoder`` made.
        batch: most graphs a compiled batch holds.
    """
    stream = iter(graphs)
    # Contributions of atoms can be a million times the error: they are added in float64, here.
    reference = None if predictor.reference is None else np.asarray(predictor.reference, float)
    predictor = replace(predictor, reference=None)
    while taken := list(islice(stream, batch)):
        if isinstance(taken[0], SoftGraph):
            mean, std = predict_graphs(predictor, stack(taken), batch)
        else:
            predictor = replace(predictor, model=grown(predictor.model, taken))
            found = [
                (*jax.device_get(_predict(predictor, packed)), _real(packed))
                for packed in pack(taken, budget_of(taken, batch))
            ]
            mean, std = (np.concatenate([part[k][: part[2]] for part in found]) for k in (0, 1))
        if reference is not None:
            mean = mean + atom_counts(taken, len(reference)) @ reference
        yield from zip(mean, std, strict=True)


def atom_counts(graphs: Sequence[Any], elements: int) -> np.ndarray:
    """Atoms of each element ``[N, elements]``, float64, of graphs as an encoder made them."""
    if isinstance(graphs[0], SoftGraph):
        return np.array([graph.types.sum(axis=0) for graph in graphs], float)
    counts = [np.bincount(graph.nodes["species"], minlength=elements) for graph in graphs]
    return np.stack(counts).astype(float)


def budget_of(graphs: Sequence[jraph.GraphsTuple], batch: int) -> Budget:
    """Budget that holds all the graphs, rounded up so that few budgets occur."""
    nodes = sum(int(g.n_node[0]) for g in graphs) + 1
    edges = sum(int(g.n_edge[0]) for g in graphs)

    def rounded(count: int) -> int:
        power = max(0, math.ceil(math.log(max(count, 1) / 64, STEP)))
        return math.ceil(64 * STEP**power / 8) * 8

    return Budget(rounded(nodes), rounded(edges), batch + 1)


def _real(packed: jraph.GraphsTuple) -> int:
    return int(np.flatnonzero(packed.n_node)[-1])


def predict_items(
    predictor: Predictor, items: Sequence[Any], report: Callable[[int], None] = lambda done: None
) -> Predictions:
    """Predictions for SMILES or structures, whatever the predictor's encoder takes.

    Args:
        predictor: the ensemble.
        items: SMILES strings or `ase.Atoms`, as ``predictor.encoder.kind`` says.
        report: called with the number of items done.

    Raises:
        MlmatError: an item that cannot be encoded; the message says which.
    """

    def encoded() -> Iterator[Any]:
        for number, graph in enumerate(encode_items(predictor.encoder, items)):
            if isinstance(graph, MlmatError):
                graph.args = (f"item {number}: {graph}",)
                raise graph
            report(number + 1)
            yield graph

    found = list(predict_encoded(predictor, encoded()))
    if not found:
        empty = np.zeros((0, len(predictor.mean)))
        return Predictions(empty, empty)
    return Predictions(*(np.stack(part) for part in zip(*found, strict=True)))
