"""Organic molecules as members of a space: named by canonical SMILES."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from mlmat.design.diversity import core
from mlmat.design.members import Allowed, Members
from mlmat.design.molecules.breeding import breed, graph_of
from mlmat.design.molecules.drawing import member_source, members_in
from mlmat.design.molecules.guide import make_breeder
from mlmat.design.molecules.kekule import Graph
from mlmat.design.molecules.prediction import predict
from mlmat.design.searchers.genetic import GeneticConfig


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
