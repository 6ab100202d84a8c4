"""Saved predictors: load one in three lines, call it, pass it to `jax.jit` and `jax.grad`.

>>> predictor = load_predictor("gap.mlmat")
>>> predictions = predict_items(predictor, ["CCO", "c1ccccc1"])
>>> print(predictions.mean, predictor.units)
"""

from mlmat.predictor.file import SHIPPED, SHIPPED_RDKIT, load_predictor, read_header, save_predictor
from mlmat.predictor.forces import Forces, predict_forces
from mlmat.predictor.joint import JointPredictor, join
from mlmat.predictor.predict import Predictions, predict_graphs, predict_items, predict_smiles
from mlmat.predictor.predictor import Predictor

__all__ = [
    "SHIPPED",
    "SHIPPED_RDKIT",
    "Forces",
    "JointPredictor",
    "Predictions",
    "Predictor",
    "join",
    "load_predictor",
    "predict_forces",
    "predict_graphs",
    "predict_items",
    "predict_smiles",
    "read_header",
    "save_predictor",
]
