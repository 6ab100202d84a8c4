"""Designs and verdicts → table rows and metrics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlmat.analysis.design_table import DesignRow
from mlmat.analysis.record import Metric
from mlmat.design.run import METHOD, Candidate
from mlmat.design.wants import Want
from mlmat.graphs.fingerprints import nearest_similarity
from mlmat.metrics import mae, wilson_interval
from mlmat.oracles.verdict import Verdict


def design_rows(
    designs: Sequence[Candidate], verdicts: Sequence[Verdict], known: Sequence[str], want: Want
) -> list[DesignRow]:
    """One row per submission, in the order of trust; failures kept.

    Args:
        designs: as selected.
        verdicts: of the oracle, in the same order.
        known: SMILES the predictor was trained on; empty if unknown.
        want: whose property is reported.
    """
    training = frozenset(known)
    similarity = nearest_similarity([d.smiles for d in designs], known) if known else [None] * len(designs)
    rows = []
    for rank, (design, verdict, nearest) in enumerate(zip(designs, verdicts, similarity, strict=True), 1):
        verified = verdict.values.get(want.name) if verdict.ok else None
        rows.append(
            DesignRow(
                rank=rank,
                start=design.start,
                method=METHOD,
                smiles=design.smiles,
                status=verdict.status,
                gap_relaxed=design.gap_relaxed,
                gap_predicted=design.gap_predicted,
                gap_std=design.gap_std,
                gap_verified=verified,
                gap_error=None if verified is None else design.gap_predicted - verified,
                in_training=design.smiles in training if known else None,
                nearest_tanimoto=None if nearest is None else float(nearest),
                seconds=verdict.seconds,
            )
        )
    return rows


def design_metrics(rows: Sequence[DesignRow], want: Want, asked: int, variant: str = METHOD) -> list[Metric]:
    """Shares and errors of a set of designs; every share is of the number asked for.

    Args:
        rows: submissions.
        want: the hit window.
        asked: denominator of every share.
        variant: label of the metrics.
    """
    verified = [row for row in rows if row.gap_verified is not None]
    hits = [row for row in verified if want.hit(row.gap_verified)]
    low, high = wilson_interval(len(hits), asked)
    metrics = [
        Metric("hit share", len(hits) / asked, variant=variant, n_test=asked),
        Metric("hit share 95 % low", low, variant=variant, n_test=asked),
        Metric("hit share 95 % high", high, variant=variant, n_test=asked),
        Metric("verified share", len(verified) / asked, variant=variant, n_test=asked),
    ]
    if verified:
        predicted, truth = np.array([(row.gap_predicted, row.gap_verified) for row in verified]).T
        relaxed = np.array([row.gap_relaxed for row in verified])
        metrics += [
            Metric(
                "error on designs (MAE)", mae(predicted, truth), "eV", variant=variant, n_test=len(verified)
            ),
            Metric(
                "relaxed against rounded prediction (MAE)",
                mae(relaxed, predicted),
                "eV",
                variant=variant,
                n_test=len(verified),
            ),
        ]
    if hits and hits[0].in_training is not None:
        new = sum(not row.in_training for row in hits) / len(hits)
        metrics.append(Metric("hits not in the training set", new, variant=variant, n_test=len(hits)))
    return metrics
