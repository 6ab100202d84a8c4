"""The gradient as a guide of evolution: which mutants of a good molecule are worth a prediction.

See `mlmat.design.searchers.informed` for the search, `mlmat.design.molecules.guided` for the ranking.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np

from mlmat.design.molecules.breeding import breed
from mlmat.design.molecules.guided import Family, corrected, families, first_members, mutants, rank
from mlmat.design.molecules.kekule import Graph
from mlmat.design.molecules.prediction import predict
from mlmat.design.searcher import Candidate, predict_with
from mlmat.design.searchers.genetic import Breeder, GeneticConfig
from mlmat.design.searchers.informed import InformedConfig
from mlmat.design.searchers.linearisation import columns_of, linearisation_cost


def choose(
    predictor: Any,
    objective: Any,
    family: Family,
    config: InformedConfig,
    seen: Collection[str],
    lost: Counter,
    allowed: Callable[[str], bool] | None = None,
) -> list[Candidate]:
    """The most promising mutants of a family, predicted.

    Args:
        predictor: the ensemble.
        objective: what is wanted.
        family: mutants of one parent.
        config: how many, in how many waves.
        seen: canonical SMILES that do not count as new.
        lost: counter of the reasons why a mutant was passed over, updated in place.
        allowed: whether a canonical SMILES may be submitted.
    """
    columns = columns_of(objective, predictor)
    found: list[Candidate] = []
    places: list[int] = []
    rejected: set[int] = set()
    for wave in range(config.waves):
        means = np.array([candidate.mean for candidate in found])[:, columns] if found else np.zeros(0)
        order = rank(predictor, objective, family, corrected(family, places, means))
        count = config.chosen * (wave + 1) // config.waves - config.chosen * wave // config.waves
        known = {*seen, *(candidate.smiles for candidate in found)}
        fresh = first_members(family, order, count, predictor.capacity, known, lost, allowed, rejected)
        places += fresh.values()
        rejected.update(places)
        found += _predicted(predictor, objective, fresh)
    return found


def make_breeder(
    predictor: Any,
    objective: Any,
    allowed: Callable[[str], bool] | None,
    config: InformedConfig,
) -> Breeder:
    """A breeder whose generation is partly bred blindly, partly chosen by gradient."""
    cost, evolution = linearisation_cost(objective, predictor), config.genetic or GeneticConfig()

    def breeder(
        rng: np.random.Generator, graphs: Sequence[Graph], left: int, seen: Collection[str], lost: Counter
    ) -> tuple[list[Candidate], int]:
        count = min(config.bred, left)
        bred = breed(rng, graphs, count, predictor.capacity, seen, lost, allowed, evolution)
        found = _predicted(predictor, objective, bred)
        if left - len(found) < config.parents * (cost + config.chosen):
            return found, 0
        places = rng.integers(len(graphs), size=(config.parents, evolution.pressure)).min(axis=1)
        litters = [litter for place in places if (litter := mutants(rng, graphs[place], config.mutants))]
        if not litters:
            return found, 0
        for family in families(predictor, objective, litters, config.parents):
            known = {*seen, *(candidate.smiles for candidate in found)}
            found += choose(predictor, objective, family, config, known, lost, allowed)
        return found, cost * len(litters)

    return breeder


def _predicted(predictor: Any, objective: Any, names: Iterable[str]) -> list[Candidate]:
    return predict_with(predict, predictor, objective, [Candidate(name) for name in names])
