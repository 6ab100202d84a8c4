"""Trials of a search: run once, written as they end, read back on resuming."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlmat.errors import DataError, MlmatError, OutputError
from mlmat.files import cut_torn_line, read_lines

Config = dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """One finished evaluation; the fields are those of a line in the log.

    Attributes:
        number: of the configuration, from 0.
        budget: what it was given (epochs, items, …); None where there is no budget.
        config: values by name.
        score: validation error, None for a failed trial.
        reason: why it failed, empty if it did not.
        seconds: wall time.
    """

    number: int
    budget: int | None
    config: Config
    score: float | None
    reason: str
    seconds: float


class Runner:
    """Runs trials one by one, and remembers them in a log.

    Args:
        evaluate: (config, budget) → score; an `MlmatError` or a NaN is a failed trial.
        log: JSON-lines file; a trial found there is not run again. None for no log.
        progress: called after every trial, repeated ones included.

    Raises:
        DataError: the log cannot be read, or (when called) is of another space or seed.
        OutputError: the log cannot be written.
    """

    def __init__(self, evaluate: Callable, log: str | Path | None, progress: Callable | None):
        self.evaluate, self.progress = evaluate, progress
        self.log = None if log is None else Path(log)
        self.known = {} if self.log is None else _read_log(self.log)

    def __call__(self, number: int, config: Config, budget: int | None) -> Trial:
        """The trial, run now or before."""
        trial = self.known.get((number, budget))
        if trial is None:
            trial = self._run(number, config, budget)
        elif trial.config != config:
            raise DataError(
                f"{self.log} holds a search of another space or seed (trial {number} differs): "
                "choose another log file, or delete this one"
            )
        if self.progress:
            self.progress(trial)
        return trial

    def _run(self, number: int, config: Config, budget: int | None) -> Trial:
        start = time.perf_counter()
        try:
            score, reason = checked_score(self.evaluate(dict(config), budget))
        except MlmatError as error:
            score, reason = None, str(error)
        trial = Trial(number, budget, config, score, reason, time.perf_counter() - start)
        if self.log is not None:
            _append(self.log, trial)
        return trial


def checked_score(value: Any) -> tuple[float | None, str]:
    """A finite score, or None with the reason."""
    score = float(value)
    return (score, "") if math.isfinite(score) else (None, f"the score is {score}")


def _read_log(path: Path) -> dict[tuple[int, int | None], Trial]:
    try:
        cut_torn_line(path)  # left by a kill in the middle of a write
        trials = [Trial(**line) for line in read_lines(path)]
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"cannot read the trials in {path}: {error}. Choose another log file") from error
    return {(trial.number, trial.budget): trial for trial in trials}


def _append(path: Path, trial: Trial) -> None:
    line = json.dumps(asdict(trial), allow_nan=False) + "\n"
    try:
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror}. Choose another log file") from error
