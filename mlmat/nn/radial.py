"""Functions of a distance: safe norm, Gaussian basis, cutoffs.

Lengths are in Å. All functions are pure, differentiable to any order in both modes,
and finite at distance zero, where the ends of a padding edge lie.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from mlmat.errors import InputError


def safe_norm(vectors: jax.Array) -> jax.Array:
    """Length of each vector, with gradient 0 (not NaN) for a zero vector.

    Args:
        vectors: ``[..., 3]``.

    Returns:
        ``[...]``, in the unit of `vectors`.
    """
    squared = jnp.sum(vectors * vectors, axis=-1)
    # The inner where keeps sqrt'(0) = inf out of the backward pass; the outer one gives the value.
    positive = squared > 0
    return jnp.where(positive, jnp.sqrt(jnp.where(positive, squared, 1.0)), 0.0)


def gaussian_basis(distances: jax.Array, size: int, cutoff: float) -> jax.Array:
    """Radial basis e_k(d) = exp(−γ (d − μ_k)²) of SchNet.

    K. T. Schütt et al., J. Chem. Phys. 148, 241722 (2018), section on filter-generating
    networks. The centres μ_k are equally spaced from 0 to the cutoff, and γ = 1 / (2 Δμ²):
    the standard deviation of a Gaussian is the distance of two centres.

    Args:
        distances: ``[...]`` in Å.
        size: number of Gaussians, at least 2.
        cutoff: largest centre in Å.

    Returns:
        ``[..., size]``, between 0 and 1.

    Raises:
        InputError: fewer than two Gaussians.
    """
    if size < 2:
        raise InputError(f"a Gaussian basis needs at least 2 functions to have a spacing, not {size}")
    centres = jnp.linspace(0.0, cutoff, size, dtype=distances.dtype)
    spacing = cutoff / (size - 1)
    return jnp.exp(-0.5 * ((distances[..., None] - centres) / spacing) ** 2)


def cosine_cutoff(distances: jax.Array, cutoff: float) -> jax.Array:
    """Cutoff function f(d) = (cos(π d / r_c) + 1) / 2 for d < r_c, else 0.

    J. Behler, J. Chem. Phys. 134, 074106 (2011). Value and slope vanish at the cutoff,
    so that energies and forces are continuous when an atom leaves the neighbourhood.

    Args:
        distances: ``[...]`` in Å.
        cutoff: r_c in Å.

    Returns:
        ``[...]``, between 0 and 1.
    """
    inside = 0.5 * (jnp.cos(distances * (math.pi / cutoff)) + 1.0)
    return jnp.where(distances < cutoff, inside, 0.0)


def polynomial_cutoff(distances: jax.Array, cutoff: float, power: int = 6) -> jax.Array:
    """Cutoff function 1 − (p+1)(p+2)/2 xᵖ + p(p+2) xᵖ⁺¹ − p(p+1)/2 xᵖ⁺², x = d / r_c, else 0.

    J. Gasteiger, J. Groß, S. Günnemann, "Directional message passing for molecular graphs", ICLR
    2020, eq. 8. Two derivatives vanish at the cutoff.

    Args:
        distances: ``[...]`` in Å.
        cutoff: r_c in Å.
        power: p; the larger, the longer the function stays near 1.

    Returns:
        ``[...]``, between 0 and 1.
    """
    x, p = distances / cutoff, power
    value = 1.0 + x**p * (-(p + 1) * (p + 2) / 2 + p * (p + 2) * x - p * (p + 1) / 2 * x * x)
    return jnp.where(x < 1, value, 0.0)


def bessel_basis(distances: jax.Array, size: int, cutoff: float) -> jax.Array:
    """Radial basis B_k(d) = √(2/r_c) sin(kπd/r_c) / d · f(d), k = 1 … K, with `polynomial_cutoff` f.

    J. Gasteiger, J. Groß, S. Günnemann, "Directional message passing for molecular graphs", ICLR
    2020, eq. 7: orthonormal in the sphere of radius r_c before the cutoff function.

    Args:
        distances: ``[...]`` in Å; 0, where the ends of a padding edge lie, gives 0.
        size: K.
        cutoff: r_c in Å.

    Returns:
        ``[..., size]``, in Å^(−3/2).
    """
    positive = distances > 0
    safe = jnp.where(positive, distances, cutoff)[..., None]
    waves = jnp.sin(jnp.arange(1, size + 1, dtype=distances.dtype) * (math.pi / cutoff) * safe) / safe
    smooth = polynomial_cutoff(distances, cutoff)[..., None]
    return jnp.where(positive[..., None], math.sqrt(2 / cutoff) * waves * smooth, 0.0)
