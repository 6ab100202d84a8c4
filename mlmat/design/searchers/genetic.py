"""Genetic algorithm: the baseline that inverse design has to beat.

J. H. Jensen, "A graph-based genetic algorithm and generative model/Monte Carlo tree search
for the exploration of chemical space", Chem. Sci. 10, 3567 (2019). Parents are drawn by
rank, a child is a crossover of two that may be mutated, and the best of parents and
children live on. Every distinct molecule is predicted once; what is remembered costs
nothing. Children that are not members of the space, or seen before, are bred again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mlmat.design.searcher import Candidate, Search, predict_candidates, read_candidates
from mlmat.design.searchers.random_members import distinct, summary
from mlmat.design.searchers.search_log import append_round, generator, open_log

MOTHERS = 16
"""Fewest molecules to breed from; a shorter beginning is filled up with random members."""

FAMILIES = 8192
"""Molecules of a search whose family is remembered."""

ATTEMPTS = 400
"""Breedings for each child wanted after which a population counts as exhausted."""


Breeder = Callable[..., tuple[list[Candidate], int]]
"""``breeder(rng, graphs, left, seen, lost)`` → new candidates, predicted, and evaluations beyond one
for each; together at most `left`."""


@dataclass(frozen=True)
class GeneticConfig:
    """Hyperparameters of the genetic algorithm.

    Attributes:
        population: molecules that live on; 0: from the budget, see `sized`.
        children: new molecules of a generation.
        mutation: probability that a child is mutated; the others are crossovers alone.
        pressure: a parent is the best of this many drawn at random (tournament).
        lineage: evaluations after which a new population begins with new random members,
            because all of one population descend from a few of its founders; 0: never.
    """

    population: int = 0
    children: int = 32
    mutation: float = 0.5
    pressure: int = 3
    lineage: int = 1000

    def sized(self, budget: int) -> int:
        """Population for a budget: a fortieth of it, from 48 to 512; of a lineage if that is smaller.

        Measured on the mean merit of 128 submissions, two seeds, gaps of 1.4 and 11.6 eV, one
        lineage: with 2,000 evaluations 48 gives 0.098 and 0.114, 64 gives 0.105 and 0.114, 128
        gives 0.118 and 0.108; with 500 evaluations 0.295 and 0.278, 0.275 and 0.341, 0.484 and
        0.317. Two lineages of 1,000 are as good as one of 2,000 (0.106 and 0.111 at 1.4 eV).
        """
        return self.population or min(512, max(48, min(self.lineage or budget, budget) // 40))


def fittest(
    objective: Any, candidates: Sequence[Candidate], count: int, family: Callable[[str], str]
) -> list[Candidate]:
    """Those that live on, the best first; a family that has many members needs better ones."""
    ordered = sorted(candidates, key=lambda c: (c.merit, c.name))
    chosen = objective.spread(
        np.array([c.merit for c in ordered], float), [c.name for c in ordered], count, family
    )
    return [ordered[i] for i in np.sort(chosen)]


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
    config: GeneticConfig | None = None,
    first: Sequence[Candidate] | None = None,
    breeder: Breeder | None = None,
) -> Search:
    """Evolve until the budget is spent; arguments as in `mlmat.design.searcher.Searcher`.

    Beside those: `config`, the hyperparameters; `first`, predicted candidates to begin with
    instead of random members (they cost nothing here: who made them has paid); and `breeder`,
    another way from a population to new members than the space's own.
    """
    config = config or GeneticConfig()
    size, members = config.sized(budget), problem.members
    settings = {"searcher": "genetic", "budget": budget, "seed": seed, **asdict(config)}
    rows = open_log(state_file, settings)
    rng = generator(rows[-1]["rng"] if rows else None, seed)
    begun = list(first or ())
    pool = begun + [candidate for row in rows for candidate in read_candidates(row["found"])]
    lost = Counter(rows[-1]["lost"] if rows else {})
    history = [row["summary"] for row in rows]
    seen = {candidate.name for candidate in pool} | set(known)
    lineage = rows[-1]["lineage"] if rows else {"from": 0, "since": 0}
    # Most of a population lives on from generation to generation, and so does its family.
    family = lru_cache(FAMILIES)(members.family)
    population = fittest(objective, pool[lineage["from"] :], size, family)
    source = members.source(problem, predictor, allowed)
    spent = rows[-1]["spent"] if rows else 0
    parsed: dict[str, Any] = {}
    while spent < budget:
        wanted, extra, found = min(config.children, budget - spent), 0, []
        left = budget - spent
        if config.lineage and spent - lineage["since"] >= config.lineage <= left:
            lineage, population = {"from": len(pool), "since": spent}, []
        founders = MOTHERS if first is not None and not lineage["from"] else size
        missing = founders - len(pool) + lineage["from"]
        if missing > 0:
            fresh = distinct(source(rng, lost), seen, min(wanted, missing), lost)
        else:
            # Most of a population lives on: only those that are new in it are read.
            parsed = {c.name: parsed.get(c.name) or members.parse(c.name) for c in population}
            graphs = list(parsed.values())
            if breeder is not None:
                fresh, (found, extra) = [], breeder(rng, graphs, budget - spent, seen, lost)
            else:
                fresh = members.breed(rng, graphs, wanted, predictor, seen, lost, allowed, config)
        found = found + predict_candidates(predictor, objective, [Candidate(s) for s in fresh], members)
        if not found:
            break
        found = [candidate._replace(start=len(history)) for candidate in found]
        pool += found
        spent += len(found) + extra
        seen.update(candidate.name for candidate in found)
        population = fittest(objective, population + found, size, family)
        history.append(summary(pool))
        row = {"found": found, "spent": spent, "lost": lost, "summary": history[-1], "lineage": lineage}
        append_round(state_file, row | {"rng": rng.bit_generator.state})
        report(spent, len(pool))
    return Search(pool, spent, np.array(history), dict(lost), members)
