"""Chebyshev descriptor of aenet: radial and angular distributions, expanded and weighted by element.

N. Artrith, A. Urban, G. Ceder, Phys. Rev. B 96, 014112 (2017). Of atom i, with f the cosine cutoff and
T_n the Chebyshev polynomials of the first kind:

    c_n = Σ_j w_j T_n(2 r_ij / r_c − 1) f(r_ij)                       n = 0 … N_r
    a_n = Σ_{j<k} w_j w_k T_n(cos θ) f(r_ij) f(r_ik)                   n = 0 … N_a

once with w = 1 and, where there is more than one element, once with w the pseudo-spin of the element:
…, −2, −1, (0,) 1, 2, …. The length does not depend on the number of elements.

The work grows with the number of neighbours, not with that of their pairs: T_n = Σ_l t_nl P_l in Legendre
polynomials, and P_l(cos θ) is a scalar product of spherical harmonics Y_l (of norm 1), so that

    a_n = ½ [Σ_l t_nl |Σ_j w_j f(r_ij) Y_l(r_ij)|² − Σ_j w_j² f(r_ij)²]                as T_n(1) = 1

Lengths in Å. Order of an atom's vector: c and a with w = 1, then c and a with pseudo-spins.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from numpy.polynomial import chebyshev as np_chebyshev
from numpy.polynomial import legendre

from mlmat.descriptors.triples import Environment
from mlmat.errors import InputError
from mlmat.graphs.segment import segment_sum
from mlmat.nn.radial import cosine_cutoff


@dataclass(frozen=True)
class ChebyshevDescriptor:
    """Sizes of the expansion; by default those of aenet's TiO₂ example.

    Attributes:
        cutoff: of the radial part, Å.
        radial: order N_r.
        angular_cutoff: of the angular part, Å.
        angular: order N_a, at most 11.
    """

    cutoff: float = 8.0
    radial: int = 16
    angular_cutoff: float = 6.5
    angular: int = 4

    def __post_init__(self):
        if self.radial < 0 or not 0 <= self.angular <= 11 or not 0 < self.angular_cutoff <= self.cutoff:
            raise InputError(
                "a Chebyshev descriptor needs orders of at least 0, an angular one of at most 11, and an "
                f"angular cutoff above 0 Å that is not beyond the radial one: not {self}"
            )

    @property
    def triple_cutoff(self) -> None:
        """None: it takes no list of triples."""
        return None

    def size(self, elements: int) -> int:
        """Length of an atom's vector."""
        return (self.radial + self.angular + 2) * (1 if elements == 1 else 2)

    def __call__(self, environment: Environment, elements: int) -> jax.Array:
        """Descriptors ``[n, size(elements)]``."""
        n, kinds = environment.species.shape[0], environment.senders
        weights = jnp.ones((len(kinds), 1), environment.distances.dtype)
        if elements > 1:
            spins = jnp.asarray(pseudo_spins(elements), weights.dtype)
            weights = jnp.concatenate([weights, spins[kinds][:, None]], axis=1)
        pairs = chebyshev(2.0 * environment.distances / self.cutoff - 1.0, self.radial)
        pairs = weights[:, :, None] * (pairs * environment.cutoffs[:, None])[:, None]
        c = _per_atom(pairs, environment.receivers, n)
        return jnp.concatenate([c, self._angular(environment, weights)], axis=2).reshape(n, -1)

    def _angular(self, environment: Environment, weights: jax.Array) -> jax.Array:
        """a_n of each weighting ``[n, weightings, N_a + 1]``."""
        # Here, because every predictor file is read with this module in memory, and few need it.
        from e3nn_jax import spherical_harmonics

        d, n = environment.distances, environment.species.shape[0]
        near = (d > 0) & (d < self.angular_cutoff)
        # A vector of zero length has no direction; its weight is 0.
        directions = environment.vectors / jnp.where(near, d, 1.0)[:, None]
        orders = [f"{k}{'eo'[k % 2]}" for k in range(self.angular + 1)]
        harmonics = spherical_harmonics(orders, directions, normalize=False, normalization="norm").array
        faded = weights * jnp.where(near, cosine_cutoff(d, self.angular_cutoff), 0.0)[:, None]
        moments = _per_atom(faded[:, :, None] * harmonics[:, None], environment.receivers, n)
        itself = _per_atom(faded**2, environment.receivers, n)
        ends = [(k + 1) ** 2 for k in range(self.angular)]
        powers = jnp.stack([(part**2).sum(axis=-1) for part in jnp.split(moments, ends, axis=-1)], axis=-1)
        return 0.5 * (powers @ jnp.asarray(_in_legendre(self.angular), powers.dtype) - itself[..., None])


def _per_atom(values: jax.Array, receivers: jax.Array, atoms: int) -> jax.Array:
    return segment_sum(values, receivers, atoms, indices_are_sorted=True)


def _in_legendre(order: int) -> np.ndarray:
    """t_nl as ``[l, n]``: column n is T_n in Legendre polynomials."""
    found = np.zeros((order + 1, order + 1))
    for n in range(order + 1):
        found[: n + 1, n] = legendre.poly2leg(np_chebyshev.cheb2poly(np.eye(order + 1)[n]))[: n + 1]
    return found


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
