"""Designs and verdicts → table rows and metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from mlmat.analysis.design_table import DesignRow, PropertyVerdict
from mlmat.analysis.record import Metric
from mlmat.design.objective import SIMILARITY, Objective
from mlmat.design.searcher import Candidate
from mlmat.design.similarity import similarities
from mlmat.graphs.fingerprints import mean_similarity, nearest_similarity
from mlmat.metrics import mae, wilson_interval
from mlmat.oracles.verdict import Verdict


def design_rows(
    designs: Sequence[Candidate],
    verdicts: Sequence[Verdict],
    known: Sequence[str],
    objective: Objective,
    properties: Sequence[str],
    method: str,
    further: Sequence[str] = (),
) -> list[DesignRow]:
    """One row per submission, in the order of trust; failures kept.

    Args:
        designs: as submitted, with predictions.
        verdicts: of the oracle, in the same order.
        known: SMILES the predictor was trained on; empty if unknown.
        objective: what was wanted.
        properties: of the predictor, in the order of the predictions.
        method: name of the searcher.
        further: names of other values of the verdicts to show.
    """
    training = frozenset(known)
    similarity = nearest_similarity([d.smiles for d in designs], known) if known else [None] * len(designs)
    names = [want.name for want in objective.wants]
    rows = []
    for rank, (design, verdict, nearest) in enumerate(zip(designs, verdicts, similarity, strict=True), 1):
        values = verdict.values if verdict.ok else {}
        relaxed = dict(zip(names, design.relaxed, strict=False))
        if SIMILARITY in names and values:
            values = {**values, SIMILARITY: float(similarities([design.smiles], objective.start)[0])}
        judged = {name: _judged(name, design, relaxed, values, properties) for name in names}
        absent = [name for name in names if name not in values]
        status = f"the oracle gave no {', '.join(absent)}" if verdict.ok and absent else verdict.status
        hit = objective.hit(values)
        countable = any(want.hit(0.0) is not None for want in objective.wants)
        rows.append(
            DesignRow(
                rank=rank,
                start=design.start,
                method=method,
                smiles=design.smiles,
                status=status,
                hit=hit if countable else None,
                judged=judged,
                in_training=design.smiles in training if known else None,
                nearest_tanimoto=None if nearest is None else float(nearest),
                seconds=verdict.seconds,
                further={name: values.get(name) for name in further},
            )
        )
    return rows


def _judged(
    name: str,
    design: Candidate,
    relaxed: Mapping[str, float],
    values: Mapping[str, float],
    properties: Sequence[str],
) -> PropertyVerdict:
    if name == SIMILARITY:  # known without a predictor
        return PropertyVerdict(relaxed.get(name), values.get(name, math.nan), 0.0, values.get(name))
    column = properties.index(name)
    return PropertyVerdict(relaxed.get(name), design.mean[column], design.std[column], values.get(name))


def design_metrics(
    rows: Sequence[DesignRow], units: Mapping[str, str], asked: int, variant: str
) -> list[Metric]:
    """Shares and errors of a set of designs; every share is of the number asked for.

    Args:
        rows: submissions of one searcher.
        units: of the wanted properties.
        asked: denominator of every share.
        variant: label of the metrics.
    """
    verified = [row for row in rows if row.verified]
    hits = [row for row in verified if row.hit]
    metrics = []
    if any(row.hit is not None for row in rows):
        low, high = wilson_interval(len(hits), asked)
        metrics = [
            Metric("hit share", len(hits) / asked, variant=variant, n_test=asked),
            Metric("hit share 95 % low", low, variant=variant, n_test=asked),
            Metric("hit share 95 % high", high, variant=variant, n_test=asked),
        ]
    metrics.append(Metric("verified share", len(verified) / asked, variant=variant, n_test=asked))
    for name, unit in units.items() if verified else ():
        judged = [row.judged[name] for row in verified]
        prefix = "" if len(units) == 1 else f"{name}: "
        predicted, truth = np.array([(one.predicted, one.verified) for one in judged], float).T
        common = {"unit": unit, "variant": variant, "n_test": len(judged)}
        metrics.append(Metric(f"{prefix}error on designs (MAE)", mae(predicted, truth), **common))
        soft = [(one.relaxed, one.predicted) for one in judged if one.relaxed is not None]
        if soft:
            difference = mae(*np.array(soft, float).T)
            common["n_test"] = len(soft)
            metrics.append(Metric(f"{prefix}relaxed against rounded prediction (MAE)", difference, **common))
    if hits and hits[0].in_training is not None:
        new = sum(not row.in_training for row in hits) / len(hits)
        metrics.append(Metric("hits not in the training set", new, variant=variant, n_test=len(hits)))
    if len(hits) > 1:
        alike = mean_similarity([row.smiles for row in hits])
        metrics.append(
            Metric("mean Tanimoto similarity of the hits", alike, variant=variant, n_test=len(hits))
        )
    return metrics
