"""Cells of the experiment → metrics of the run record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlmat.analysis.record import Metric

NAMES = {"energy": "atomisation energy", "delta": "PBE0 − DFTB"}
SETS = {"relaxed": ("qm7_delta", "random"), "original": ("qm7", "5-fold stratified")}

PAPERS = {
    ("original", "eigenspectrum, Gaussian"): (
        10.0,
        "Rupp et al., Phys. Rev. Lett. 108, 058301 (2012), abstract: about 10 kcal/mol",
    ),
    ("original", "randomly sorted, Laplacian"): (
        3.0,
        "Hansen et al., J. Chem. Theory Comput. 9, 3404 (2013), abstract: about 3 kcal/mol",
    ),
}
"""What was published on the same set by the same method."""


def metrics_of(cells: Sequence[dict[str, Any]]) -> list[Metric]:
    """Mean and spread over splits of MAE and RMSE, one pair for each set, target and variant."""
    groups: dict[tuple[str, str, str], list[dict]] = {}
    for cell in cells:
        for target, row in cell["targets"].items():
            groups.setdefault((cell["system"], target, cell["variant"]), []).append(cell | row)
    metrics = []
    for (system, target, variant), rows in groups.items():
        dataset, split = SETS[system]
        paper, source = PAPERS.get((system, variant), (None, None))
        copies = rows[0]["copies"]
        for kind in ("mae", "rmse"):
            values = [row[kind] for row in rows]
            metrics.append(
                Metric(
                    f"{dataset}: {NAMES[target]} {kind.upper()}",
                    float(np.mean(values)),
                    "kcal/mol",
                    std=float(np.std(values, ddof=1)) if len(values) > 1 else None,
                    dataset=dataset,
                    split=split,
                    variant=f"{variant}, {copies} copies" if copies > 1 else variant,
                    n_train=rows[0]["n_train"],
                    n_test=rows[0]["n_test"],
                    n_seeds=len(rows),
                    paper=paper if kind == "mae" else None,
                    source=source if kind == "mae" else None,
                )
            )
    return metrics
