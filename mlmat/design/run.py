"""One inverse design from beginning to end: descend, realise, judge by all members, select.

Everything a later step needs is written as soon as it exists, so an interrupted run
goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from mlmat.design.gradient import GradientConfig, search
from mlmat.design.objective import Objective
from mlmat.design.searcher import Candidate, Search
from mlmat.design.wants import Want
from mlmat.errors import NoDesignError
from mlmat.files import cut_torn_line, read_lines
from mlmat.oracles.verdict import Verdict
from mlmat.predictor import Predictor, predict_smiles
from mlmat.typing import Problem

METHOD = "gradient"
DEFAULT_BUDGET = 160_000

__all__ = [
    "DEFAULT_BUDGET",
    "METHOD",
    "Candidate",
    "Search",
    "SearchConfig",
    "search_pool",
    "select",
    "verify_designs",
]


@dataclass(frozen=True)
class SearchConfig:
    """What is searched for, and with how much.

    Attributes:
        want: property and range.
        designs: how many molecules are submitted to the oracle.
        budget: predictor evaluations; a gradient counts as three.
        seed: of the starts.
        gradient: hyperparameters of the gradient search.
    """

    want: Want
    designs: int = 128
    budget: int = DEFAULT_BUDGET
    seed: int = 0
    gradient: GradientConfig = field(default_factory=GradientConfig)


def search_pool(
    problem: Problem,
    predictor: Predictor,
    config: SearchConfig,
    *,
    chunk: Callable | None = None,
    state_file: Path | None = None,
    report: Callable[[int, int], None] = lambda step, found: None,
) -> Search:
    """Descend from noise and collect every distinct real molecule on the way.

    Args:
        problem: the contract's five functions.
        predictor: the ensemble to climb.
        config: want, budget, seed.
        chunk: compiled chunk from `make_chunk`, to share it between searches.
        state_file: saved after every chunk, and resumed from if it exists.
        report: called after every chunk with (share of the budget spent in steps, molecules found).
    """
    steps = config.gradient.steps

    def stepped(spent: int, found: int) -> None:
        report(min(steps, round(steps * spent / config.budget)), found)

    return search(
        problem,
        predictor,
        Objective((config.want,)),
        config.budget,
        config.seed,
        state_file=state_file,
        report=stepped,
        config=config.gradient,
        chunk=chunk,
    )


def select(predictor: Predictor, pool: Sequence[Candidate], want: Want, designs: int) -> list[Candidate]:
    """Predict the real molecules with every member and keep the most trusted ones.

    Ranked by |mean − range| + std: near the wanted range, and agreed on by the ensemble.

    Raises:
        NoDesignError: the pool is empty.
    """
    if not pool:
        raise NoDesignError("no valid molecule came out of the search: raise --budget or change --seed")
    mean, std = predict_smiles(predictor, [candidate.smiles for candidate in pool])
    column = predictor.index(want.name)
    mean, std = mean[:, column].astype(float), std[:, column].astype(float)
    distance = np.maximum(np.maximum(want.low - mean, mean - want.high), 0)
    best = np.argsort(distance + std, kind="stable")[:designs]
    return [pool[i]._replace(mean=(float(mean[i]),), std=(float(std[i]),)) for i in best]


def verify_designs(
    problem: Problem,
    designs: Sequence[Candidate],
    verdict_file: Path | None = None,
    report: Callable[[int], None] = lambda done: None,
) -> list[Verdict]:
    """Ask the oracle about every design; finished verdicts are kept in `verdict_file`.

    Args:
        problem: whose `verify` is the oracle.
        designs: what to judge.
        verdict_file: JSON lines, appended to as verdicts arrive and read on resume.
        report: called after each verdict with the number done.
    """
    verdicts: dict[str, Verdict] = {}
    if verdict_file is not None:
        cut_torn_line(verdict_file)
        verdicts = {row.pop("smiles"): Verdict(**row) for row in read_lines(verdict_file)}
    report(sum(design.smiles in verdicts for design in designs))
    missing = [design.smiles for design in designs if design.smiles not in verdicts]
    if missing:
        for index, verdict in problem.verify(missing):
            verdicts[missing[index]] = verdict
            if verdict_file is not None:
                with open(verdict_file, "a", encoding="utf-8") as stream:
                    stream.write(json.dumps({"smiles": missing[index], **asdict(verdict)}) + "\n")
            report(sum(design.smiles in verdicts for design in designs))
    return [verdicts[design.smiles] for design in designs]
