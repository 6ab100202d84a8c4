"""The predictor that is searched, and the judge that is not: other data, other model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.inverse_dyes.tables import CAPACITY, Dyes
from mlmat.data.splits import Split, random_split
from mlmat.predictor import Predictor, load_predictor, predict_items, save_predictor
from mlmat.recipes.choice import choose, mean_size
from mlmat.recipes.fit import fit_task
from mlmat.recipes.task import Task
from mlmat.training.config import TrainingConfig
from mlmat.training.ensemble import train_ensemble
from mlmat.training.molecules import molecule_set

PROPERTY = "wavelength"


@dataclass(frozen=True)
class Effort:
    """How much work goes into the two.

    Attributes:
        training: of the searched ensemble.
        features: width of its atom features.
        layers: its rounds of messages.
        judges: members of the judge's ensemble.
        judge_epochs: its passes.
    """

    training: TrainingConfig
    features: int
    layers: int
    judges: int
    judge_epochs: int


def searched(dyes: Dyes, parts: Split, effort: Effort, folder: Path) -> Predictor:
    """Soft-graph ensemble for the absorption wavelength (nm), trained or read."""
    path = folder / "dyes.mlmat"
    if path.exists():
        return load_predictor(path)
    train, validation = (
        molecule_set([dyes.smiles[i] for i in rows], dyes.wavelength[rows, None], CAPACITY)
        for rows in parts[:2]
    )
    predictor, _ = train_ensemble(
        train,
        validation,
        effort.training,
        features=effort.features,
        layers=effort.layers,
        properties=(PROPERTY,),
        units=("nm",),
        checkpoint=path.with_suffix(".state"),
    )
    save_predictor(predictor, path, {"data": "Joung 2020"})
    path.with_suffix(".state").unlink(missing_ok=True)
    return predictor


def judge_split(dyes: Dyes, seed: int) -> Split:
    """The judge's training and validation parts; the dyes to design with are its test set."""
    return random_split(len(dyes.smiles), (0.9, 0.1, 0.0), seed)


def trained_judge(dyes: Dyes, effort: Effort, seed: int, folder: Path) -> Predictor:
    """Bond-graph ensemble for the same quantity on its own dyes, trained or read."""
    path = folder / "judge.mlmat"
    if path.exists():
        return load_predictor(path)
    parts = judge_split(dyes, seed)
    task = Task("smiles", dyes.smiles, dyes.wavelength[:, None], (PROPERTY,), ("nm",))
    choice = choose(
        "smiles",
        len(parts.train),
        mean_size(dyes.smiles),
        seed=seed,
        members=effort.judges,
        epochs=effort.judge_epochs,
    )
    trained = fit_task(
        task,
        parts.train,
        parts.validation,
        choice,
        extensive=False,
        checkpoint=path.with_suffix(".state"),
    )
    save_predictor(trained.predictor, path, {"data": "Joung 2020 and Ju 2021, but the dyes to design with"})
    path.with_suffix(".state").unlink(missing_ok=True)
    return trained.predictor


def own_error(judge: Predictor, dyes: Dyes, seed: int) -> tuple[float, int]:
    """The judge's mean absolute error (nm) on the validation part of its own dyes, and how many that are."""
    rows = judge_split(dyes, seed).validation
    verdict, _ = judged(judge, [dyes.smiles[i] for i in rows])
    return float(np.abs(verdict - dyes.wavelength[rows]).mean()), len(rows)


def judged(judge: Predictor, smiles: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The judge's wavelengths and its ensemble's standard deviations, nm, ``[N]`` each."""
    if not smiles:
        return np.zeros(0), np.zeros(0)
    found = predict_items(judge, smiles)
    return np.asarray(found.mean, float)[:, 0], np.asarray(found.std, float)[:, 0]
