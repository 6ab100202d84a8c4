"""What a campaign has found out: every verdict as a row, and every round as a few numbers."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mlmat.analysis.record import Metric
from mlmat.files import atomic_write
from mlmat.metrics import bootstrap_interval, mae, wilson_interval
from mlmat.oracles.verdict import Verdict

COLUMNS = (
    "round", "rank", "smiles", "property", "predicted", "std", "verified", "error", "hit", "status", "seconds"
)  # fmt: skip


class Judged(NamedTuple):
    """One design of a campaign, predicted before it was verified.

    Attributes:
        round: 1 for the first.
        rank: 1 for the design that the round trusted most.
        smiles: canonical SMILES.
        predicted: ensemble mean by property, of the round's own predictor.
        std: standard deviation by property.
        verdict: the oracle's.
    """

    round: int
    rank: int
    smiles: str
    predicted: dict[str, float]
    std: dict[str, float]
    verdict: Verdict

    def verified(self, name: str) -> float | None:
        """The oracle's value of a property; None if it failed, or does not report it."""
        value = self.verdict.values.get(name) if self.verdict.ok else None
        return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


@dataclass(frozen=True)
class DesignError:
    """Error of one round's predictor on its own designs.

    Attributes:
        mae: mean absolute error, in the property's unit.
        low: lower end of its 95 % bootstrap interval over designs; None for fewer than two.
        high: upper end.
        bias: mean of predicted minus verified.
        count: designs with a verified value.
        test: mean absolute error of the same predictor on the test part; None if there is none.
    """

    mae: float
    low: float | None
    high: float | None
    bias: float
    count: int
    test: float | None

    @property
    def ratio(self) -> float | None:
        """Error on designs over test error: 1 where the search finds no weak spots."""
        return self.mae / self.test if self.test else None


@dataclass(frozen=True)
class RoundSummary:
    """One round in numbers.

    Attributes:
        round: 1 for the first.
        asked: designs asked for, the denominator of the hit share.
        submitted: designs submitted to the oracle.
        verified: of these, judged without failure.
        hits: of these, inside what was wanted.
        hit_interval: 95 % Wilson interval of hits / asked.
        errors: error on designs by property.
    """

    round: int
    asked: int
    submitted: int
    verified: int
    hits: int
    hit_interval: tuple[float, float]
    errors: dict[str, DesignError]

    @property
    def hit_share(self) -> float:
        """Hits of the designs asked for; failures and missing designs are misses."""
        return self.hits / self.asked


Hit = Callable[[Mapping[str, float]], bool]


def is_hit(item: Judged, hit: Hit) -> bool:
    """Whether a design was verified and hits."""
    return item.verdict.ok and bool(hit(item.verdict.values))


def summarise(
    judged: Sequence[Judged],
    number: int,
    asked: int,
    names: Sequence[str],
    hit: Hit,
    test: Mapping[str, float],
) -> RoundSummary:
    """Numbers of one round.

    Args:
        judged: designs of any rounds.
        number: which round.
        asked: designs asked for in it.
        names: properties to report errors of.
        hit: whether verified values are what was wanted, `Objective.hit`.
        test: test error of the round's predictor by property.
    """
    own = [item for item in judged if item.round == number]
    hits = sum(is_hit(item, hit) for item in own)
    errors = {}
    for name in names:
        pairs = [
            (item.predicted[name], item.verified(name)) for item in own if item.verified(name) is not None
        ]
        if pairs:
            errors[name] = _design_error(*np.array(pairs, float).T, test.get(name))
    return RoundSummary(
        round=number,
        asked=asked,
        submitted=len(own),
        verified=sum(item.verdict.ok for item in own),
        hits=hits,
        hit_interval=wilson_interval(hits, asked),
        errors=errors,
    )


def _design_error(predicted: np.ndarray, verified: np.ndarray, test: float | None) -> DesignError:
    low, high = bootstrap_interval(mae, predicted, verified, seed=0) if len(predicted) > 1 else (None, None)
    bias = float((predicted - verified).mean())
    return DesignError(mae(predicted, verified), low, high, bias, len(predicted), test)


def campaign_metrics(rounds: Sequence[RoundSummary], units: Mapping[str, str]) -> list[Metric]:
    """Rounds as metrics of a run record; ``variant`` is ``"round 1"`` and so on.

    Args:
        rounds: from `summarise`.
        units: of the properties.
    """
    metrics = []
    for row in rounds:
        label = f"round {row.round}"

        def add(name, value, unit="", count=None, label=label):
            if value is not None:
                metrics.append(Metric(name, value, unit, variant=label, n_test=count))

        add("hit share", row.hit_share, "", row.asked)
        add("hit share 95 % low", row.hit_interval[0], "", row.asked)
        add("hit share 95 % high", row.hit_interval[1], "", row.asked)
        add("verified share", row.verified / row.asked, "", row.asked)
        for name, error in row.errors.items():
            unit = units.get(name, "")
            add(f"{name} error on designs (MAE)", error.mae, unit, error.count)
            add(f"{name} error on designs 95 % low", error.low, unit, error.count)
            add(f"{name} error on designs 95 % high", error.high, unit, error.count)
            add(f"{name} test error (MAE)", error.test, unit)
            add(f"{name} error on designs over test error", error.ratio, "", error.count)
    return metrics


def write_campaign(judged: Sequence[Judged], names: Sequence[str], hit: Hit, path: str | Path) -> None:
    """Every verdict as ``campaign.csv``: one row per design and property, failures kept.

    Args:
        judged: all designs of all rounds.
        names: properties, one row each; numbers are in the predictor's units.
        hit: whether verified values are what was wanted.
        path: the file, written atomically.
    """
    with atomic_write(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for item in judged:
            for name in names:
                value, mean = item.verified(name), item.predicted[name]
                error = None if value is None else mean - value
                row = (item.round, item.rank, item.smiles, name, mean, item.std[name], value, error,
                       is_hit(item, hit), item.verdict.status, item.verdict.seconds)  # fmt: skip
                writer.writerow([_cell(value) for value in row])


def _cell(value: Any) -> Any:
    """None is an empty cell; four decimals are far below any predictor's error."""
    return "" if value is None else f"{value:.4f}" if isinstance(value, float) else value
