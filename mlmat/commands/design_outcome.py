"""What one searcher of `mlmat design` comes back with."""

from __future__ import annotations

from typing import Any, NamedTuple

from mlmat.analysis.design_table import DesignRow
from mlmat.commands.design_setup import Setup

FURTHER = ("logp", "qed", "sa_score")
"""RDKit's properties shown for every design."""


class Outcome(NamedTuple):
    """What one searcher, or one round of a campaign, did.

    Attributes:
        label: name of the searcher, or of the round.
        method: name of the searcher.
        search: pool, history, losses; None for a round.
        rows: its submissions with their verdicts.
        geometries: positions of each verified submission, None where there are none.
    """

    label: str
    method: str
    search: Any
    rows: list[DesignRow]
    geometries: list[Any]


def further_names(setup: Setup) -> list[str]:
    """RDKit's properties that are not wanted anyway."""
    return [name for name in FURTHER if name not in {want.name for want in setup.objective.wants}]
