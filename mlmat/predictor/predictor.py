"""The predictor: an ensemble of trained models as one callable pytree.

A predictor is passed to jitted functions as an argument, never closed over: its
weights are leaves, so another predictor of the same architecture does not recompile.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from mlmat.errors import InputError
from mlmat.graphs.mixture import shares
from mlmat.graphs.segment import graph_of_node, segment_sum
from mlmat.nn.module import apply, map_members
from mlmat.typing import Model, SoftGraph, Targets, Variables


@partial(
    jax.tree_util.register_dataclass,
    data_fields=("variables", "mean", "scale", "reference", "calibration"),
    meta_fields=("model", "encoder", "properties", "units", "classes"),
)
@dataclasses.dataclass(frozen=True)
class Predictor:
    """An ensemble that maps batches of graphs to properties in physical units.

    Attributes:
        variables: model variables, every leaf with a leading member axis ``[M, ...]``.
        mean: ``[P]`` means of the training targets.
        scale: ``[P]`` standard deviations of the training targets.
        model: the architecture (static).
        encoder: how an item becomes a graph (static); ``encoder.kind`` says what an item is.
        properties: names of the outputs, e.g. ``("gap", "homo", "lumo")``.
        units: unit of each output.
        reference: ``[elements, P]`` contribution of each atom, added to the network's output
            (fitted to the training targets before it), float64 on the host; None: nothing is added.
        calibration: ``[2, P]`` factor and floor that turn the spread s of the members into a
            standard deviation, √((factor s)² + floor²), fitted on validation data; None: s as it is.
        classes: names of the classes, if the one property is a class: outputs ``[..., P]`` are
            then their probabilities.
    """

    variables: Variables
    mean: jax.Array
    scale: jax.Array
    model: Model
    encoder: Any
    properties: tuple[str, ...]
    units: tuple[str, ...]
    reference: jax.Array | None = None
    calibration: jax.Array | None = None
    classes: tuple[str, ...] = ()

    @property
    def members(self) -> int:
        """Number of models in the ensemble."""
        return jax.tree.leaves(self.variables)[0].shape[0]

    @property
    def capacity(self) -> int:
        """Largest number of heavy atoms, of a predictor on soft graphs."""
        return self.encoder.capacity

    def _finish(self, outputs: jax.Array, batch: Any) -> Targets:
        if self.classes:
            # Here the scale is one over the temperature that calibrates the probabilities.
            return jax.nn.softmax(outputs * self.scale, axis=-1)
        values = outputs * self.scale + self.mean
        if self.reference is None:
            return values
        return values + composition(batch, len(self.reference)) @ self.reference

    def each(self, batch: Any) -> Targets:
        """Prediction of every member, ``[M, ..., P]``, in physical units."""

        def one(variables: Variables) -> Targets:
            return self._finish(apply(self.model, variables, batch)[0], batch)

        # Dense soft graphs are matrix products alone, and those like a member axis.
        return (
            jax.vmap(one)(self.variables)
            if isinstance(batch, SoftGraph)
            else map_members(one, self.variables)
        )

    def only(self, index: jax.Array) -> Predictor:
        """The ensemble of the one member `index`, which may be traced.

        So ``jax.vmap(lambda i: loss(predictor.only(i)))(jnp.arange(predictor.members))``
        evaluates a loss on every member, whatever kind of predictor it is.
        """
        return dataclasses.replace(
            self, variables=jax.tree.map(lambda leaf: leaf[index][None], self.variables)
        )

    def member(self, index: jax.Array, batch: Any) -> Targets:
        """Prediction ``[..., P]`` of one member; `index` may be traced."""
        variables = jax.tree.map(lambda leaf: leaf[index], self.variables)
        return self._finish(apply(self.model, variables, batch)[0], batch)

    def __call__(self, batch: Any) -> Targets:
        """Ensemble mean ``[..., P]`` in physical units."""
        return self.each(batch).mean(axis=0)

    def with_std(self, batch: Any) -> tuple[Targets, Targets]:
        """Ensemble mean and standard deviation, both ``[..., P]``; calibrated if it was fitted."""
        outputs = self.each(batch)
        mean = outputs.mean(axis=0)
        variance = ((outputs - mean) ** 2).mean(axis=0)
        if self.calibration is not None:
            factor, floor = self.calibration
            variance = factor**2 * variance + floor**2
        # Safe root: members that agree exactly must not give a NaN gradient.
        positive = variance > 0
        return mean, jnp.where(positive, jnp.sqrt(jnp.where(positive, variance, 1.0)), 0.0)

    def index(self, name: str) -> int:
        """Position of a property on the last axis.

        Raises:
            InputError: the predictor does not know the property.
        """
        if name not in self.properties:
            raise InputError(f"this predictor knows {', '.join(self.properties)}, not {name!r}")
        return self.properties.index(name)


def composition(batch: Any, elements: int) -> jax.Array:
    """Number of atoms of each element, ``[..., elements]``, of every graph of a batch.

    Args:
        batch: a `SoftGraph`, or a padded `jraph.GraphsTuple` with ``nodes["species"]`` or mixtures.
        elements: covered by its encoder.
    """
    if isinstance(batch, SoftGraph):
        return (batch.types * batch.mask[..., None]).sum(axis=-2)
    kinds = shares(batch.nodes, elements)
    return segment_sum(kinds, graph_of_node(batch), len(batch.n_node), indices_are_sorted=True)
