"""What a campaign learns between its rounds: fine-tuning on what the oracle has verified.

A search likes to go where its predictor errs in the search's favour (the optimiser's curse).
The verified designs are the remedy: each enters the training set several times, beside
training molecules that keep the rest of the space in memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlmat.data import small_organics
from mlmat.design.campaign.table import Judged
from mlmat.errors import InputError
from mlmat.graphs.softgraph import SoftGraphEncoder
from mlmat.predictor import Predictor, predict_smiles
from mlmat.pretrained.make import gap_split
from mlmat.training.config import TrainingConfig
from mlmat.training.ensemble import molecule_source
from mlmat.training.loop import Row, fit
from mlmat.training.losses import Regression
from mlmat.training.molecules import molecule_set


class Labelled(NamedTuple):
    """Molecules with labels.

    Attributes:
        smiles: N canonical SMILES.
        targets: ``[N, P]`` in the units and the order of the predictor's properties.
    """

    smiles: list[str]
    targets: np.ndarray


class CampaignData(NamedTuple):
    """What is known before a campaign begins.

    Attributes:
        train: what the predictor was trained on.
        validation: chooses the epoch in every retraining, never fitted.
        test: never fitted and never proposed; the error on it stands beside that on designs.
    """

    train: Labelled
    validation: Labelled
    test: Labelled


@dataclass(frozen=True)
class Retraining:
    """How a predictor is fine-tuned between rounds.

    Attributes:
        training: epochs, learning rate and so on; `members` is the predictor's own.
        repeats: how often each verified design is met in an epoch.
        rehearsal: training molecules met beside them, drawn anew for each round; None: all.
    """

    training: TrainingConfig = field(
        default_factory=lambda: TrainingConfig(epochs=4, learning_rate=5e-4, ema=0.99)
    )
    repeats: int = 8
    rehearsal: int | None = 4000

    def __post_init__(self):
        if self.repeats < 1 or (self.rehearsal is not None and self.rehearsal < 0):
            raise InputError(
                f"repeats ({self.repeats}) must be at least 1, rehearsal ({self.rehearsal}) at least 0"
            )


def embedded_data(properties: Sequence[str]) -> CampaignData:
    """The embedded set, split as the predictor that ships with mlmat was trained.

    Args:
        properties: of the predictor; each must be a property of the embedded set.
    """
    data, parts = small_organics.load(), gap_split()
    targets = np.stack([data[name] for name in properties], axis=1)
    return CampaignData(*(Labelled(data["smiles"][rows].tolist(), targets[rows]) for rows in parts))


def examples(
    data: CampaignData, judged: Sequence[Judged], properties: Sequence[str], config: Retraining, seed: int
) -> Labelled:
    """Training examples of one retraining: a draw of old molecules, and the verified designs.

    A property that the oracle did not report keeps the value that was predicted for it: the
    design then says nothing new about it.

    Args:
        data: the training part is drawn from.
        judged: everything the oracle has judged so far; failures teach nothing.
        properties: of the predictor.
        config: how many of each.
        seed: of the draw.
    """
    train = data.train
    count = len(train.smiles) if config.rehearsal is None else min(config.rehearsal, len(train.smiles))
    rows = np.sort(np.random.default_rng(seed).permutation(len(train.smiles))[:count])
    designs = [item for item in judged if item.verdict.ok]
    values = [
        [float({**item.predicted, **item.verdict.values}[name]) for name in properties] for item in designs
    ]
    kept = [k for k, row in enumerate(values) if all(map(math.isfinite, row))]
    smiles = [designs[k].smiles for k in kept] * config.repeats
    fresh = np.array([values[k] for k in kept] * config.repeats, float).reshape(-1, len(properties))
    return Labelled([train.smiles[i] for i in rows] + smiles, np.concatenate([train.targets[rows], fresh]))


def retrain(
    predictor: Predictor,
    data: CampaignData,
    judged: Sequence[Judged],
    config: Retraining,
    *,
    seed: int = 0,
    checkpoint: Path | None = None,
    report: Callable[[Row], None] = lambda row: None,
) -> Predictor:
    """Fine-tune every member from its present weights; scaling and calibration stay.

    Args:
        predictor: of the round that ends; an ensemble on soft graphs.
        data: what was known before the campaign.
        judged: everything the oracle has judged so far.
        config: hyperparameters.
        seed: of the draw and of the training.
        checkpoint: state after each epoch; resumed from if it exists.
        report: called after each epoch.

    Returns:
        The predictor of the next round; the same one if nothing was verified.

    Raises:
        InputError: a predictor of another kind.
    """
    if not isinstance(getattr(predictor, "encoder", None), SoftGraphEncoder) or predictor.classes:
        raise InputError(
            "only an ensemble that predicts numbers from soft graphs can be retrained in a campaign: "
            "give run_campaign a retrain function of your own for other predictors"
        )
    if not any(item.verdict.ok for item in judged):
        return predictor
    training = replace(config.training, members=predictor.members, seed=(config.training.seed + seed) % 2**31)
    chosen = examples(data, judged, predictor.properties, config, seed)
    sets = [molecule_set(*part, predictor.capacity) for part in (chosen, data.validation)]
    fitted = fit(
        Regression(predictor.mean, predictor.scale, predictor.model, predictor.properties),
        molecule_source(sets[0], training.batch, training.seed),
        molecule_source(sets[1], 500),
        training,
        predictor.variables,
        checkpoint=checkpoint,
        report=report,
    )
    return replace(predictor, variables=fitted.variables)


def errors_on(predictor: Predictor, test: Labelled) -> dict[str, float]:
    """Mean absolute error of each property on labelled molecules, in its unit."""
    mean, _ = predict_smiles(predictor, test.smiles)
    errors = np.abs(mean - test.targets).mean(axis=0)
    return {name: float(error) for name, error in zip(predictor.properties, errors, strict=True)}
