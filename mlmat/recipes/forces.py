"""Scores of predicted forces on structures that were never seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlmat.analysis.record import Metric
from mlmat.metrics import bootstrap_interval
from mlmat.predictor import Forces, Predictor, predict_forces
from mlmat.predictor.encoding import encode_items

NO_FORCE = "no force"
"""The baseline: every force is zero."""


def forces_of(predictor: Predictor, items: Sequence[Any]) -> list[Forces]:
    """Forces on the atoms of each structure.

    Args:
        predictor: of one energy.
        items: `ase.Atoms`.

    Raises:
        MlmatError: an item that cannot be encoded, or a predictor without forces.
    """

    def encoded():
        for graph in encode_items(predictor.encoder, items):
            if isinstance(graph, Exception):
                raise graph
            yield graph

    return list(predict_forces(predictor, encoded()))


def force_metrics(
    predicted: Sequence[Forces],
    observed: Sequence[np.ndarray],
    unit: str,
    variant: str,
    seed: int,
    common: dict,
) -> list[Metric]:
    """Errors of force components, beside the baseline of no force at all.

    Args:
        predicted: of the test structures.
        observed: ``[n, 3]`` of each of them.
        unit: of the energy; forces are in it per Å.
        variant: whose forces they are.
        seed: of the bootstrap, which draws structures, not atoms: atoms of one structure go together.
        common: further fields of the metrics.
    """
    zero = [np.zeros_like(force) for force in observed]
    found = []
    for name, forces in ((variant, [force.mean for force in predicted]), (NO_FORCE, zero)):
        errors = [np.asarray(f, float) - o for f, o in zip(forces, observed, strict=True)]
        sums = np.array([np.abs(error).sum() for error in errors])
        squares = np.array([(error**2).sum() for error in errors])
        sizes = np.array([error.size for error in errors], float)
        std = None
        if len(errors) > 2:
            low, high = bootstrap_interval(lambda s, n: s.sum() / n.sum(), sums, sizes, seed=seed)
            std = (high - low) / (2 * 1.96)
        per_length = f"{unit}/Å"
        rmse = float(np.sqrt(squares.sum() / sizes.sum()))
        found += [
            Metric("forces MAE", float(sums.sum() / sizes.sum()), per_length, std, variant=name, **common),
            Metric("forces RMSE", rmse, per_length, variant=name, **common),
        ]
    return found
