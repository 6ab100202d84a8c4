"""Moves from molecule to molecule that the gradient chooses: no blind breeding at all.

The gradient of a relaxed molecule pays for itself where it ranks many discrete neighbours at
once, as in locally informed proposals (G. Zanella, J. Am. Stat. Assoc. 115, 852 (2020)): of
hundreds of mutants of a good molecule only those are predicted that one linearisation of the
predictor favours (`mlmat.design.guided`). The population begins with random members.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from mlmat.design import hybrid
from mlmat.design.hybrid import HybridConfig
from mlmat.design.searcher import Search


def defaults() -> HybridConfig:
    """One parent a generation, 400 mutants ranked, the best 32 predicted.

    One linearisation then costs a sixth of the predictions it chooses.
    """
    return HybridConfig(parents=1, mutants=400, chosen=32, bred=0)


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
    """Walk until the budget is spent; arguments as in `mlmat.design.hybrid.search`."""
    return hybrid.search(
        problem,
        predictor,
        objective,
        budget,
        seed,
        known=known,
        allowed=allowed,
        state_file=state_file,
        report=report,
        config=config or defaults(),
    )
