"""Evolution whose mutations the gradient chooses.

The gradient of a relaxed molecule pays for itself where it ranks many discrete neighbours at
once, as in locally informed proposals (G. Zanella, J. Am. Stat. Assoc. 115, 852 (2020)): of
hundreds of mutants of a good molecule only those are predicted that one linearisation of the
predictor favours (`mlmat.design.molecules.guided`). They come in waves, because what the first were
predicted to be corrects the ranking of the others. The rest of a generation are crossovers
and mutations of the genetic algorithm, which the predictor judges better: designs bred by
chosen mutations alone were as well predicted, and further from the truth.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlmat.design.searcher import Candidate, Search
from mlmat.design.searchers import genetic
from mlmat.design.searchers.genetic import GeneticConfig


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
        breeder=problem.members.guide(predictor, objective, allowed, config),
    )
