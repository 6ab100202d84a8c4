"""FCHL19: the surroundings of each atom as smooth radial and angular functions.

A. S. Christensen, L. A. Bratholm, F. A. Faber, O. A. von Lilienfeld, J. Chem. Phys. 152, 044107
(2020). For atom i, with f the cosine cutoff:

two-body, one set for each element of j, log-normal in the distance:

    Σ_j r^−N₂ f(r) / (R_s s √2π) exp(−(ln R_s − μ)² / 2s²),   s² = ln(1 + η₂/r²), μ = ln r − ½ s²

three-body, one set for each pair of elements of j and k, with θ the angle at i:

    Σ_jk ξ √(η₃/π) exp(−η₃ (½(r_ij + r_ik) − R_s)²) 2 e^(−ζ²/2) {cos θ, sin θ} f(r_ij) f(r_ik)
    ξ = w₃ (1 + 3 cos θ_i cos θ_j cos θ_k) / (r_ij r_jk r_ki)^N₃        Axilrod and Teller

Lengths in Å, as in the paper. Pure, differentiable, exactly zero beyond the cutoff, so that a
sum over atoms of a function of it is size-extensive.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp

from mlmat.typing import Array


@dataclass(frozen=True)
class Settings:
    """The paper's parameters for energies.

    Attributes:
        elements: atomic numbers that occur.
        radial: R_s of the two-body functions.
        triple_radial: R_s of the three-body functions.
        cutoff: Å.
        eta2: η₂, Å².
        eta3: η₃, Å⁻².
        zeta: ζ.
        decay2: N₂.
        decay3: N₃.
        weight3: w₃.
    """

    elements: tuple[int, ...] = (1, 6, 7, 8, 16)
    radial: int = 24
    triple_radial: int = 20
    cutoff: float = 8.0
    eta2: float = 0.32
    eta3: float = 2.7
    zeta: float = 3.141592653589793
    decay2: float = 1.8
    decay3: float = 0.57
    weight3: float = 13.4

    @property
    def size(self) -> int:
        """Length of an atom's vector."""
        count = len(self.elements)
        return count * self.radial + count * (count + 1) * self.triple_radial


@partial(jax.jit, static_argnames="settings")
def fchl19(numbers: Array, positions: Array, settings: Settings = Settings()) -> jax.Array:
    """The descriptor of every atom.

    Args:
        numbers: ``[..., n]`` atomic numbers, 0 is padding; other elements than those of the
            settings count as padding.
        positions: ``[..., n, 3]`` Å.
        settings: static.

    Returns:
        ``[..., n, settings.size]``; zero for padding. First the two-body functions by element,
        then the three-body ones by pair of elements, the cosines of a pair before its sines.
    """
    numbers, positions = jnp.asarray(numbers), jnp.asarray(positions)
    if numbers.ndim > 1:
        return jax.vmap(lambda z, r: fchl19(z, r, settings))(numbers, positions)
    kinds = (numbers[:, None] == jnp.asarray(settings.elements)).astype(positions.dtype)
    real = kinds.sum(1) > 0
    pair = real[:, None] & real[None, :] & ~jnp.eye(len(numbers), dtype=bool)
    arrow = positions[None, :, :] - positions[:, None, :]
    # Twice where, so that the square root has a finite derivative where there is no pair.
    r = jnp.sqrt(jnp.where(pair, (arrow**2).sum(-1), 1.0))
    inside = pair & (r < settings.cutoff)
    fade = jnp.where(inside, 0.5 * (jnp.cos(jnp.pi * r / settings.cutoff) + 1), 0.0)
    triple = inside[:, :, None] & inside[:, None, :] & pair[None, :, :]
    parts = [_two_body(r, fade, kinds, settings), _three_body(arrow, r, fade, triple, kinds, settings)]
    return jnp.where(real[:, None], jnp.concatenate(parts, axis=1), 0.0)


def _grid(count: int, settings: Settings, dtype: jnp.dtype) -> jax.Array:
    return jnp.linspace(0, settings.cutoff, count + 1, dtype=dtype)[1:]


def _two_body(r: jax.Array, fade: jax.Array, kinds: jax.Array, settings: Settings) -> jax.Array:
    """``[n, elements · radial]``."""
    grid = _grid(settings.radial, settings, r.dtype)
    variance = jnp.log1p(settings.eta2 / r**2)[..., None]
    centre = jnp.log(r)[..., None] - 0.5 * variance
    bump = jnp.exp(-((jnp.log(grid) - centre) ** 2) / (2 * variance))
    bump = bump / (grid * jnp.sqrt(2 * jnp.pi * variance))
    weighted = (fade * r**-settings.decay2)[..., None] * bump
    return jnp.einsum("ijs,je->ies", weighted, kinds).reshape(len(r), -1)


def _three_body(
    arrow: jax.Array,
    r: jax.Array,
    fade: jax.Array,
    triple: jax.Array,
    kinds: jax.Array,
    settings: Settings,
) -> jax.Array:
    """``[n, pairs of elements · 2 · triple_radial]``."""
    grid = _grid(settings.triple_radial, settings, r.dtype)
    n = len(r)
    # i is the first axis, j the second, k the third.
    unit = arrow / r[..., None]
    cos_i = jnp.einsum("ijd,ikd->ijk", unit, unit)
    cos_j = jnp.einsum("jid,jkd->ijk", unit, unit)
    cos_k = jnp.einsum("kid,kjd->ijk", unit, unit)
    product = r[:, :, None] * r[:, None, :] * r[None, :, :]
    strength = settings.weight3 * (1 + 3 * cos_i * cos_j * cos_k) / product**settings.decay3
    strength = strength * fade[:, :, None] * fade[:, None, :]
    # The root has no derivative for collinear atoms: there sin θ is 0, and so is what we call its slope.
    square = 1 - cos_i**2
    bent = triple & (square > 1e-12)
    sin_i = jnp.where(bent, jnp.sqrt(jnp.where(bent, square, 1.0)), 0.0)
    norm = 2 * jnp.exp(-0.5 * settings.zeta**2) * (settings.eta3 / jnp.pi) ** 0.5
    angular = jnp.where(triple, norm * strength, 0.0)[..., None] * jnp.stack([cos_i, sin_i], axis=-1)
    middle = 0.5 * (r[:, :, None] + r[:, None, :])
    radial = jnp.exp(-settings.eta3 * (middle[..., None] - grid) ** 2)
    first, second = jnp.triu_indices(kinds.shape[1])
    # Summed over k into elements, then over j: no array of [n, n, n, 2 · radial] is written.
    over_k = jnp.einsum("ijka,ijks,kf->ijfas", angular, radial, kinds)
    both = jnp.einsum("ijfas,je->iefas", over_k, kinds)[:, first, second]
    # In a pair of equal elements each triple was counted as (j, k) and as (k, j).
    return (both * jnp.where(first == second, 0.5, 1.0)[:, None, None]).reshape(n, -1)
