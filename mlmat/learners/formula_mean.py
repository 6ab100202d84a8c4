"""The mean of a property over molecules of one formula: what composition alone knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula


class FormulaMeanState(NamedTuple):
    """Mean by formula, and the mean of all for formulas never seen."""

    means: dict[str, float]
    overall: float


def fit(smiles: Sequence[str], y: np.ndarray) -> FormulaMeanState:
    """Average the targets ``[N]`` of the molecules of each formula."""
    groups: dict[str, list[float]] = {}
    for text, value in zip(smiles, y, strict=True):
        groups.setdefault(CalcMolFormula(Chem.MolFromSmiles(text)), []).append(float(value))
    return FormulaMeanState({f: float(np.mean(v)) for f, v in groups.items()}, float(np.mean(y)))


def predict(state: FormulaMeanState, smiles: Sequence[str]) -> np.ndarray:
    """Predict ``[N]`` by formula."""
    formulas = (CalcMolFormula(Chem.MolFromSmiles(text)) for text in smiles)
    return np.array([state.means.get(formula, state.overall) for formula in formulas])
