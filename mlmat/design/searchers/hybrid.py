"""Gradient, then mutation: a descent from noise begins, and evolution goes on from what it found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlmat.design.searcher import Search
from mlmat.design.searchers import gradient, informed
from mlmat.design.searchers.informed import InformedConfig
from mlmat.design.searchers.optimisers import GradientConfig
from mlmat.errors import InputError


@dataclass(frozen=True)
class HybridConfig:
    """Hyperparameters of the hybrid.

    Attributes:
        share: of the budget for the descent from noise.
        gradient: of the descent; None: `mlmat.design.searchers.gradient.tuned` for its budget.
        informed: of the evolution, whose mutations the gradient chooses.
    """

    share: float = 0.2
    gradient: GradientConfig | None = None
    informed: InformedConfig | None = None


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
    `state_file`; a finished first part is read back at once. The history is that of the descent.

    Raises:
        InputError: a share that is not between 0 and 1, or a budget too small for the
            gradient's part.
    """
    config = config or HybridConfig()
    if not 0 < config.share < 1:
        raise InputError(f"the gradient's share must lie between 0 and 1, not {config.share}")
    files = [None, None]
    if state_file is not None:
        files = [Path(state_file).with_suffix(f".{part}") for part in ("gradient", "informed")]
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
    evolved = informed.search(
        problem,
        predictor,
        objective,
        budget - begun.spent,
        seed,
        state_file=files[1],
        report=lambda spent, found: report(begun.spent + spent, found),
        config=config.informed,
        first=begun.pool,
        **common,
    )
    lost = Counter(begun.lost) + Counter(evolved.lost)
    return Search(evolved.pool, begun.spent + evolved.spent, begun.history, dict(lost), evolved.members)
