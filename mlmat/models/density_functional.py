"""Property from a density: a learned functional, integrated over a grid.

B. Kolb, L. C. Lentz, A. M. Kolpak, Sci. Rep. 7, 1192 (2017) (PROPhet) map one property of a system to
another by a network; where the first is a density n(r), the network sees it point by point, with
its surroundings by filters, and the property is the sum. Here

    F[n] = ∫ n(r) ε(n, |∇n|²/n², ∇²n/n, n̄_1/n, n̄_2/n, …) dr

with n̄_k the density averaged with a Gaussian of width w_k. The ratios are those that the known
functionals are made of: ε of Weizsäcker is |∇n|²/8n², that of Thomas and Fermi a power of n. So F is a
functional of any number of particles on any grid, extensive, zero where nothing is, and the same when
the grid is shifted or its axes are exchanged; and δF/δn(r) follows by differentiation
(`functional_derivative`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from mlmat.errors import InputError
from mlmat.nn.mlp import MLP
from mlmat.typing import Variables

SCALING = "scaling"
"""Collection of the variables that holds the statistics of the features; not trained."""


FLOOR = 1e-4
"""Density below which ratios to it mean nothing."""


class Densities(NamedTuple):
    """Densities on uniform grids, of one, two or three dimensions.

    Attributes:
        values: ``[B, g]``, ``[B, g, g']`` or ``[B, g, g', g'']``, per unit of length to the power of the
            dimension.
        spacing: ``[D]`` distance of grid points along each axis.
    """

    values: jax.Array
    spacing: jax.Array


def integral(function: jax.Array, spacing: jax.Array) -> jax.Array:
    """∫ f dr of functions ``[B, grid…]`` that vanish at the ends of the grid or repeat: ``[B]``."""
    return function.sum(axis=tuple(range(1, function.ndim))) * jnp.prod(spacing)


def differences(
    function: jax.Array, spacing: jax.Array, axis: int, periodic: bool
) -> tuple[jax.Array, jax.Array]:
    """First and second derivative along an axis by central differences of second order.

    Beyond the ends of a grid that is not periodic the function is zero.
    """
    if periodic:
        before, after = jnp.roll(function, 1, axis), jnp.roll(function, -1, axis)
    else:
        padded = jnp.pad(function, [(int(k == axis),) * 2 for k in range(function.ndim)])
        count = function.shape[axis]
        before = jax.lax.slice_in_dim(padded, 0, count, axis=axis)
        after = jax.lax.slice_in_dim(padded, 2, count + 2, axis=axis)
    h = spacing[axis - 1]
    return (after - before) / (2.0 * h), (after - 2.0 * function + before) / h**2


def averaged(function: jax.Array, spacing: jax.Array, width: float, periodic: bool) -> jax.Array:
    """Average with a Gaussian of this standard deviation, axis by axis."""
    for axis in range(1, function.ndim):
        count = function.shape[axis]
        apart = np.abs(np.arange(count)[:, None] - np.arange(count))
        apart = np.minimum(apart, count - apart) if periodic else apart
        h = spacing[axis - 1]
        weights = jnp.exp(-0.5 * (apart * h / width) ** 2) * h / (np.sqrt(2.0 * np.pi) * width)
        function = jnp.moveaxis(jnp.moveaxis(function, axis, -1) @ weights, -1, axis)
    return function


def local_features(
    densities: Densities, widths: tuple[float, ...], periodic: bool, floor: float = FLOOR
) -> jax.Array:
    """n, |∇n|²/n², ∇²n/n and averages over n at each point, ``[B, grid…, 3 + widths]``.

    Ratios are led to 0 where the density is below `floor`.
    """
    n, h = jnp.asarray(densities.values), jnp.asarray(densities.spacing)
    slopes = [differences(n, h, axis, periodic) for axis in range(1, n.ndim)]
    squared = sum(first**2 for first, _ in slopes)
    laplacian = sum(second for _, second in slopes)
    below = n**2 + floor**2
    smooth = [averaged(n, h, width, periodic) * n / below for width in widths]
    return jnp.stack([n, squared / below, laplacian * n / below, *smooth], axis=-1)


class DensityFunctional(nn.Module):
    """Densities → properties, in scaled units.

    Attributes:
        outputs: number of properties.
        hidden: widths of the hidden layers, tanh between them.
        widths: of the Gaussian averages, in units of length; none: a semi-local functional.
        periodic: whether the grid repeats; else the density is zero beyond it.
    """

    outputs: int = 1
    hidden: tuple[int, ...] = (24, 24)
    widths: tuple[float, ...] = ()
    periodic: bool = False

    @nn.compact
    def __call__(self, densities: Densities) -> jax.Array:
        """``[B, outputs]``."""
        x = local_features(densities, self.widths, self.periodic)
        zeros, ones = jnp.zeros(x.shape[-1], jnp.float32), jnp.ones(x.shape[-1], jnp.float32)
        mean = self.variable(SCALING, "mean", lambda: zeros).value
        spread = self.variable(SCALING, "spread", lambda: ones).value
        # Gradients have long tails; arsinh is linear near zero and logarithmic far out.
        x = jnp.arcsinh((x - mean) / spread)
        energy = MLP((*self.hidden, self.outputs), nn.tanh)(x)
        return jax.vmap(integral, (-1, None), -1)(
            energy * densities.values[..., None], jnp.asarray(densities.spacing)
        )

    @nn.nowrap
    def fitted(self, variables: Variables, densities: Densities) -> Variables:
        """Variables ``[M, …]`` whose features have mean 0 and variance 1 where particles are.

        Args:
            variables: of every member, with a leading member axis.
            densities: of the training part.

        Raises:
            InputError: densities that are not positive anywhere.
        """
        features = jax.jit(local_features, static_argnums=(1, 2))
        x = np.asarray(features(densities, self.widths, self.periodic), float)
        weights = np.asarray(densities.values, float).ravel()
        if not weights.sum() > 0:
            raise InputError("the densities hold no particles: give positive densities")
        x, weights = x.reshape(-1, x.shape[-1]), weights / weights.sum()
        mean = weights @ x
        spread = np.sqrt(weights @ (x - mean) ** 2)
        members = jax.tree.leaves(variables)[0].shape[0]
        found = {"mean": mean, "spread": np.where(spread > 0, spread, 1.0)}
        stored = {
            name: jnp.asarray(np.broadcast_to(value, (members, len(value))), jnp.float32)
            for name, value in found.items()
        }
        return {**variables, SCALING: stored}


def functional_derivative(functional: Callable[[Densities], jax.Array], densities: Densities) -> jax.Array:
    """δF/δn(r) at each point of the grid, ``[B, grid…]``, by automatic differentiation.

    F[n + δn] − F[n] = ∫ δF/δn δn dr to first order, so it is the derivative by the values at the
    points over the volume that each stands for.

    Args:
        functional: ``functional(densities) → [B]``, each of its own density alone.
        densities: where.
    """
    slope = jax.grad(lambda values: functional(densities._replace(values=values)).sum())(
        jnp.asarray(densities.values)
    )
    return slope / jnp.prod(jnp.asarray(densities.spacing))
