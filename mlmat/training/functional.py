"""Training a functional of a density on its values and on its derivative.

A ground state tells the derivative of its energy functional, not only the value: in a potential v(r)
the kinetic energy has δT/δn(r) = μ − v(r). So one density teaches as many numbers as its grid has
points, up to the unknown constant μ.
"""

from __future__ import annotations

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp

from mlmat.models.density_functional import Densities
from mlmat.nn.module import apply
from mlmat.training.losses import rngs_of
from mlmat.training.source import Example
from mlmat.typing import Key, Model, Variables


@partial(
    jax.tree_util.register_dataclass,
    data_fields=("mean", "scale", "slope_scale"),
    meta_fields=("model", "weight"),
)
@dataclasses.dataclass(frozen=True)
class FunctionalRegression:
    """Values of a functional with its derivative, which counts up to a constant.

    Batches are `Densities`; targets ``[B, 1 + points]`` are the value and the derivative at each point
    of the grid. A derivative matters where there are particles: with n̂ = n/∫n,

        loss = Σ_B [(F − F*)²/s² + w ∫ n̂ (δ − ∫ n̂ δ)² / s_v²],   δ = δF/δn − (δF/δn)*

    Attributes:
        mean: ``[1]`` mean of the values.
        scale: ``[1]`` s, their standard deviation, and the unit of the network's output.
        slope_scale: ``[]`` s_v, spread of the derivatives.
        model: the architecture, one output.
        weight: w.
    """

    mean: jax.Array
    scale: jax.Array
    slope_scale: jax.Array
    model: Model
    weight: float = 1.0

    columns = ("MAE value", "derivative")

    def _residuals(self, variables: Variables, example: Example, train: bool, key: Key | None):
        """Residuals of the values ``[B]``, mean squares of those of the derivative ``[B]``, state."""
        batch: Densities = example.batch
        n = batch.values

        def total(values: jax.Array):
            changed = batch._replace(values=values)
            outputs, state = apply(self.model, variables, changed, train=train, rngs=rngs_of(key))
            found = outputs[:, 0] * self.scale[0] + self.mean[0]
            return found.sum(), (found, state)

        slope, (found, state) = jax.grad(total, has_aux=True)(n)
        wrong = slope / jnp.prod(jnp.asarray(batch.spacing)) - example.targets[:, 1:].reshape(n.shape)
        wrong, n = wrong.reshape(len(n), -1), n.reshape(len(n), -1)
        share = n / jnp.maximum(n.sum(axis=1, keepdims=True), 1e-12)
        wrong = wrong - (share * wrong).sum(axis=1, keepdims=True)
        return found - example.targets[:, 0], (share * wrong**2).sum(axis=1), state

    def loss(self, variables: Variables, example: Example, key: Key):
        """See `mlmat.training.losses`."""
        value, slope, state = self._residuals(variables, example, True, key)
        weights = example.weights[:, 0]
        each = (value / self.scale[0]) ** 2 + self.weight * slope / self.slope_scale**2
        return (each * weights).sum(), weights.sum(), state

    def errors(self, variables: Variables, example: Example) -> tuple[jax.Array, jax.Array]:
        """Absolute errors of the values, and roots of the mean squares of those of the derivative."""
        value, slope, _ = self._residuals(variables, example, False, None)
        weights = example.weights[:, 0]
        sums = jnp.stack([(jnp.abs(value) * weights).sum(), (jnp.sqrt(slope) * weights).sum()])
        return sums, jnp.stack([weights.sum(), weights.sum()])

    def score(self, errors: jax.Array) -> jax.Array:
        """Both errors in their scales."""
        return errors[..., 0] / self.scale[0] + self.weight * errors[..., 1] / self.slope_scale
