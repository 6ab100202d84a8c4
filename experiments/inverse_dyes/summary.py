"""What the README shows: both predictors first, then band by band, over the seeds of the searches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from mlmat.analysis.record import Metric
from mlmat.analysis.seeds import mean_interval
from mlmat.metrics import wilson_interval

Result = dict[str, Any]
"""Of `experiments.inverse_dyes.bands.run_cell`."""


def grouped(results: Iterable[Result]) -> dict[tuple[float, str], list[Result]]:
    """(centre of the band, arm) → one result a seed."""
    groups: dict[tuple[float, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result["centre"], result["arm"]), []).append(result)
    return groups


def share(rows: Sequence[Result], key: str, designs: int) -> tuple[float, float, float]:
    """Share of the submissions counted under `key`, and the ends of its 95 % interval.

    Over seeds where there are enough of them, else Wilson's over all submissions.

    Args:
        rows: of one band and arm.
        key: ``"hits"`` or ``"promised"``.
        designs: submissions of a seed; missing ones count as misses.
    """
    counts = [row[key] for row in rows]
    mean, half = mean_interval([count / designs for count in counts])
    if np.isfinite(half):
        return mean, max(0.0, mean - half), min(1.0, mean + half)
    return (mean, *wilson_interval(sum(counts), designs * len(rows)))


def metrics_of(results: Sequence[Result], known: dict[str, Any], designs: int) -> list[Metric]:
    """All numbers of a run.

    Args:
        results: of every cell.
        known: errors of both predictors, see `experiments.inverse_dyes.run.quality`.
        designs: submissions of a cell.
    """
    found = predictor_metrics(known)
    for (centre, arm), rows in grouped(results).items():
        common = {"variant": f"{centre:.0f} nm, {arm}", "n_seeds": len(rows)}
        for name, key in (("hits by the judge", "hits"), ("hits by the searched predictor", "promised")):
            mean, low, high = share(rows, key, designs)
            std = (high - low) / (2 * 1.96)
            found.append(Metric(name, mean, std=std, n_test=designs * len(rows), **common))
        for name, key, unit in (
            ("predictor less judge, mean size", "disagreement", "nm"),
            ("predictor less judge, mean", "bias", "nm"),
            ("judge's standard deviation", "doubt", "nm"),
            ("SA score", "sa_score", "1"),
            ("SA score of the hits", "sa_score_hits", "1"),
            ("similarity to the nearest training dye", "nearest", ""),
        ):
            of = "hits" if key == "sa_score_hits" else "submitted"
            some = [row for row in rows if row[key] is not None]
            if some:
                sizes = [row[of] for row in some]
                mean = float(np.average([row[key] for row in some], weights=sizes))
                found.append(Metric(name, mean, unit, n_test=sum(sizes), **common))
    return found


def predictor_metrics(known: dict[str, Any]) -> list[Metric]:
    """How good both predictors are."""
    judge = known["judge"]
    common = {"variant": "searched predictor, unseen skeletons", "n_test": known["test"]}
    found = [
        Metric("error (MAE)", known["test_error"], "nm", n_train=known["train"], **common),
        Metric("spread of the truth", known["test_spread"], "nm", **common),
    ]
    own, count = known["judge_own"]
    found.append(
        Metric("error (MAE)", own, "nm", variant="judge, validation part of its own dyes", n_test=count)
    )
    common = {"variant": "judge, dyes to design with", "n_test": judge["count"]}
    found += [
        Metric("error (MAE)", judge["error"], "nm", n_train=known["judge dyes"], **common),
        Metric("median error", judge["median_error"], "nm", **common),
        Metric("spread of the truth", judge["spread"], "nm", **common),
        Metric("ensemble's standard deviation", judge["doubt"], "nm", **common),
    ]
    for centre, counts in judge["bands"].items():
        variant = f"judge on real dyes, {centre} nm"
        found.append(_rate("share of all dyes in the band", counts["true"], judge["count"], variant))
        if counts["said"]:
            name = "truly in the band, of those it puts there"
            found.append(_rate(name, counts["both"], counts["said"], variant))
    return found


def _rate(name: str, hits: int, count: int, variant: str) -> Metric:
    low, high = wilson_interval(hits, count)
    return Metric(name, hits / count, std=(high - low) / (2 * 1.96), variant=variant, n_test=count)
