"""Gradient, then mutation: the best molecules that the gradient found breed for the rest of the budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlmat.design import genetic, gradient
from mlmat.design.genetic import GeneticConfig
from mlmat.design.optimisers import GradientConfig
from mlmat.design.searcher import Search
from mlmat.errors import InputError


@dataclass(frozen=True)
class HybridConfig:
    """Hyperparameters of the hybrid.

    Attributes:
        share: of the budget for the gradient.
        gradient: of its part; None: `mlmat.design.gradient.tuned` for that budget.
        genetic: of the rest.
    """

    share: float = 0.3
    gradient: GradientConfig | None = None
    genetic: GeneticConfig | None = None


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
    if not 0 < config.share < 1:
        raise InputError(f"the gradient's share must lie between 0 and 1, not {config.share}")
    files = [None, None]
    if state_file is not None:
        files = [Path(state_file).with_suffix(f".{part}") for part in ("gradient", "genetic")]
    common = {"known": known, "allowed": allowed}
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
    bred = genetic.search(
        problem,
        predictor,
        objective,
        budget - begun.spent,
        seed,
        state_file=files[1],
        report=lambda spent, found: report(begun.spent + spent, found),
        config=config.genetic,
        first=begun.pool,
        **common,
    )
    lost = Counter(begun.lost) + Counter(bred.lost)
    return Search(bred.pool, begun.spent + bred.spent, bred.history, dict(lost))
