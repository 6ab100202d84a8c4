"""Cells of the experiment → metrics of the run record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlmat.analysis.record import Metric

SHARES = ("inside", "pairs in the right order")
ERRORS = ("mae", "rmse", "error bar")
"""Measured numbers, by the beginning of their names."""


def metrics_of(cells: Sequence[dict[str, Any]]) -> list[Metric]:
    """Mean and spread over splits of every error, error bar and coverage."""
    groups: dict[tuple, list[dict]] = {}
    for cell in cells:
        groups.setdefault((cell["system"], cell["split"], cell["n_train"], cell["method"]), []).append(cell)
    metrics = []
    for (system, split, n_train, method), rows in groups.items():
        for name in rows[0]:
            if not name.startswith((*SHARES, *ERRORS)):
                continue
            unit = rows[0].get("unit", "kcal/mol") if name.startswith(ERRORS) else ""
            values = [row[name] for row in rows]
            shown = name.upper() if name in ("mae", "rmse") else name
            metrics.append(
                Metric(
                    f"{system}: {shown}",
                    float(np.mean(values)),
                    unit,
                    std=float(np.std(values, ddof=1)) if len(values) > 1 else None,
                    dataset=rows[0]["dataset"],
                    split=split,
                    variant=f"{method}, {split} {n_train:,}",
                    n_train=n_train,
                    n_test=rows[0]["n_test"],
                    n_seeds=len(rows),
                )
            )
    return metrics
