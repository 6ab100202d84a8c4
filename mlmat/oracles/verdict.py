"""What an oracle says about one candidate: numbers, or the reason there are none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

OK = "ok"
"""Status of a verdict with values; any other status is the reason of failure."""


@dataclass(frozen=True)
class Verdict:
    """The outcome of one oracle task; failures are verdicts, not exceptions.

    Attributes:
        status: `OK` or the reason of failure, e.g. ``"changed bonding"``,
            ``"SCF not converged"``, ``"timeout"``.
        values: plain numbers and lists by name (see the oracle for units); empty on failure.
        seconds: wall time of the task.
    """

    status: str
    values: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether there are values."""
        return self.status == OK
