"""Bispectrum of the neighbour density on the 3-sphere (SNAP, GAP, AMP).

A. P. Bartók, M. C. Payne, R. Kondor, G. Csányi, Phys. Rev. Lett. 104, 136403 (2010); A. P. Thompson et
al., J. Comput. Phys. 285, 316 (2015). A neighbour at r becomes the rotation of SU(2) about r by twice the
polar angle θ0 = π f r / r_c, so that its distance counts like a third angle:

    a = cos θ0 − i sin θ0 z/r        b = −sin θ0 (y + i x)/r
    u^j     = w_0 1 + Σ_j w_j f_c(r) U^j(a, b)                   j = 0, 1/2, 1 … J
    B_{j1 j2 j} = Tr[(u^j)† C† (u^{j1} ⊗ u^{j2}) C]              j2 ≤ j1 ≤ j ≤ j1 + j2

with U^j the matrices of the (2j+1)-dimensional representation and C the Clebsch–Gordan coefficients of
j1 ⊗ j2 → j. Turning the structure turns every u^j from both sides and leaves B, which is real, as it is.

Spins are given doubled (2j), as in SNAP's ``twojmax``. Order of an atom's vector: element by element
the triples (2 j1, 2 j2, 2 j) with j1, then j2, then j rising.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.descriptors.triples import Environment
from mlmat.errors import InputError
from mlmat.graphs.segment import segment_sum


@dataclass(frozen=True)
class BispectrumDescriptor:
    """Size of the expansion.

    Attributes:
        cutoff: r_c, Å.
        order: 2J, the largest spin doubled; 6 gives 30 components, 8 gives 55.
        weights: of each element, for one density; empty: one density for each element.
        centre: w_0, weight of the atom itself; SNAP: 1, AMP: 0.
        share: f, part of the half circle that the cutoff reaches; SNAP's 0.99363 keeps off its pole.
    """

    cutoff: float = 6.5
    order: int = 6
    weights: tuple[float, ...] = ()
    centre: float = 1.0
    share: float = 0.99363

    def __post_init__(self):
        object.__setattr__(self, "weights", tuple(self.weights))
        if not self.cutoff > 0 or not 0 <= self.order <= 14 or not 0 < self.share <= 1:
            raise InputError(
                f"a bispectrum needs a cutoff above 0 Å, an order from 0 to 14 and a share in (0, 1], "
                f"not {self.cutoff}, {self.order} and {self.share}"
            )

    @property
    def triple_cutoff(self) -> None:
        """None: it takes no list of triples."""
        return None

    @property
    def functions(self) -> tuple[tuple[int, int, int], ...]:
        """(2 j1, 2 j2, 2 j) in their order; other orders of the three differ by a factor only."""
        return tuple(
            (one, two, both)
            for one in range(self.order + 1)
            for two in range(one + 1)
            for both in range(one, min(self.order, one + two) + 1)
            if (one + two - both) % 2 == 0
        )

    def size(self, elements: int) -> int:
        """Length of an atom's vector."""
        return len(self.functions) * (1 if self.weights else elements)

    def __call__(self, environment: Environment, elements: int) -> jax.Array:
        """Descriptors ``[n, size(elements)]``.

        Raises:
            InputError: weights of another number of elements.
        """
        if self.weights and len(self.weights) != elements:
            raise InputError(f"{len(self.weights)} weights for {elements} elements: give one for each")
        atoms, faded = environment.species.shape[0], environment.cutoffs
        if self.weights:
            faded = faded * jnp.asarray(self.weights, faded.dtype)[environment.senders]
            where, rows = environment.receivers, atoms
        else:
            where, rows = environment.receivers * elements + environment.senders, atoms * elements
        densities = []
        for spin, matrix in enumerate(representations(*self._rotations(environment), self.order)):
            summed = segment_sum(faded[:, None, None] * matrix, where, rows)
            densities.append(summed + self.centre * jnp.eye(spin + 1, dtype=summed.dtype))
        found = []
        for one, two, both in self.functions:
            couple = jnp.asarray(clebsch_gordan(one, two, both), faded.dtype)
            product = jnp.einsum(
                "xac,xbd,abm,cdn->xmn", densities[one], densities[two], couple, couple, optimize="optimal"
            )
            found.append((densities[both].conj() * product).real.sum(axis=(1, 2)))
        return jnp.stack(found, axis=1).reshape(atoms, -1)

    def _rotations(self, environment: Environment) -> tuple[jax.Array, jax.Array]:
        """The two complex numbers a, b of every neighbour ``[e]``."""
        # Beyond the cutoff and at padding nothing counts; a unit vector keeps slopes finite there.
        inside = environment.cutoffs > 0
        x, y, z = jnp.where(inside[:, None], environment.vectors, jnp.asarray([0.0, 0.0, 1.0])).T
        length = jnp.sqrt(x**2 + y**2 + z**2)
        angle = math.pi * self.share / self.cutoff * length
        sine = jnp.sin(angle) / length
        return jax.lax.complex(jnp.cos(angle), -sine * z), jax.lax.complex(-sine * y, -sine * x)


def representations(a: jax.Array, b: jax.Array, order: int) -> list[jax.Array]:
    """Matrices of the rotations ``((a, b), (−b*, a*))`` for every spin up to `order` / 2.

    Spin n / 2 lives on the homogeneous polynomials of degree n: the rotation turns the variables x, y
    into a x + b y and −b* x + a* y, and a polynomial's coefficients follow by multiplication.

    Args:
        a: first complex number, ``[e]``.
        b: second, ``[e]``; |a|² + |b|² = 1.
        order: largest spin, doubled.

    Returns:
        for each n = 0 … order an array ``[e, n + 1, n + 1]``; row p is the image of
        √(n over p) x^(n−p) y^p, which makes the matrices unitary.
    """
    one, other = (a[:, None, None], b[:, None, None]), (-b.conj()[:, None, None], a.conj()[:, None, None])
    powers = jnp.ones_like(a)[:, None, None]
    found = [powers]
    for n in range(1, order + 1):
        rows = jnp.concatenate([_times(powers, *one), _times(powers[:, -1:], *other)], axis=1)
        powers = rows
        norms = np.sqrt([math.comb(n, p) for p in range(n + 1)])
        found.append(rows * jnp.asarray(norms[:, None] / norms[None], a.real.dtype))
    return found


def _times(rows: jax.Array, first: jax.Array, second: jax.Array) -> jax.Array:
    """Polynomials ``[e, p, n]`` times (first · x + second · y): ``[e, p, n + 1]``."""
    return jnp.pad(first * rows, ((0, 0), (0, 0), (0, 1))) + jnp.pad(second * rows, ((0, 0), (0, 0), (1, 0)))


def clebsch_gordan(one: int, two: int, both: int) -> np.ndarray:
    """Coefficients ``[one + 1, two + 1, both + 1]`` of the product of two spins, all doubled.

    Index p stands for m = j − p. Racah's formula.

    Raises:
        InputError: spins that do not couple.
    """
    if not abs(one - two) <= both <= one + two or (one + two + both) % 2:
        raise InputError(f"spins {one}/2 and {two}/2 do not couple to {both}/2")
    f = math.factorial
    s, t, u = (one + two - both) // 2, (one - two + both) // 2, (two - one + both) // 2
    size = (both + 1) * f(s) * f(t) * f(u) / f(s + t + u + 1)
    found = np.zeros((one + 1, two + 1, both + 1))
    for p in range(one + 1):
        for q in range(two + 1):
            r = p + q - s
            if not 0 <= r <= both:
                continue
            # Sum over k with every argument of a factorial at least 0.
            total = sum(
                (-1) ** k / (f(k) * f(s - k) * f(p - k) * f(two - q - k) * f(t - p + k) * f(q - s + k))
                for k in range(max(0, p - t, s - q), min(s, p, two - q) + 1)
            )
            parts = f(p) * f(one - p) * f(q) * f(two - q) * f(r) * f(both - r)
            found[p, q, r] = math.sqrt(size * parts) * total
    return found
