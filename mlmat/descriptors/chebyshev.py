"""Chebyshev descriptor of aenet: radial and angular distributions, expanded and weighted by element.

N. Artrith, A. Urban, G. Ceder, Phys. Rev. B 96, 014112 (2017). Of atom i, with f the cosine cutoff and
T_n the Chebyshev polynomials of the first kind:

    c_n = Σ_j w_j T_n(2 r_ij / r_c − 1) f(r_ij)                       n = 0 … N_r
    a_n = Σ_{j<k} w_j w_k T_n(cos θ) f(r_ij) f(r_ik)                   n = 0 … N_a

once with w = 1 and, where there is more than one element, once with w the pseudo-spin of the element:
…, −2, −1, (0,) 1, 2, …. The length does not depend on the number of elements.

Lengths in Å. Order of an atom's vector: c and a with w = 1, then c and a with pseudo-spins.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from mlmat.descriptors.triples import Environment
from mlmat.errors import InputError


@dataclass(frozen=True)
class ChebyshevDescriptor:
    """Sizes of the expansion; by default those of aenet's TiO₂ example.

    Attributes:
        cutoff: of the radial part, Å.
        radial: order N_r.
        angular_cutoff: of the angular part, Å.
        angular: order N_a.
    """

    cutoff: float = 8.0
    radial: int = 16
    angular_cutoff: float = 6.5
    angular: int = 4

    def __post_init__(self):
        if min(self.radial, self.angular) < 0 or not 0 < self.angular_cutoff <= self.cutoff:
            raise InputError(
                "a Chebyshev descriptor needs orders of at least 0 and an angular cutoff above 0 Å that is "
                f"not beyond the radial one: not {self}"
            )

    def size(self, elements: int) -> int:
        """Length of an atom's vector."""
        return (self.radial + self.angular + 2) * (1 if elements == 1 else 2)

    def __call__(self, environment: Environment, elements: int) -> jax.Array:
        """Descriptors ``[n, size(elements)]``."""
        n = environment.species.shape[0]
        triples = environment.triples
        pairs = chebyshev(2.0 * environment.distances / self.cutoff - 1.0, self.radial)
        pairs = pairs * environment.cutoffs[:, None]
        angles = chebyshev(triples.cosine, self.angular)
        angles = angles * (triples.cutoffs[0] * triples.cutoffs[1])[:, None]
        if elements > 1:
            spins = jnp.asarray(pseudo_spins(elements), pairs.dtype)
            a, b = triples.species
            pairs = jnp.concatenate([pairs, pairs * spins[environment.senders][:, None]], axis=1)
            angles = jnp.concatenate([angles, angles * (spins[a] * spins[b])[:, None]], axis=1)
        c = jax.ops.segment_sum(pairs, environment.receivers, n, indices_are_sorted=True)
        a = jax.ops.segment_sum(angles, triples.centre, n, indices_are_sorted=True)
        c, a = (part.reshape(n, -1, order + 1) for part, order in ((c, self.radial), (a, self.angular)))
        return jnp.concatenate([c, a], axis=2).reshape(n, -1)


def chebyshev(x: jax.Array, order: int) -> jax.Array:
    """T_0 … T_order of each x: ``[...] → [..., order + 1]``; T_n = 2 x T_{n−1} − T_{n−2}."""
    values = [jnp.ones_like(x), x]
    while len(values) <= order:
        values.append(2 * x * values[-1] - values[-2])
    return jnp.stack(values[: order + 1], axis=-1)


def pseudo_spins(elements: int) -> tuple[float, ...]:
    """Weights …, −2, −1, (0,) 1, 2, … of the elements, as aenet numbers them."""
    half = elements // 2
    spins = [k for k in range(-half, half + 1) if k != 0 or elements % 2]
    return tuple(map(float, spins))
