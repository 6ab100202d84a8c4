"""ANI atomic environment vectors: radial and modified angular symmetry functions.

J. S. Smith, O. Isayev, A. E. Roitberg, Chem. Sci. 8, 3192 (2017), equations 3 and 4. Of atom i,
with f the cosine cutoff, for each element of j:

    R_k = c Σ_j exp(−η_R (r_ij − s_k)²) f(r_ij)

and for each unordered pair of elements of j and k, with θ the angle at i:

    A_km = 2^(1−ζ) Σ_{j<k} (1 + cos(θ − θ_m))^ζ exp(−η_A ((r_ij + r_ik)/2 − s_k)²) f(r_ij) f(r_ik)

The published networks were trained with c = 1/4 and with θ = arccos(0.95 cos θ'), θ' the real angle,
which keeps θ away from 0 and π, where it has no derivative; both are kept. No arccos is taken:
cos(θ − θ_m) = cos θ cos θ_m + sin θ sin θ_m, and sin θ = √(1 − cos² θ) is never below 0.31.

Lengths in Å. Order of an atom's vector: element by element the radial functions; then pair by pair
of elements ((0,0), (0,1), …, (1,1), …), shift by shift, angle by angle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from mlmat.descriptors.triples import Environment, Triples, element_pair
from mlmat.errors import InputError
from mlmat.graphs.segment import segment_sum

DAMPING = 0.95
"""Of the cosine, see the head of this file."""


@dataclass(frozen=True)
class ANIDescriptor:
    """Constants of a set of atomic environment vectors.

    Attributes:
        cutoff: of the radial functions, Å.
        angular_cutoff: of the angular ones, Å.
        radial_eta: η_R, Å⁻².
        radial_shifts: s_k, Å.
        angular_eta: η_A, Å⁻².
        zeta: ζ.
        angular_shifts: s_k, Å.
        angles: θ_m.
        prefactor: c.
    """

    cutoff: float
    angular_cutoff: float
    radial_eta: float
    radial_shifts: tuple[float, ...]
    angular_eta: float
    zeta: float
    angular_shifts: tuple[float, ...]
    angles: tuple[float, ...]
    prefactor: float = 0.25

    def __post_init__(self):
        for name in ("radial_shifts", "angular_shifts", "angles"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not 0 < self.angular_cutoff <= self.cutoff:
            raise InputError(
                f"the angular cutoff ({self.angular_cutoff} Å) must be positive and not beyond "
                f"the radial one ({self.cutoff} Å)"
            )

    @property
    def triple_cutoff(self) -> float:
        """Of triples, Å."""
        return self.angular_cutoff

    def size(self, elements: int) -> int:
        """Length of an atom's vector."""
        pairs = elements * (elements + 1) // 2
        return elements * len(self.radial_shifts) + pairs * len(self.angular_shifts) * len(self.angles)

    def __call__(self, environment: Environment, elements: int) -> jax.Array:
        """Atomic environment vectors ``[n, size(elements)]``."""
        n = environment.species.shape[0]
        radial = self._radial(environment)
        where = environment.receivers * elements + environment.senders
        radial = segment_sum(radial, where, n * elements)
        triples = environment.triples
        pairs = elements * (elements + 1) // 2
        where = triples.centre * pairs + element_pair(triples.species, elements)
        angular = segment_sum(self._angular(triples), where, n * pairs)
        return jnp.concatenate([radial.reshape(n, -1), angular.reshape(n, -1)], axis=1)

    def _radial(self, environment: Environment) -> jax.Array:
        """Terms of the radial sum ``[e, K]``."""
        d = environment.distances
        shifts = jnp.asarray(self.radial_shifts, d.dtype)
        terms = jnp.exp(-self.radial_eta * (d[:, None] - shifts) ** 2)
        return terms * (self.prefactor * environment.cutoffs)[:, None]

    def _angular(self, triples: Triples) -> jax.Array:
        """Terms of the angular sum ``[t, K, M]``; flat only when summed, which XLA makes faster code of."""
        cosine = DAMPING * triples.cosine
        sine = jnp.sqrt(1.0 - cosine**2)
        angles, shifts = (jnp.asarray(v, cosine.dtype) for v in (self.angles, self.angular_shifts))
        base = 0.5 + 0.5 * (cosine[:, None] * jnp.cos(angles) + sine[:, None] * jnp.sin(angles))
        mean = 0.5 * (triples.distances[0] + triples.distances[1])
        near = jnp.exp(-self.angular_eta * (mean[:, None] - shifts) ** 2)
        near = near * (2.0 * triples.cutoffs[0] * triples.cutoffs[1])[:, None]
        return near[:, :, None] * power(base, self.zeta)[:, None, :]


def power(base: jax.Array, exponent: float) -> jax.Array:
    """``base ** exponent`` for a base ≥ 0 (but for rounding), by multiplications where it is an integer."""
    if exponent == int(exponent):
        return jax.lax.integer_pow(base, int(exponent))
    return jnp.maximum(base, 0.0) ** exponent


def _grid(start: float, stop: float, count: int) -> tuple[float, ...]:
    """`count` shifts from `start` in equal steps, the next of which would be `stop`."""
    return tuple(start + (stop - start) * k / count for k in range(count))


def _half_steps(count: int) -> tuple[float, ...]:
    """θ_m in the middle of `count` equal parts of 0 … π."""
    return tuple(math.pi * (2 * m + 1) / (2 * count) for m in range(count))


ANI_1 = ANIDescriptor(
    cutoff=4.6,
    angular_cutoff=3.1,
    radial_eta=16.0,
    radial_shifts=tuple(0.5 + 0.25625 * k for k in range(16)),
    angular_eta=6.0,
    zeta=8.0,
    angular_shifts=(0.5, 1.15, 1.8, 2.45),
    angles=tuple(math.pi * m / 4 for m in range(8)),
)
"""H, C, N, O; 384 numbers: of the first public network (the paper's own has 768)."""

ANI_1X = ANIDescriptor(
    cutoff=5.2,
    angular_cutoff=3.5,
    radial_eta=16.0,
    radial_shifts=_grid(0.9, 5.2, 16),
    angular_eta=8.0,
    zeta=32.0,
    angular_shifts=_grid(0.9, 3.5, 4),
    angles=_half_steps(8),
)
"""H, C, N, O; 384 numbers (Smith et al., J. Chem. Phys. 148, 241733 (2018))."""

ANI_2X = ANIDescriptor(
    cutoff=5.1,
    angular_cutoff=3.5,
    radial_eta=19.7,
    radial_shifts=_grid(0.8, 5.1, 16),
    angular_eta=12.5,
    zeta=14.1,
    angular_shifts=_grid(0.8, 3.5, 8),
    angles=_half_steps(4),
)
"""H, C, N, O, S, F, Cl; 1,008 numbers (Devereux et al., J. Chem. Theory Comput. 16, 4192 (2020))."""

PUBLISHED = {"ani-1": ANI_1, "ani-1x": ANI_1X, "ani-2x": ANI_2X}
"""Name → constants."""
