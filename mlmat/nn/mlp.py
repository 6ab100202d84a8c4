"""Multilayer perceptron, the block everything else is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import flax.linen as nn
import jax


class MLP(nn.Module):
    """Dense layers with an activation between them and none after the last.

    Attributes:
        widths: output size of each layer.
        activation: between layers.
    """

    widths: Sequence[int]
    activation: Callable[[jax.Array], jax.Array] = nn.silu

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """``[..., in] → [..., widths[-1]]``."""
        for width in self.widths[:-1]:
            x = self.activation(nn.Dense(width)(x))
        return nn.Dense(self.widths[-1])(x)
