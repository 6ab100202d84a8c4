"""What training minimises and what validation measures: one objective per kind of target.

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
import jraph
import optax

from mlmat.graphs.segment import graph_of_node, segment_sum
from mlmat.nn.module import apply
from mlmat.training.source import Example
from mlmat.typing import Key, Model, Variables

HUBER_DELTA = 0.3
"""Residuals beyond this many standard deviations of the target count linearly."""


def _pointwise(kind: str, residual: jax.Array) -> jax.Array:
    match kind:
        case "huber":
            return optax.huber_loss(residual, delta=HUBER_DELTA) / HUBER_DELTA
        case "mse":
            return residual**2
        case "mae":
            return jnp.abs(residual)
    raise ValueError(f"unknown loss {kind!r}: huber, mse or mae")


def _rngs(key: Key | None) -> dict[str, Key] | None:
    return None if key is None else {"dropout": key}


@partial(
    jax.tree_util.register_dataclass,
    data_fields=("mean", "scale"),
    meta_fields=("model", "properties", "kind"),
)
@dataclasses.dataclass(frozen=True)
class Regression:
    """One or many targets, any of them missing.

    Attributes:
        mean: ``[P]`` means of the training targets.
        scale: ``[P]`` their standard deviations.
        model: the architecture.
        properties: names of the targets.
        kind: ``"huber"``, ``"mse"`` or ``"mae"``.
    """

    mean: jax.Array
    scale: jax.Array
    model: Model
    properties: tuple[str, ...]
    kind: str = "huber"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of what `errors` sums."""
        return tuple(f"MAE {name}" for name in self.properties)

    def loss(self, variables: Variables, example: Example, key: Key):
        """See the module."""
        outputs, state = apply(self.model, variables, example.batch, train=True, rngs=_rngs(key))
        residual = outputs - (example.targets - self.mean) / self.scale
        return (_pointwise(self.kind, residual) * example.weights).sum(), example.weights.sum(), state

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
        outputs, state = apply(self.model, variables, example.batch, train=True, rngs=_rngs(key))
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


@partial(
    jax.tree_util.register_dataclass,
    data_fields=("mean", "scale"),
    meta_fields=("model", "force_weight", "kind"),
)
@dataclasses.dataclass(frozen=True)
class EnergyForces:
    """Energies with their negative gradients; nodes hold ``positions`` and ``forces`` ``[n, 3]``.

    Attributes:
        mean: ``[1]`` mean of the energies (after element references were taken off).
        scale: ``[1]`` unit of the network's output, eV; it scales energies and forces alike.
        model: the architecture, one output, differentiable in ``nodes["positions"]``.
        force_weight: of a force component beside an energy per atom.
        kind: as in `Regression`.
    """

    mean: jax.Array
    scale: jax.Array
    model: Model
    force_weight: float = 1.0
    kind: str = "huber"

    columns = ("MAE energy per atom", "MAE force")

    def predict(self, variables: Variables, batch: jraph.GraphsTuple, train: bool = False, key=None):
        """Energies ``[G]`` (eV), forces ``[n, 3]`` (eV/Å) and the model's new state."""

        def total(positions):
            moved = batch._replace(nodes={**batch.nodes, "positions": positions})
            outputs, state = apply(self.model, variables, moved, train=train, rngs=_rngs(key))
            energies = outputs[:, 0] * self.scale[0]
            return energies.sum(), (energies, state)

        gradient, (energies, state) = jax.grad(total, has_aux=True)(batch.nodes["positions"])
        return energies + self.mean[0], -gradient, state

    def _residuals(self, variables, example: Example, train: bool, key):
        batch = example.batch
        energies, forces, state = self.predict(variables, batch, train, key)
        per_atom = (energies - example.targets[:, 0]) / jnp.maximum(batch.n_node, 1)
        weights = example.weights[:, 0]
        atoms = weights[graph_of_node(batch)] * jraph.get_node_padding_mask(batch)
        return per_atom, weights, forces - batch.nodes["forces"], atoms, state

    def loss(self, variables: Variables, example: Example, key: Key):
        """See the module; a force component is averaged over the atoms of its structure."""
        energy, weights, force, atoms, state = self._residuals(variables, example, True, key)
        value = (_pointwise(self.kind, energy / self.scale[0]) * weights).sum()
        each = _pointwise(self.kind, force / self.scale[0]).mean(axis=-1) * atoms
        structures = segment_sum(each, graph_of_node(example.batch), len(weights), indices_are_sorted=True)
        value += self.force_weight * (structures / jnp.maximum(example.batch.n_node, 1)).sum()
        return value, weights.sum(), state

    def errors(self, variables: Variables, example: Example) -> tuple[jax.Array, jax.Array]:
        """Energy per atom (eV) and force components (eV/Å)."""
        energy, weights, force, atoms, _ = self._residuals(variables, example, False, None)
        sums = (jnp.abs(energy) * weights).sum(), (jnp.abs(force).mean(axis=-1) * atoms).sum()
        return jnp.stack(sums), jnp.stack([weights.sum(), atoms.sum()])

    def score(self, errors: jax.Array) -> jax.Array:
        """Energy per atom and force, weighted as in the loss."""
        return errors[..., 0] + self.force_weight * errors[..., 1]
