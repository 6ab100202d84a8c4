"""Atom-centred symmetry functions of Behler, and their element-weighted variants.

J. Behler, J. Chem. Phys. 134, 074106 (2011), equations 5 to 9. Of atom i, with f the cosine cutoff:

    G1 = Σ_j f(r_ij)
    G2 = Σ_j exp(−η (r_ij − R_s)²) f(r_ij)
    G3 = Σ_j cos(κ r_ij) f(r_ij)
    G4 = 2^(1−ζ) Σ_{j<k} (1 + λ cos θ)^ζ exp(−η (r_ij² + r_ik² + r_jk²)) f(r_ij) f(r_ik) f(r_jk)
    G5 = 2^(1−ζ) Σ_{j<k} (1 + λ cos θ)^ζ exp(−η (r_ij² + r_ik²)) f(r_ij) f(r_ik)

once for each element of j, and for each unordered pair of elements of j and k. Every pair j, k counts
once, as in n2p2, aenet and SIMPLE-NN (the equations of 2011 sum over all j, k ≠ i: twice that).

Weighted (M. Gastegger et al., J. Chem. Phys. 148, 241709 (2018)): one set for all elements, with
Z_j before each term of a pair and Z_j Z_k before each term of a triple, so that the number of functions
does not grow with the number of elements.

Lengths in Å, η in Å⁻², κ in Å⁻¹. Order of an atom's vector: element by element G1, G2s, G3s; then
pair by pair of elements ((0,0), (0,1), …, (1,1), …) η by η, λ by λ, ζ by ζ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp

from mlmat.descriptors.ani import power
from mlmat.descriptors.triples import Environment, Triples, element_pair
from mlmat.errors import InputError
from mlmat.graphs.segment import segment_sum
from mlmat.nn.radial import cosine_cutoff


@dataclass(frozen=True)
class SymmetryFunctions:
    """A set of symmetry functions.

    Attributes:
        cutoff: of all functions, Å.
        radial: pairs (η, R_s) of G2.
        cosines: κ of G3.
        counting: whether there is G1.
        angular_etas: η of the angular functions; empty: none.
        lambdas: λ of them, each −1 or 1.
        zetas: ζ of them.
        kind: "G4", with the third side of the triangle, or "G5".
        weights: atomic number (or any weight) of each element: the weighted variant; empty: one set
            of functions for each element.
    """

    cutoff: float
    radial: tuple[tuple[float, float], ...]
    cosines: tuple[float, ...] = ()
    counting: bool = False
    angular_etas: tuple[float, ...] = ()
    lambdas: tuple[float, ...] = (-1.0, 1.0)
    zetas: tuple[float, ...] = (1.0, 2.0, 4.0)
    kind: Literal["G4", "G5"] = "G4"
    weights: tuple[float, ...] = ()

    def __post_init__(self):
        # A file gives lists; only tuples make a frozen dataclass hashable.
        object.__setattr__(self, "radial", tuple(map(tuple, self.radial)))
        for name in ("cosines", "angular_etas", "lambdas", "zetas", "weights"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not self.cutoff > 0 or self.kind not in ("G4", "G5"):
            raise InputError(
                f"symmetry functions need a cutoff above 0 Å (it is {self.cutoff}) and the kind G4 or G5 "
                f"(it is {self.kind!r})"
            )
        if not all(abs(sign) == 1 for sign in self.lambdas):
            raise InputError(f"λ of an angular symmetry function is -1 or 1, not one of {self.lambdas}")

    @property
    def triple_cutoff(self) -> float | None:
        """Of triples, Å; None without angular functions."""
        return self.cutoff if self.angular_etas else None

    @property
    def per_element(self) -> int:
        """Radial functions of an element."""
        return int(self.counting) + len(self.radial) + len(self.cosines)

    @property
    def per_pair(self) -> int:
        """Angular functions of a pair of elements."""
        return len(self.angular_etas) * len(self.lambdas) * len(self.zetas)

    def size(self, elements: int) -> int:
        """Length of an atom's vector."""
        if self.weights:
            return self.per_element + self.per_pair
        return elements * self.per_element + elements * (elements + 1) // 2 * self.per_pair

    def __call__(self, environment: Environment, elements: int) -> jax.Array:
        """Symmetry functions ``[n, size(elements)]``.

        Raises:
            InputError: weights of another number of elements.
        """
        if self.weights and len(self.weights) != elements:
            raise InputError(f"{len(self.weights)} weights for {elements} elements: give one for each")
        n = environment.species.shape[0]
        terms, triples = self._radial(environment), environment.triples
        if self.weights:
            weights = jnp.asarray(self.weights, terms.dtype)
            terms = terms * weights[environment.senders][:, None]
            parts = [segment_sum(terms, environment.receivers, n, indices_are_sorted=True)]
        else:
            where = environment.receivers * elements + environment.senders
            parts = [segment_sum(terms, where, n * elements).reshape(n, -1)]
        if self.angular_etas:
            terms = self._angular(triples)
            if self.weights:
                a, b = triples.species
                terms = terms * (weights[a] * weights[b])[:, None, None]
                summed = segment_sum(terms, triples.centre, n, indices_are_sorted=True)
            else:
                pairs = elements * (elements + 1) // 2
                where = triples.centre * pairs + element_pair(triples.species, elements)
                summed = segment_sum(terms, where, n * pairs)
            parts.append(summed.reshape(n, -1))
        return jnp.concatenate(parts, axis=1)

    def _radial(self, environment: Environment) -> jax.Array:
        """Terms of the sums over pairs ``[e, per_element]``."""
        d, f = environment.distances, environment.cutoffs
        eta, shift = (jnp.asarray([pair[i] for pair in self.radial], d.dtype) for i in (0, 1))
        parts = [jnp.exp(-eta * (d[:, None] - shift) ** 2)]
        if self.counting:
            parts.insert(0, jnp.ones((len(d), 1), d.dtype))
        if self.cosines:
            parts.append(jnp.cos(d[:, None] * jnp.asarray(self.cosines, d.dtype)))
        return jnp.concatenate(parts, axis=1) * f[:, None]

    def _angular(self, triples: Triples) -> jax.Array:
        """Terms of the sums over triples, ``[t, K, M]`` with K M = `per_pair`.

        Flat only when summed, which XLA makes faster code of.
        """
        cosine = triples.cosine
        a, b = triples.distances
        squares, weight = a**2 + b**2, triples.cutoffs[0] * triples.cutoffs[1]
        if self.kind == "G4":
            third = jnp.maximum(squares - 2 * a * b * cosine, 0.0)
            # Of padding the third side is 0, where a root has no slope.
            inside = third > 0
            side = jnp.where(inside, jnp.sqrt(jnp.where(inside, third, 1.0)), 0.0)
            squares, weight = squares + third, weight * cosine_cutoff(side, self.cutoff)
        etas = jnp.asarray(self.angular_etas, cosine.dtype)
        radial = jnp.exp(-squares[:, None] * etas) * (2.0 * weight)[:, None]
        bases = [0.5 + 0.5 * sign * cosine for sign in self.lambdas]
        # 2^(1−ζ) (1 + λ cos θ)^ζ = 2 ((1 + λ cos θ) / 2)^ζ.
        angular = jnp.stack([power(base, zeta) for base in bases for zeta in self.zetas], axis=1)
        return radial[:, :, None] * angular[:, None, :]
