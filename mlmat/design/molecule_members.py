"""Organic molecules as members of a space: named by canonical SMILES."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from mlmat.design.diversity import core
from mlmat.design.genetic import GeneticConfig, breed, graph_of
from mlmat.design.graph_cuts import Graph
from mlmat.design.informed import make_breeder
from mlmat.design.members import Allowed, Members
from mlmat.design.random_members import member_source
from mlmat.design.screening import members_in
from mlmat.design.searcher import BATCH
from mlmat.graphs.softgraph import from_smiles
from mlmat.predictor.predict import predict_graphs


def predict(predictor: Any, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Means and deviations ``[N, P]`` of molecules.

    Raises:
        SmilesError, UnknownElementError, CapacityError: see `from_smiles`.
    """
    return predict_graphs(predictor, from_smiles(names, predictor.capacity), BATCH)


def source(
    problem: Any, predictor: Any, allowed: Allowed
) -> Callable[[np.random.Generator, Counter], Iterator[str]]:
    """See `member_source`."""
    return member_source(problem, predictor.capacity, allowed)


def read(stream: Iterable[str], predictor: Any, lost: Counter) -> Iterator[str]:
    """See `members_in`."""
    return members_in(stream, predictor.capacity, lost)


def breed_molecules(
    rng: np.random.Generator,
    parents: Sequence[Graph],
    count: int,
    predictor: Any,
    seen: Collection[str],
    lost: Counter,
    allowed: Allowed,
    config: GeneticConfig,
) -> list[str]:
    """See `breed`."""
    return breed(rng, parents, count, predictor.capacity, seen, lost, allowed, config)


MOLECULES = Members(predict, source, read, graph_of, breed_molecules, make_breeder, core)
