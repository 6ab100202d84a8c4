"""One band and arm: propose (kept in a file), let the judge look, and summarise."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.inverse_dyes.arms import propose
from experiments.inverse_dyes.predictors import PROPERTY, judged
from experiments.inverse_dyes.tables import Dyes
from mlmat.design.objective import scaled_objective
from mlmat.design.wants import Want
from mlmat.files import write_json
from mlmat.graphs.fingerprints import mean_similarity, nearest_similarity
from mlmat.oracles.rdkit import describe_smiles
from mlmat.predictor import Predictor

HALF_WIDTH = 20.0
"""Of a band, nm."""


@dataclass(frozen=True)
class Cell:
    """What is run.

    Attributes:
        centre: of the band, nm.
        arm: how molecules are proposed.
        budget: predictor evaluations.
        designs: submissions; the denominator of hit shares.
        seed: of the search.
    """

    centre: float
    arm: str
    budget: int
    designs: int
    seed: int

    @property
    def want(self) -> Want:
        """The band."""
        return Want(PROPERTY, self.centre - HALF_WIDTH, self.centre + HALF_WIDTH)

    @property
    def name(self) -> str:
        """Name of the cell's file."""
        return f"{self.centre:.0f}-{self.arm}-{self.seed}"


def in_band(values: np.ndarray, centre: float) -> np.ndarray:
    """Which wavelengths lie in the band around `centre`."""
    return np.abs(np.asarray(values, float) - centre) <= HALF_WIDTH


def run_cell(
    cell: Cell, dyes: Dyes, rows: np.ndarray, predictor: Predictor, judge: Predictor, folder: Path
) -> dict[str, Any]:
    """Propose, or read what was proposed before, and let the judge look.

    Args:
        cell: what to run.
        dyes: the table to design with.
        rows: its training part.
        predictor: what is searched.
        judge: what is not.
        folder: of results.
    """
    path = folder / "cells" / f"{cell.name}.json"
    if path.exists():
        proposed = json.loads(path.read_text(encoding="utf-8"))
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        objective = scaled_objective((cell.want,), predictor)
        began = time.process_time()
        designs, how = propose(
            cell.arm, dyes, rows, predictor, objective, cell.budget, cell.designs, cell.seed
        )
        proposed = {
            "designs": [[design.smiles, float(design.mean[0])] for design in designs],
            "seconds": time.process_time() - began,
            **how,
        }
        write_json(path, proposed)
    smiles, predicted = [row[0] for row in proposed["designs"]], [row[1] for row in proposed["designs"]]
    verdict, doubt = judged(judge, smiles)
    return {
        "centre": cell.centre,
        "arm": cell.arm,
        "seed": cell.seed,
        **{key: proposed[key] for key in ("seconds", "spent", "found", "lost")},
        **summary(smiles, predicted, verdict, doubt, cell.centre, dyes, rows),
    }


def summary(
    smiles: Sequence[str],
    predicted: Sequence[float],
    verdict: np.ndarray,
    doubt: np.ndarray,
    centre: float,
    dyes: Dyes,
    rows: np.ndarray,
) -> dict[str, Any]:
    """Counts and means over the submissions; None where there is nothing to take a mean of."""
    hits = in_band(verdict, centre)
    sa = np.array([describe_smiles(s).values["sa_score"] for s in smiles])
    near = nearest_similarity(smiles, [dyes.smiles[i] for i in rows]) if smiles else np.zeros(0)
    found = [s for s, hit in zip(smiles, hits, strict=True) if hit]

    def mean(values: np.ndarray) -> float | None:
        return float(np.mean(values)) if len(values) else None

    return {
        "submitted": len(smiles),
        "promised": int(in_band(np.asarray(predicted), centre).sum()),
        "hits": int(hits.sum()),
        "disagreement": mean(np.abs(np.asarray(predicted) - verdict)),
        "bias": mean(np.asarray(predicted) - verdict),
        "doubt": mean(doubt),
        "sa_score": mean(sa),
        "sa_score_hits": mean(sa[hits]),
        "nearest": mean(np.asarray(near)),
        "similarity_hits": mean_similarity(found) if len(found) > 1 else None,
        "designs": [
            [s, float(p), float(v), float(d)]
            for s, p, v, d in zip(smiles, predicted, verdict, doubt, strict=True)
        ],
    }


def judge_quality(
    judge: Predictor, dyes: Dyes, centres: Sequence[float], report: Callable[[str], None] = print
) -> dict[str, Any]:
    """How far the judge can be trusted on real dyes of the table to design with, none of which it saw.

    Returns:
        Its mean absolute error (nm), standard deviation of its ensemble, spread of the truth, and for
        each band: dyes in it, dyes that the judge puts there, and how many are both.
    """
    verdict, doubt = judged(judge, dyes.smiles)
    error = np.abs(verdict - dyes.wavelength)
    report(f"judge on {len(error)} unseen dyes: {error.mean():.1f} nm")
    bands = {}
    for centre in centres:
        truth, said = in_band(dyes.wavelength, centre), in_band(verdict, centre)
        bands[f"{centre:.0f}"] = {
            "true": int(truth.sum()),
            "said": int(said.sum()),
            "both": int((truth & said).sum()),
        }
    return {
        "count": len(error),
        "error": float(error.mean()),
        "median_error": float(np.median(error)),
        "doubt": float(doubt.mean()),
        "spread": float(dyes.wavelength.std()),
        "bands": bands,
    }
