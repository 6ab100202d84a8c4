"""Training an ensemble: all members in one vmapped step, one epoch in one scan.

Members differ in their initial weights and in the order of their batches. The state
is saved between epochs and resumed exactly.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from mlmat.errors import InputError
from mlmat.models.soft_mpnn import SoftMPNN
from mlmat.predictor import Predictor, predict_graphs
from mlmat.training.checkpoint import load_state, save_state
from mlmat.training.molecules import MoleculeSet, augmented, gather
from mlmat.typing import Variables


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """Hyperparameters of an ensemble.

    Attributes:
        members: models in the ensemble.
        features: width of the atom features.
        layers: rounds of messages.
        epochs: passes over the training set.
        batch: molecules a step.
        learning_rate: peak of the warm-up and cosine-decay schedule.
        weight_decay: of AdamW.
        clip: largest global gradient norm.
        ema: decay of the averaged weights that are kept.
        seed: of weights and batch order.
    """

    members: int = 4
    features: int = 64
    layers: int = 5
    epochs: int = 60
    batch: int = 64
    learning_rate: float = 1.5e-3
    weight_decay: float = 1e-3
    clip: float = 1.0
    ema: float = 0.998
    seed: int = 0


class TrainingState(NamedTuple):
    """Everything a run needs to go on; every leaf has a leading member axis.

    Attributes:
        variables: current weights.
        averaged: exponential moving average of the weights.
        optimiser: optax state.
        key: random keys (raw data), one per member.
        epoch: epochs done.
    """

    variables: Variables
    averaged: Variables
    optimiser: Any
    key: jax.Array
    epoch: jax.Array


def _transformation(config: TrainingConfig, size: int) -> optax.GradientTransformation:
    steps = config.epochs * (size // config.batch)
    schedule = optax.warmup_cosine_decay_schedule(
        0.0, config.learning_rate, max(1, steps // 20), max(2, steps)
    )
    return optax.chain(
        optax.clip_by_global_norm(config.clip), optax.adamw(schedule, weight_decay=config.weight_decay)
    )


def _epoch(
    config: TrainingConfig, model: SoftMPNN, molecules: MoleculeSet, mean, scale, state: TrainingState
):
    """One epoch of one member: scan over shuffled batches."""
    size = len(molecules.targets)
    transformation = _transformation(config, size)
    key, order, noise = jax.random.split(jax.random.wrap_key_data(state.key), 3)
    steps = size // config.batch
    rows = jax.random.permutation(order, size)[: steps * config.batch].reshape(steps, config.batch)

    def loss(variables: Variables, batch: jax.Array, key: jax.Array) -> jax.Array:
        outputs = model.apply(variables, augmented(molecules, batch, key))
        return optax.huber_loss(outputs, (molecules.targets[batch] - mean) / scale, delta=0.3).mean() / 0.3

    def step(carry, inputs):
        variables, averaged, optimiser = carry
        batch, key = inputs
        value, gradient = jax.value_and_grad(loss)(variables, batch, key)
        updates, optimiser = transformation.update(gradient, optimiser, variables)
        variables = optax.apply_updates(variables, updates)
        averaged = optax.incremental_update(variables, averaged, 1 - config.ema)
        return (variables, averaged, optimiser), value

    carry = (state.variables, state.averaged, state.optimiser)
    carry, losses = jax.lax.scan(step, carry, (rows, jax.random.split(noise, steps)))
    return TrainingState(*carry, jax.random.key_data(key), state.epoch + 1), losses.mean()


def predict_set(
    predictor: Predictor, molecules: MoleculeSet, batch: int = 500
) -> tuple[np.ndarray, np.ndarray]:
    """Ensemble mean and standard deviation ``[N, P]`` of a set's first Kekulé forms."""
    rows = jnp.arange(len(molecules.targets))
    return predict_graphs(predictor, gather(molecules, rows, jnp.zeros_like(rows)), min(batch, len(rows)))


def train_ensemble(
    train: MoleculeSet,
    validation: MoleculeSet,
    config: TrainingConfig,
    *,
    properties: tuple[str, ...],
    units: tuple[str, ...],
    checkpoint: Path | None = None,
    report: Callable[[dict[str, float]], None] = lambda info: None,
) -> tuple[Predictor, list[dict[str, float]]]:
    """Train an ensemble and return it as a predictor.

    Args:
        train: training molecules.
        validation: molecules for the learning curve (never used to fit).
        config: hyperparameters.
        properties: names of the targets.
        units: their units.
        checkpoint: file for the state after each epoch; resumed from if it exists.
        report: called after every epoch with its numbers (losses, validation MAE).

    Returns:
        The predictor (averaged weights) and the history of reports.

    Raises:
        InputError: fewer molecules than one batch.
    """
    if len(train.targets) < config.batch:
        raise InputError(
            f"{len(train.targets)} training molecules are fewer than one batch of {config.batch}"
        )
    model = SoftMPNN(outputs=len(properties), features=config.features, layers=config.layers)
    mean, scale = train.targets.mean(axis=0), train.targets.std(axis=0)
    keys = jax.random.split(jax.random.key(config.seed), config.members)
    example = gather(train, jnp.zeros(1, jnp.int32), jnp.zeros(1, jnp.int32))
    variables = jax.vmap(lambda key: model.init(key, example))(keys)
    state = TrainingState(
        variables,
        variables,
        jax.vmap(_transformation(config, len(train.targets)).init)(variables),
        jax.random.key_data(keys),
        jnp.zeros(config.members, jnp.int32),
    )
    history: list[dict[str, float]] = []
    if checkpoint is not None and checkpoint.exists():
        state, history = load_state(checkpoint, state)
    run_epoch = jax.jit(jax.vmap(partial(_epoch, config, model), in_axes=(None, None, None, 0)))

    def predictor_of(state: TrainingState) -> Predictor:
        return Predictor(state.averaged, mean, scale, model, properties, units, train.types.shape[1])

    for epoch in range(int(state.epoch[0]), config.epochs):
        state, losses = run_epoch(train, mean, scale, state)
        predicted, _ = predict_set(predictor_of(state), validation)
        errors = np.abs(predicted - np.asarray(validation.targets)).mean(axis=0)
        info = {"epoch": float(epoch + 1), "loss": float(losses.mean())}
        info |= {f"validation MAE {name}": float(e) for name, e in zip(properties, errors, strict=True)}
        history.append(info)
        report(info)
        if checkpoint is not None:
            save_state(checkpoint, state, history)
    return predictor_of(state), history
