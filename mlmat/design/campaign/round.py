"""One round of a campaign before it meets the oracle: search, and choose what to submit."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from mlmat.design.campaign.loop import round_seed
from mlmat.design.campaign.training import Retraining
from mlmat.design.objective import Objective
from mlmat.design.searcher import Searcher, submit
from mlmat.errors import InputError
from mlmat.typing import Problem


@dataclass(frozen=True)
class CampaignConfig:
    """How much of everything.

    Attributes:
        rounds: of proposing and verifying; the predictor is retrained between them. A finished
            campaign can be continued with more.
        designs: submitted to the oracle in each round.
        budget: predictor evaluations of each round's search; a gradient counts as three.
        seed: of the searches and of the retraining.
        retraining: of the predictor between rounds.
    """

    rounds: int = 3
    designs: int = 48
    budget: int = 10_000
    seed: int = 0
    retraining: Retraining = field(default_factory=Retraining)

    def __post_init__(self):
        if self.rounds < 1 or self.designs < 1:
            raise InputError(f"rounds ({self.rounds}) and designs ({self.designs}) must be at least 1")


class Proposed(NamedTuple):
    """What one round submits.

    Attributes:
        designs: rows of SMILES, means by property, standard deviations by property; best first.
        test: test error of the round's predictor by property.
        spent: predictor evaluations of the search.
        lost: reason → proposals that gave no new member of the space.
        seconds: of the retraining before the round, and of the search.
    """

    designs: list[tuple[str, dict[str, float], dict[str, float]]]
    test: dict[str, float]
    spent: int
    lost: dict[str, int]
    seconds: dict[str, float]


def propose(
    problem: Problem,
    predictor: Any,
    objective: Objective,
    searcher: Searcher,
    config: CampaignConfig,
    known: frozenset[str],
    number: int,
    *,
    allowed: Callable[[str], bool] | None = None,
    state_file: Path | None = None,
    report: Callable[[int, int], None] = lambda spent, found: None,
) -> Proposed:
    """Search with the round's predictor, and choose what to submit.

    Args:
        problem: see `mlmat.typing.Problem`.
        predictor: of this round.
        objective: what is wanted.
        searcher: any that keeps the contract.
        config: designs, budget, seed.
        known: canonical SMILES with a label or a verdict; never submitted.
        number: of the round; every round has a seed of its own.
        allowed: whether a canonical SMILES may be submitted; None: every member may.
        state_file: of the search.
        report: of the search.

    Returns:
        The submission; its test errors are left to the caller.

    Raises:
        NoDesignError: the search found nothing that is not known.
    """
    began = time.perf_counter()
    search = searcher(
        problem,
        predictor,
        objective,
        config.budget,
        round_seed(config.seed, number),
        known=known,
        allowed=allowed,
        state_file=state_file,
        report=report,
    )
    fresh = [candidate for candidate in search.pool if candidate.smiles not in known]
    chosen = submit(predictor, search._replace(pool=fresh), objective, config.designs)
    names = predictor.properties
    designs = [
        (c.smiles, dict(zip(names, c.mean, strict=True)), dict(zip(names, c.std, strict=True)))
        for c in chosen
    ]
    return Proposed(designs, {}, search.spent, search.lost, {"search": time.perf_counter() - began})
