"""Hyperparameter search, independent of what is trained; the lower score wins.

``evaluate(config, …) → score`` trains and returns the validation error. Every trial is
one line of a JSON-lines file, written as it ends: a stopped search goes on where it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlmat.data.folds import k_folds
from mlmat.errors import InputError, MlmatError
from mlmat.training.space import Space, sample
from mlmat.training.trials import Config, Runner, Trial, checked_score


class SearchResult(NamedTuple):
    """The best trial, and all of them in the order in which they ran."""

    best: Trial
    trials: list[Trial]


def random_search(
    space: Space,
    evaluate: Callable[[Config], float],
    trials: int,
    seed: int,
    *,
    log: str | Path | None = None,
    progress: Callable[[Trial], None] | None = None,
) -> SearchResult:
    """Evaluate `trials` independent draws from a space.

    J. Bergstra and Y. Bengio, J. Mach. Learn. Res. 13, 281 (2012).

    Args:
        space: name → Choice, Uniform, LogUniform or IntUniform.
        evaluate: config → validation error. A NaN, or an `MlmatError`, is a failed trial:
            recorded, and never the best. Any other exception is a bug, and passes through.
        trials: number of draws.
        seed: of the draws. Trial k is the same whatever `trials` is, so a search can be
            prolonged with the same log.
        log: JSON-lines file; a trial found there is not run again.
        progress: called after every trial, repeated ones included.

    Returns:
        Of equal scores, the earlier trial is the best.

    Raises:
        InputError: fewer than one trial, or every trial failed (names the first reason).
        DataError: the log is of another space or seed, or cannot be read.
        OutputError: the log cannot be written.
    """
    _at_least_one(trials)
    run = Runner(lambda config, _: evaluate(config), log, progress)
    return _result([run(number, sample(space, seed, number), None) for number in range(trials)])


def successive_halving(
    space: Space,
    evaluate: Callable[[Config, int], float],
    trials: int,
    min_budget: int,
    max_budget: int,
    eta: int = 3,
    seed: int = 0,
    *,
    log: str | Path | None = None,
    progress: Callable[[Trial], None] | None = None,
) -> SearchResult:
    """Give every draw a small budget, and the best 1/eta of each rung eta times as much.

    K. Jamieson and A. Talwalkar, AISTATS 2016. A rung keeps at least one trial, and the
    last one is given exactly `max_budget`. Trials are compared within a rung only.

    Args:
        space: as `random_search`.
        evaluate: (config, budget) → validation error after that budget, from scratch or
            resumed by the caller. Failures as in `random_search`.
        trials: draws on the first rung.
        min_budget: of the first rung.
        max_budget: of the last rung.
        eta: how many compete for one place on the next rung.
        seed: of the draws.
        log: as `random_search`.
        progress: as `random_search`.

    Returns:
        The best trial of the last rung that has one without failure.

    Raises:
        InputError: budgets or eta that make no rungs, or every trial failed.
        DataError, OutputError: as `random_search`.
    """
    _at_least_one(trials)
    if not 1 <= min_budget <= max_budget or eta < 2:
        raise InputError(
            f"budgets {min_budget} to {max_budget} and eta {eta}: give 1 <= min <= max and eta of at least 2"
        )
    budgets = []
    while min_budget * eta ** len(budgets) < max_budget:
        budgets.append(min_budget * eta ** len(budgets))
    budgets.append(max_budget)
    run = Runner(evaluate, log, progress)
    alive, ran, best = list(range(trials)), [], None
    for budget in budgets:
        rung = [run(number, sample(space, seed, number), budget) for number in alive]
        ran += rung
        ranked = _ranked(rung)
        if not ranked:
            break
        best = ranked[0]
        alive = sorted(trial.number for trial in ranked[: max(1, len(alive) // eta)])
    return _result(ran, best)


class NestedScores(NamedTuple):
    """What nested cross-validation measured: outer test scores, never the search's own.

    Attributes:
        scores: one per outer fold; None where it failed.
        configs: what the search chose in each fold; None where it failed.
        reasons: why a fold failed, empty where it did not.
    """

    scores: list[float | None]
    configs: list[Config | None]
    reasons: list[str]

    @property
    def mean(self) -> float:
        """Mean over the folds that did not fail."""
        return float(np.mean([score for score in self.scores if score is not None]))

    @property
    def std(self) -> float:
        """Sample standard deviation over those folds; NaN for a single one."""
        done = [score for score in self.scores if score is not None]
        return float(np.std(done, ddof=1)) if len(done) > 1 else math.nan


def nested_cross_validation(
    n_or_folds: int | Sequence[tuple[np.ndarray, np.ndarray]],
    search: Callable[[np.ndarray, int], SearchResult],
    evaluate: Callable[[Config, np.ndarray, np.ndarray], float],
    *,
    seed: int = 0,
) -> NestedScores:
    """Score a whole recipe, its hyperparameter search included, on items the search never saw.

    S. Varma and R. Simon, BMC Bioinformatics 7, 91 (2006).

    Args:
        n_or_folds: number of items (five folds are made), or (train, test) pairs such as
            `mlmat.data.folds.k_folds` returns.
        search: (indices of the training items, number of the fold) → result.
        evaluate: (chosen config, training indices, test indices) → test error.
        seed: of the folds made here.

    Raises:
        InputError: every fold failed (names the first reason).
    """
    folds = k_folds(n_or_folds, 5, seed) if isinstance(n_or_folds, (int, np.integer)) else list(n_or_folds)
    scores, configs, reasons = [], [], []
    for number, (train, test) in enumerate(folds):
        config, score = None, None
        try:
            config = search(train, number).best.config
            score, reason = checked_score(evaluate(config, train, test))
        except MlmatError as error:
            reason = str(error)
        scores.append(score)
        configs.append(config)
        reasons.append(reason)
    if all(score is None for score in scores):
        raise InputError(
            f"all {len(folds)} outer folds failed; the first one: {(reasons or ['no folds'])[0]}"
        )
    return NestedScores(scores, configs, reasons)


def _ranked(trials: Sequence[Trial]) -> list[Trial]:
    """Trials that did not fail, best first; of equal scores the earlier one."""
    return sorted((t for t in trials if t.score is not None), key=lambda t: (t.score, t.number))


def _result(trials: list[Trial], best: Trial | None = None) -> SearchResult:
    ranked = _ranked(trials)
    if not ranked:
        raise InputError(f"all {len(trials)} trials failed; the first one: {trials[0].reason}")
    return SearchResult(best or ranked[0], trials)


def _at_least_one(trials: int) -> None:
    if trials < 1:
        raise InputError(f"a search needs at least one trial, not {trials}")
