"""The Stillinger–Weber potential of silicon: pairs, and angles that want to be tetrahedral.

F. H. Stillinger, T. A. Weber, Phys. Rev. B 31, 5262 (1985), equations 2.1 to 2.6:

    E    = Σ_{i<j} v₂(r_ij) + Σ_i Σ_{j<k} h(r_ij, r_ik, θ_jik)
    v₂   = ε A [B (σ/r)ᵖ − (σ/r)^q] exp[σ / (r − aσ)]
    h    = ε λ exp[γσ/(r_ij − aσ) + γσ/(r_ik − aσ)] (cos θ_jik + 1/3)²

With g_j = exp[γσ/(r_ij − aσ)] and unit vectors u_j, the sum over pairs of neighbours is

    Σ_{j,k} g_j g_k (u_j·u_k + 1/3)² = ‖Σ_j g_j u_j⊗u_j‖² + ⅔ ‖Σ_j g_j u_j‖² + (Σ_j g_j)² / 9

less its diagonal, 16/9 Σ_j g_j², and halved: exact, and linear in the number of neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import jraph

from mlmat.graphs.segment import segment_sum
from mlmat.potentials.potential import Potential, edges_within

SILICON = {
    "epsilon": 2.16826,
    "sigma": 2.0951,
    "A": 7.049556277,
    "B": 0.6022245584,
    "lambda": 21.0,
    "gamma": 1.20,
}
"""ε (eV) and σ (Å) as commonly used for 50 kcal/mol and 0.20951 nm; p = 4, q = 0."""

REACH = 1.80
"""a: the cutoff is a σ."""


@dataclass(frozen=True)
class StillingerWeber:
    """Energy function of one element; parameters as in `SILICON`, p = 4 and q = 0.

    Attributes:
        cutoff: a σ, Å; where all its terms vanish with all their derivatives.
    """

    cutoff: float

    def __call__(self, params: dict[str, jax.Array], graph: jraph.GraphsTuple) -> jax.Array:
        """Atomic energies ``[n]``, eV: half of each pair, and the angles at the atom."""
        vectors, r, inside = edges_within(graph, self.cutoff)
        sigma = params["sigma"]
        # Close to the cutoff the exponent runs to −∞, which is zero in any precision long before.
        gap = jnp.where(inside, jnp.minimum(r - self.cutoff, -1e-3 * self.cutoff), -1.0)
        pair = params["A"] * (params["B"] * (sigma / r) ** 4 - 1.0) * jnp.exp(sigma / gap)
        g = jnp.where(inside, jnp.exp(params["gamma"] * sigma / gap), 0.0)
        u = vectors / r[:, None]
        first, second = g[:, None] * u, (g[:, None] * u)[:, :, None] * u[:, None, :]
        columns = [
            jnp.where(inside, pair, 0.0)[:, None],
            g[:, None],
            (g * g)[:, None],
            first,
            second.reshape(-1, 9),
        ]
        n = graph.nodes["species"].shape[0]
        sums = segment_sum(jnp.concatenate(columns, axis=1), graph.receivers, n, indices_are_sorted=True)
        pairs, s, squares, v, m = sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3:6], sums[:, 6:]
        angles = (m * m).sum(axis=1) + (2 / 3) * (v * v).sum(axis=1) + s * s / 9 - (16 / 9) * squares
        return 0.5 * params["epsilon"] * (pairs + params["lambda"] * angles)


def stillinger_weber() -> Potential:
    """Silicon with the parameters of the paper."""
    return Potential(dict(SILICON), StillingerWeber(REACH * SILICON["sigma"]), ("Si",))
