"""Evolution whose mutations the gradient chooses.

The gradient of a relaxed molecule pays for itself where it ranks many discrete neighbours at
once, as in locally informed proposals (G. Zanella, J. Am. Stat. Assoc. 115, 852 (2020)): of
hundreds of mutants of a good molecule only those are predicted that one linearisation of the
predictor favours (`mlmat.design.guided`). They come in waves, because what the first were
predicted to be corrects the ranking of the others. The rest of a generation are crossovers
and mutations of the genetic algorithm, which the predictor judges better: designs bred by
chosen mutations alone were as well predicted, and further from the truth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlmat.design import genetic
from mlmat.design.genetic import Breeder, GeneticConfig, breed
from mlmat.design.graph_cuts import Graph
from mlmat.design.guided import (
    Family,
    columns_of,
    corrected,
    families,
    first_members,
    linearisation_cost,
    mutants,
    rank,
)
from mlmat.design.members import members_of
from mlmat.design.searcher import Candidate, Search, predict_candidates


@dataclass(frozen=True)
class InformedConfig:
    """Hyperparameters of a generation.

    Attributes:
        genetic: of the evolution; None: as the genetic algorithm for this budget.
        parents: molecules whose mutants are linearised.
        mutants: of each parent, ranked by its linearisation.
        chosen: of these, predicted.
        waves: in which the chosen are predicted; each corrects the ranking for the next.
        bred: children of crossovers and blind mutations.
    """

    genetic: GeneticConfig | None = None
    parents: int = 1
    mutants: int = 400
    chosen: int = 24
    waves: int = 4
    bred: int = 16


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
        found += predict_candidates(predictor, objective, [Candidate(smiles) for smiles in fresh])
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
        found = predict_candidates(predictor, objective, [Candidate(smiles) for smiles in bred])
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


def search(
    problem: Any,
    predictor: Any,
    objective: Any,
    budget: int,
    seed: int,
    *,
    known: Collection[str] = (),
    allowed: Callable[[str], bool] | None = None,
    state_file: Path | None = None,
    report: Callable[[int, int], None] = lambda spent, found: None,
    config: InformedConfig | None = None,
    first: Sequence[Candidate] | None = None,
) -> Search:
    """Evolve until the budget is spent; arguments as in `mlmat.design.searcher.Searcher`.

    Beside those: `config`, the hyperparameters, and `first`, predicted candidates to begin
    with instead of random members (they cost nothing here: who made them has paid).
    """
    config = config or InformedConfig()
    return genetic.search(
        problem,
        predictor,
        objective,
        budget,
        seed,
        known=known,
        allowed=allowed,
        state_file=state_file,
        report=report,
        config=config.genetic,
        first=first,
        breeder=members_of(problem).guide(predictor, objective, allowed, config),
    )
