"""Hyperparameters of a recipe, chosen on the validation part by successive halving."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mlmat.recipes.choice import Choice
from mlmat.recipes.fit import fit_task
from mlmat.recipes.task import Task
from mlmat.training.search import SearchResult, successive_halving
from mlmat.training.space import Choice as OneOf
from mlmat.training.space import LogUniform

SPACE = {
    "learning_rate": LogUniform(3e-4, 5e-3),
    "weight_decay": LogUniform(1e-4, 1e-1),
    "features": OneOf((64, 96, 128)),
    "layers": OneOf((2, 3, 4, 5)),
}
"""What is searched, for any of the models."""


def with_setting(choice: Choice, config: dict[str, Any]) -> Choice:
    """The choice with one point of `SPACE` in it."""
    depth = "interactions" if "interactions" in choice.fields else "layers"
    fields = {**choice.fields, "features": config["features"], depth: config["layers"]}
    rates = {name: config[name] for name in ("learning_rate", "weight_decay")}
    return replace(choice, fields=fields, training=replace(choice.training, **rates))


def tune_choice(
    task: Task,
    train: np.ndarray,
    validation: np.ndarray,
    choice: Choice,
    trials: int,
    *,
    extensive: bool | None = None,
    log: Path | None = None,
    progress: Callable[[Any], None] | None = None,
) -> tuple[Choice, SearchResult]:
    """Search `SPACE` with single members and few epochs, then more for the better ones.

    Args:
        task: items and targets.
        train: rows to fit.
        validation: rows to score on.
        choice: what is varied.
        trials: settings on the first rung.
        extensive: see `fit_task`.
        log: JSON-lines file; a trial found there is not run again.
        progress: called after every trial.

    Returns:
        The best choice, and all trials.
    """
    single = replace(choice, training=replace(choice.training, members=1))
    most = max(2, choice.training.epochs // 2)

    def evaluate(config: dict[str, Any], epochs: int) -> float:
        varied = with_setting(single, config)
        varied = replace(varied, training=replace(varied.training, epochs=epochs))
        found = fit_task(task, train, validation, varied, extensive=extensive)
        return min(row["score"] for row in found.history)

    result = successive_halving(
        SPACE,
        evaluate,
        trials,
        min_budget=max(1, most // 9),
        max_budget=most,
        seed=choice.training.seed,
        log=log,
        progress=progress,
    )
    return with_setting(choice, result.best.config), result
