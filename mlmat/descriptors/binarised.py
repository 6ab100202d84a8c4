"""Montavon's expansion of real entries into soft steps, which a network reads more easily.

    φ(x) = [… tanh((x − θ)/θ), tanh(x/θ), tanh((x + θ)/θ) …]

G. Montavon et al., New J. Phys. 15, 095003 (2013). Only steps that the training set reaches
are kept, so that every column carries information.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.errors import InputError


class Steps(NamedTuple):
    """Which steps to expand into.

    Attributes:
        entry: ``[K]`` number of the entry that each output looks at.
        threshold: ``[K]`` where its step lies, in the unit of the entry.
        width: θ, distance between steps and their softness.
    """

    entry: np.ndarray
    threshold: np.ndarray
    width: float


def find_steps(x: np.ndarray, width: float = 1.0) -> Steps:
    """Steps at multiples of θ between the smallest and largest value of each entry.

    Args:
        x: ``[N, D]`` training descriptors (for the Coulomb matrix: `upper_triangle` of many
            random copies).
        width: θ.

    Raises:
        InputError: θ not positive.
    """
    if not width > 0:
        raise InputError(f"steps need a positive width, not {width}")
    low, high = np.floor(x.min(axis=0) / width), np.ceil(x.max(axis=0) / width)
    counts = (high - low).astype(int) + 1
    entry = np.repeat(np.arange(x.shape[1]), counts)
    within = np.arange(len(entry)) - np.repeat(np.cumsum(counts) - counts, counts)
    return Steps(entry, (low[entry] + within) * width, width)


def binarise(x: jax.Array, steps: Steps) -> jax.Array:
    """Expand ``[..., D]`` to ``[..., K]`` values in −1 … 1; differentiable."""
    x = jnp.asarray(x)
    return jnp.tanh((x[..., steps.entry] - jnp.asarray(steps.threshold, x.dtype)) / steps.width)
