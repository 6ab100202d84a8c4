"""Training an ensemble of soft-graph networks, whose predictions a design can climb."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.errors import InputError
from mlmat.graphs.softgraph import SoftGraphEncoder
from mlmat.models.soft_mpnn import SoftMPNN
from mlmat.predictor import Predictions, Predictor, predict_graphs
from mlmat.training.config import TrainingConfig
from mlmat.training.loop import Row, fit, initial_variables
from mlmat.training.losses import Regression
from mlmat.training.molecules import MoleculeSet, augmented, gather
from mlmat.training.source import Example, Source


def molecule_source(molecules: MoleculeSet, batch: int, seed: int | None = None) -> Source:
    """Soft graphs in random Kekulé forms; the whole set stays on the device.

    Args:
        molecules: the set.
        batch: molecules a step; the rest of an epoch sits it out (without a seed: is padded).
        seed: of the order; None keeps it, and every molecule is met once.
    """
    count = len(molecules.targets)
    batch = min(batch, count)
    steps = count // batch if seed is not None else -(-count // batch)

    def chunks(epoch: int) -> Iterator[Any]:
        if seed is None:
            rows = np.arange(steps * batch)
        else:
            rows = np.random.default_rng((seed, epoch)).permutation(count)[: steps * batch]
        yield {
            "rows": np.minimum(rows, count - 1).reshape(steps, batch).astype(np.int32),
            "weights": (rows < count).astype(np.float32).reshape(steps, batch),
        }

    return Source(molecules, chunks, _molecules, steps * batch, steps, own_order=True)


def _molecules(data: MoleculeSet, item: dict[str, jax.Array], key: jax.Array | None) -> Example:
    """`Source.prepare` of molecules."""
    rows = item["rows"]
    graphs = gather(data, rows, jnp.zeros_like(rows)) if key is None else augmented(data, rows, key)
    targets = data.targets[rows]
    return Example(graphs, targets, jnp.broadcast_to(item["weights"][:, None], targets.shape))


def predict_set(predictor: Predictor, molecules: MoleculeSet, batch: int = 500) -> Predictions:
    """Ensemble mean and standard deviation ``[N, P]`` of a set's first Kekulé forms."""
    rows = jnp.arange(len(molecules.targets))
    return predict_graphs(predictor, gather(molecules, rows, jnp.zeros_like(rows)), min(batch, len(rows)))


def train_ensemble(
    train: MoleculeSet,
    validation: MoleculeSet,
    config: TrainingConfig,
    *,
    features: int = 64,
    layers: int = 5,
    properties: tuple[str, ...],
    units: tuple[str, ...],
    checkpoint: Path | None = None,
    report: Callable[[Row], None] = lambda row: None,
) -> tuple[Predictor, list[Row]]:
    """Train an ensemble and return it as a predictor.

    Args:
        train: training molecules.
        validation: molecules that choose the epoch (never used to fit).
        config: hyperparameters.
        features: width of the atom features.
        layers: rounds of messages.
        properties: names of the targets.
        units: their units.
        checkpoint: file for the state after each epoch; resumed from if it exists.
        report: called after every epoch with its numbers.

    Returns:
        The predictor (best averaged weights) and the history of reports.

    Raises:
        InputError: fewer molecules than one batch.
    """
    if len(train.targets) < config.batch:
        raise InputError(
            f"{len(train.targets)} training molecules are fewer than one batch of {config.batch}"
        )
    model = SoftMPNN(outputs=len(properties), features=features, layers=layers)
    mean, scale = train.targets.mean(axis=0), train.targets.std(axis=0)
    example = gather(train, jnp.zeros(1, jnp.int32), jnp.zeros(1, jnp.int32))
    fitted = fit(
        Regression(mean, scale, model, properties),
        molecule_source(train, config.batch, config.seed),
        molecule_source(validation, 500),
        config,
        initial_variables(model, example, config),
        checkpoint=checkpoint,
        report=report,
    )
    encoder = SoftGraphEncoder(train.types.shape[1])
    return Predictor(fitted.variables, mean, scale, model, encoder, properties, units), fitted.history
