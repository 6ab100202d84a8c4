"""Predictions of real molecules, in batches of few shapes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlmat.design.searcher import batch_of
from mlmat.graphs.softgraph import from_smiles
from mlmat.predictor.predict import predict_graphs


def predict(predictor: Any, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Means and deviations ``[N, P]`` of molecules.

    Raises:
        SmilesError, UnknownElementError, CapacityError: see `from_smiles`.
    """
    return predict_graphs(predictor, from_smiles(names, predictor.capacity), batch_of(len(names)))
