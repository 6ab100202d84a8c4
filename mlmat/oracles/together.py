"""Several oracles as one: each molecule is judged by all of them, in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlmat.oracles.verdict import OK, Verdict


@dataclass(frozen=True)
class Together:
    """One verdict with the values of several oracles; it can be sent to a worker.

    Attributes:
        oracles: functions from an item to its verdict. Where two give one value, the earlier one counts.
    """

    oracles: tuple[Callable[[Any], Verdict], ...]

    def __call__(self, item: Any) -> Verdict:
        """All values, or the first failure."""
        values: dict[str, Any] = {}
        seconds = 0.0
        for oracle in self.oracles:
            verdict = oracle(item)
            seconds += verdict.seconds
            if not verdict.ok:
                return Verdict(verdict.status, {}, seconds)
            values = verdict.values | values
        return Verdict(OK, values, seconds)
