"""Zernike descriptor of AMP: the surroundings of an atom as a density in a ball, without its orientation.

A. Khorshidi, A. A. Peterson, Comput. Phys. Commun. 207, 310 (2016). The neighbours of atom i, each with
weight w_j and faded by the cosine cutoff f, are a density in the ball of radius r_c; with Z_nlm = R_nl Y_lm
the orthonormal Zernike functions of that ball

    A_nlm = Σ_j w_j f(r_ij) R_nl(r_ij / r_c) Y_lm(r_ij)         n = 0 … N, l = n, n − 2, … ≥ 0
    p_nl  = Σ_m A_nlm²

p_nl does not change when the structure is turned. The sum over pairs of neighbours is in the square, so
that the work grows with the number of neighbours and not with its square; there is no list of triples.

One set for each element of j, or a single one with weights (AMP: the atomic numbers). R_nl is normalised
by ∫₀¹ R_nl² ρ² dρ = 1. Order of an atom's vector: element by element (n, l) = (0,0), (1,1), (2,0), (2,2), ….
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from mlmat.descriptors.triples import Environment
from mlmat.errors import InputError
from mlmat.graphs.segment import segment_sum


@dataclass(frozen=True)
class ZernikeDescriptor:
    """Size of the expansion.

    Attributes:
        cutoff: radius of the ball, Å.
        order: N; 5 in AMP.
        weights: of each element, for one set of functions; empty: one set for each element.
    """

    cutoff: float = 6.5
    order: int = 5
    weights: tuple[float, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "weights", tuple(self.weights))
        if not self.cutoff > 0 or not 0 <= self.order <= 11:
            raise InputError(
                f"a Zernike descriptor needs a cutoff above 0 Å and an order from 0 to 11, not {self.cutoff} "
                f"and {self.order}"
            )

    @property
    def triple_cutoff(self) -> None:
        """None: it takes no list of triples."""
        return None

    @property
    def functions(self) -> tuple[tuple[int, int], ...]:
        """(n, l) in their order."""
        return tuple((n, k) for n in range(self.order + 1) for k in range(n % 2, n + 1, 2))

    def size(self, elements: int) -> int:
        """Length of an atom's vector."""
        return len(self.functions) * (1 if self.weights else elements)

    def __call__(self, environment: Environment, elements: int) -> jax.Array:
        """Descriptors ``[n, size(elements)]``.

        Raises:
            InputError: weights of another number of elements.
        """
        # Here, because every predictor file is read with this module in memory, and few need it.
        from e3nn_jax import spherical_harmonics

        if self.weights and len(self.weights) != elements:
            raise InputError(f"{len(self.weights)} weights for {elements} elements: give one for each")
        atoms = environment.species.shape[0]
        inside = environment.cutoffs > 0
        # Beyond the ball the polynomials grow without bound, and count nothing.
        vectors = jnp.where(inside[:, None], environment.vectors, 0.0) / self.cutoff
        squares, faded = (vectors**2).sum(axis=1), environment.cutoffs
        if self.weights:
            faded = faded * jnp.asarray(self.weights, faded.dtype)[environment.senders]
            where, rows = environment.receivers, atoms
        else:
            where, rows = environment.receivers * elements + environment.senders, atoms * elements
        # ρ^l Y_lm is a polynomial of the vector: no root, and no direction of a zero vector.
        solid = [
            spherical_harmonics(f"{k}{'eo'[k % 2]}", vectors, normalize=False, normalization="integral").array
            for k in range(self.order + 1)
        ]
        terms = [(faded * _radial((n - k) // 2, k, squares))[:, None] * solid[k] for n, k in self.functions]
        moments = segment_sum(jnp.concatenate(terms, axis=1), where, rows)
        ends = [sum(2 * k + 1 for _, k in self.functions[: i + 1]) for i in range(len(self.functions) - 1)]
        powers = [(part**2).sum(axis=1) for part in jnp.split(moments, ends, axis=1)]
        return jnp.stack(powers, axis=1).reshape(atoms, -1)


def _radial(k: int, degree: int, squares: jax.Array) -> jax.Array:
    """R_nl(ρ) / ρ^l for n = 2k + l, as a polynomial of ρ²: √(2n + 3) times the Jacobi polynomial
    P_k^(0, l + 1/2)(2 ρ² − 1).
    """
    total = jnp.zeros_like(squares)
    for s in range(k + 1):
        # Binomial of a half-integer, from the gamma function.
        upper = k + degree + 0.5
        other = math.gamma(upper + 1) / (math.gamma(s + 1) * math.gamma(upper - s + 1))
        total += math.comb(k, s) * other * (squares - 1) ** s * squares ** (k - s)
    return math.sqrt(2 * (2 * k + degree) + 3) * total
