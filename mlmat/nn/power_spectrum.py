"""Angles between neighbours, finer than l = 2 tells them: the power spectrum of an atom's surroundings.

    A_i,kl,m = N^{-1/2} Σ_j B_k(d_ij) Y_lm(r_ij) z_j
    s_i,l    = (2l + 1)^{-1/2} Σ_m (U A_i,l,m) (V A_i,l,m)

Σ_m Y_lm(r) Y_lm(r') is 2l + 1 times the Legendre polynomial P_l of the cosine between r and r', so s holds
every pair of neighbours, at the cost of one sum over them (A. P. Bartók, R. Kondor, G. Csányi, Phys. Rev. B
87, 184115 (2013)).
"""

from __future__ import annotations

from collections.abc import Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp

from mlmat.nn.radial import safe_norm

CHANNELS = 8
"""Numbers that tell the elements of neighbours apart here; angles take few."""


def higher_harmonics(vectors: jax.Array, degree: int) -> list[jax.Array]:
    """Real spherical harmonics of l = 3 to `degree`, each of mean square 1 over the sphere.

    Args:
        vectors: ``[..., 3]``; a zero vector gives 0, and finite gradients.
        degree: largest l.

    Returns:
        ``[..., 2l + 1]`` for each l.
    """
    if degree < 3:
        return []
    # Here, because every predictor file is read with this module in memory, and few need it.
    from e3nn_jax import spherical_harmonics

    length = safe_norm(vectors)
    unit = vectors / jnp.where(length > 0, length, 1.0)[..., None]
    orders = [f"{k}{'eo'[k % 2]}" for k in range(3, degree + 1)]
    chunks = spherical_harmonics(orders, unit, normalize=False, normalization="component").chunks
    return [chunk[..., 0, :] for chunk in chunks]


class PowerSpectrum(nn.Module):
    """Scalars of every pair of an atom's neighbours.

    Attributes:
        elements: number of elements.
        features: channels of the result.
    """

    elements: int
    features: int

    @nn.compact
    def __call__(
        self,
        radial: Sequence[jax.Array],
        harmonics: Sequence[jax.Array],
        species: jax.Array,
        senders: jax.Array,
    ) -> jax.Array:
        """Neighbours of n atoms → ``[n, F]``.

        Args:
            radial: ``[n, basis, K]`` radial functions of each neighbour, one array for each l; 0 where
                there is none.
            harmonics: ``[n, K, 2l + 1]`` of each l.
            species: ``[n]``.
            senders: ``[n, K]`` neighbours.
        """
        z = nn.Embed(self.elements, CHANNELS, name="kinds")(species)[senders]
        found = []
        for functions, y in zip(radial, harmonics, strict=True):
            n, width, components = y.shape
            density = functions[:, None] * y.swapaxes(1, 2)[:, :, None]
            summed = (density.reshape(n, -1, width) @ z).reshape(n * components, -1)
            pair = nn.Dense(2 * self.features, use_bias=False, name=f"pair_{components // 2}")(summed)
            u, v = jnp.split(pair.reshape(n, components, -1), 2, axis=-1)
            found.append((u * v).sum(axis=1) * components**-0.5)
        return nn.Dense(self.features, use_bias=False, name="mixed")(jnp.concatenate(found, axis=-1))
