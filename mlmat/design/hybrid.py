"""Gradient and mutation together: evolution whose mutants are chosen by gradient.

It may begin with a descent from noise. A generation is part blind (crossovers and
mutations of the genetic algorithm), part guided (`mlmat.design.guided`): one
linearisation of a parent ranks a hundred of its mutants, and only the best are predicted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlmat.design import genetic, gradient
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
from mlmat.design.optimisers import GradientConfig
from mlmat.design.searcher import Candidate, Search, predict_candidates
from mlmat.errors import InputError


@dataclass(frozen=True)
class HybridConfig:
    """Hyperparameters of the hybrid.

    Attributes:
        share: of the budget for the descent from noise; 0: begin with random members.
        gradient: of the descent; None: `mlmat.design.gradient.tuned` for its budget.
        genetic: of the evolution; None: as the genetic algorithm for this budget.
        parents: molecules linearised in a generation; 0: no mutation is chosen by gradient.
        mutants: of each parent, ranked by its linearisation.
        chosen: of these, predicted.
        waves: in which the chosen are predicted; each corrects the ranking for the next.
        bred: children of crossovers and blind mutations in a generation.
    """

    share: float = 0.0
    gradient: GradientConfig | None = None
    genetic: GeneticConfig | None = None
    parents: int = 2
    mutants: int = 400
    chosen: int = 16
    waves: int = 2
    bred: int = 32


def make_breeder(
    predictor: Any,
    objective: Any,
    allowed: Callable[[str], bool] | None,
    config: HybridConfig,
    genetic_config: GeneticConfig,
) -> Breeder:
    """A breeder whose generation is partly bred blindly, partly chosen by gradient."""
    cost, capacity = linearisation_cost(objective, predictor), predictor.capacity
    columns = columns_of(objective, predictor)

    def choose(family: Family, seen: Collection[str], lost: Counter) -> list[Candidate]:
        found: list[Candidate] = []
        places: list[int] = []
        rejected: set[int] = set()
        for wave in range(config.waves):
            means = np.array([candidate.mean for candidate in found])[:, columns] if found else np.zeros((0,))
            order = rank(predictor, objective, family, corrected(family, places, means))
            count = config.chosen * (wave + 1) // config.waves - config.chosen * wave // config.waves
            known = seen | {candidate.smiles for candidate in found}
            fresh = first_members(family, order, count, capacity, known, lost, allowed, rejected)
            places += fresh.values()
            rejected.update(places)
            found += predict_candidates(predictor, objective, [Candidate(smiles) for smiles in fresh])
        return found

    def breeder(
        rng: np.random.Generator, graphs: Sequence[Graph], left: int, seen: Collection[str], lost: Counter
    ) -> tuple[list[Candidate], int]:
        count = min(config.bred, left)
        bred = breed(rng, graphs, count, capacity, seen, lost, allowed, genetic_config)
        found = predict_candidates(predictor, objective, [Candidate(smiles) for smiles in bred])
        if left - len(found) < config.parents * (cost + config.chosen):
            return found, 0
        places = rng.integers(len(graphs), size=(config.parents, genetic_config.pressure)).min(axis=1)
        litters = [litter for place in places if (litter := mutants(rng, graphs[place], config.mutants))]
        if not litters:
            return found, 0
        for family in families(predictor, objective, litters, config.parents):
            found += choose(family, seen | {candidate.smiles for candidate in found}, lost)
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
    config: HybridConfig | None = None,
) -> Search:
    """Descend, then evolve; arguments as in `mlmat.design.searcher.Searcher`.

    Beside those: `config`, the hyperparameters. Each part keeps its own state file beside
    `state_file`; a finished first part is read back at once.

    Raises:
        InputError: a share outside 0 … 1, or a budget too small for the gradient's part.
    """
    config = config or HybridConfig()
    if not 0 <= config.share < 1:
        raise InputError(f"the gradient's share must lie from 0 to below 1, not {config.share}")
    files = [None, None]
    if state_file is not None:
        files = [Path(state_file).with_suffix(f".{part}") for part in ("gradient", "genetic")]
    common = {"known": known, "allowed": allowed}
    begun = Search([], 0, np.zeros((0, 3)), {})
    if config.share:
        begun = gradient.search(
            problem,
            predictor,
            objective,
            int(config.share * budget),
            seed,
            state_file=files[0],
            report=report,
            config=config.gradient,
            **common,
        )
    genetic_config = config.genetic or GeneticConfig()
    breeder = make_breeder(predictor, objective, allowed, config, genetic_config)
    bred = genetic.search(
        problem,
        predictor,
        objective,
        budget - begun.spent,
        seed,
        state_file=files[1],
        report=lambda spent, found: report(begun.spent + spent, found),
        config=genetic_config,
        first=begun.pool if config.share else None,
        breeder=breeder if config.parents else None,
        **common,
    )
    lost = Counter(begun.lost) + Counter(bred.lost)
    return Search(bred.pool, begun.spent + bred.spent, bred.history, dict(lost))
