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
        count = jnp.maximum(real.sum(), 1).astype(x.dtype)
        weight = real[..., None].astype(x.dtype)
        rows = real.reshape(len(x), -1).any(axis=1, keepdims=True).astype(x.dtype)
        centre = _total(x * weight, rows) / count
        # Two passes: the mean of squares less the square of the mean loses digits.
        spread = _total(((x - _of_all(centre, rows, x.ndim)) * weight) ** 2, rows) / count
        if not self.is_initializing():
            unbiased = spread * count / jnp.maximum(count - 1, 1)
            keep = self.momentum
            mean.value = keep * mean.value + (1 - keep) * centre
            variance.value = keep * variance.value + (1 - keep) * unbiased
        factor = scale * jax.lax.rsqrt(spread + self.epsilon)
        return x * _of_all(factor, rows, x.ndim) + _of_all(bias - centre * factor, rows, x.ndim)


def _total(x: jax.Array, rows: jax.Array) -> jax.Array:
    """Sum over all axes but the last, ``[n, ..., F] → [F]``, of what is 0 where ``rows [n, 1]`` are.

    The factor between the two sums changes no number: it keeps XLA from making them one sum over many rows,
    which takes several times as long on a CPU.
    """
    return (x.sum(axis=tuple(range(1, x.ndim - 1))) * rows).sum(axis=0)


def _of_all(v: jax.Array, rows: jax.Array, dimensions: int) -> jax.Array:
    """Numbers of each feature ``[F]`` for entries of rows ``[n, 1 ..., F]``; the gradient is a `_total`."""
    return (v * rows).reshape(len(rows), *(1,) * (dimensions - 2), -1)
