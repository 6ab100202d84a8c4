"""Batch normalisation that does not see padding."""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp


class MaskedBatchNorm(nn.Module):
    """Normalise each feature over the real entries of a batch.

    S. Ioffe, C. Szegedy, arXiv 1502.03167 (2015). In training mean and variance are those of the
    batch; else the running ones of the collection ``batch_stats``, in which the variance is the
    unbiased one.

    Attributes:
        momentum: share of the running statistics that a batch leaves as they were.
        epsilon: added to the variance.
    """

    momentum: float = 0.9
    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, x: jax.Array, real: jax.Array, train: bool) -> jax.Array:
        """``x [..., F]``, ``real [...]`` False for padding → ``[..., F]``; padding comes out finite."""
        width = x.shape[-1]
        scale = self.param("scale", nn.initializers.ones, (width,))
        bias = self.param("bias", nn.initializers.zeros, (width,))
        mean = self.variable("batch_stats", "mean", jnp.zeros, (width,))
        variance = self.variable("batch_stats", "variance", jnp.ones, (width,))
        if not train:
            factor = scale * jax.lax.rsqrt(variance.value + self.epsilon)
            return x * factor + (bias - mean.value * factor)
        axes = tuple(range(x.ndim - 1))
        count = jnp.maximum(real.sum(), 1).astype(x.dtype)
        weight = real[..., None].astype(x.dtype)
        centre = (x * weight).sum(axis=axes) / count
        # Two passes: the mean of squares less the square of the mean loses digits.
        spread = (((x - centre) * weight) ** 2).sum(axis=axes) / count
        if not self.is_initializing():
            unbiased = spread * count / jnp.maximum(count - 1, 1)
            keep = self.momentum
            mean.value = keep * mean.value + (1 - keep) * centre
            variance.value = keep * variance.value + (1 - keep) * unbiased
        factor = scale * jax.lax.rsqrt(spread + self.epsilon)
        return x * factor + (bias - centre * factor)
