"""What training minimises and what validation measures: one objective per kind of target.

Energies with forces and stress have a module of their own, `mlmat.training.energy_forces`.

An objective is a pytree (target statistics are leaves, the model is static) with

* ``loss(variables, example, key) → (sum, weight, state)``: the differentiable sum over a
  batch in scaled units, the weight it is divided by, and the model's state afterwards.
  Sum and weight stay apart so that shards of a batch add up exactly.
* ``errors(variables, example) → (sums [C], weights [C])``: absolute errors in physical
  units (or what `columns` says), to be summed over batches.
* ``score(errors [..., C]) → [...]``: the one number that early stopping compares.
"""

from __future__ import annotations

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import optax

from mlmat.nn.module import apply
from mlmat.training.config import LossConfig
from mlmat.training.source import Example
from mlmat.typing import Key, Model, Variables


def pointwise(kind: str, residual: jax.Array, delta: float) -> jax.Array:
    """Huber (the square up to `delta`, divided by it), squared or absolute loss of scaled residuals."""
    match kind:
        case "huber":
            return optax.huber_loss(residual, delta=delta) / delta
        case "mse":
            return residual**2
        case "mae":
            return jnp.abs(residual)
    raise ValueError(f"unknown loss {kind!r}: huber, mse or mae")


def rngs_of(key: Key | None) -> dict[str, Key] | None:
    """The random keys of a model that is trained."""
    return None if key is None else {"dropout": key}


@partial(
    jax.tree_util.register_dataclass,
    data_fields=("mean", "scale"),
    meta_fields=("model", "properties", "settings"),
)
@dataclasses.dataclass(frozen=True)
class Regression:
    """One or many targets, any of them missing.

    Attributes:
        mean: ``[P]`` means of the training targets.
        scale: ``[P]`` their standard deviations.
        model: the architecture.
        properties: names of the targets.
        settings: kind of the loss and where Huber's turns.
    """

    mean: jax.Array
    scale: jax.Array
    model: Model
    properties: tuple[str, ...]
    settings: LossConfig = dataclasses.field(default=LossConfig())

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of what `errors` sums."""
        return tuple(f"MAE {name}" for name in self.properties)

    def loss(self, variables: Variables, example: Example, key: Key):
        """See the module."""
        outputs, state = apply(self.model, variables, example.batch, train=True, rngs=rngs_of(key))
        residual = outputs - (example.targets - self.mean) / self.scale
        loss = pointwise(self.settings.kind, residual, self.settings.delta)
        return (loss * example.weights).sum(), example.weights.sum(), state

    def errors(self, variables: Variables, example: Example) -> tuple[jax.Array, jax.Array]:
        """See the module."""
        outputs, _ = apply(self.model, variables, example.batch)
        error = jnp.abs(outputs * self.scale + self.mean - example.targets)
        return (error * example.weights).sum(axis=0), example.weights.sum(axis=0)

    def score(self, errors: jax.Array) -> jax.Array:
        """Mean over targets of the error in standard deviations."""
        return (errors / self.scale).mean(axis=-1)


@partial(jax.tree_util.register_dataclass, data_fields=(), meta_fields=("model", "classes"))
@dataclasses.dataclass(frozen=True)
class Classification:
    """One target that is a class; targets ``[G, 1]`` hold its index.

    Attributes:
        model: the architecture, with one output per class.
        classes: their names.
    """

    model: Model
    classes: tuple[str, ...]

    columns = ("cross entropy", "error rate")

    def loss(self, variables: Variables, example: Example, key: Key):
        """See the module."""
        outputs, state = apply(self.model, variables, example.batch, train=True, rngs=rngs_of(key))
        value = self._cross_entropy(outputs, example)
        return (value * example.weights[:, 0]).sum(), example.weights.sum(), state

    def errors(self, variables: Variables, example: Example) -> tuple[jax.Array, jax.Array]:
        """Cross entropy (nats) and share of wrong classes."""
        outputs, _ = apply(self.model, variables, example.batch)
        wrong = outputs.argmax(axis=-1) != example.targets[:, 0]
        both = jnp.stack([self._cross_entropy(outputs, example), wrong], axis=-1)
        weights = jnp.broadcast_to(example.weights, both.shape)
        return (both * weights).sum(axis=0), weights.sum(axis=0)

    def score(self, errors: jax.Array) -> jax.Array:
        """Cross entropy."""
        return errors[..., 0]

    def _cross_entropy(self, outputs: jax.Array, example: Example) -> jax.Array:
        labels = example.targets[:, 0].astype(jnp.int32)
        return optax.softmax_cross_entropy_with_integer_labels(outputs, labels)
