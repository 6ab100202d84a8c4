"""Effective-medium theory: a cheap many-body potential of the late transition metals and their alloys.

K. W. Jacobsen, P. Stoltze, J. K. Nørskov, Surf. Sci. 366, 394 (1996). Numbers equal those of
`ase.calculators.emt.EMT`: its cutoff is chosen from the largest atom of the table, and the
energy is relative to free atoms.

    θ(r)   = 1 / (1 + exp[a (r − r_c)])                                      cutoff function
    σ₁,i   = Σ_j (n₀,j / n₀,i) exp[−η₂,j (r − β s₀,j)] θ(r)
    s_i    = −ln(σ₁,i / 12 γ₁,i) / (β η₂,i)                                  radius minus s₀
    E_c    = E₀ (1 + λ s) exp(−λ s)                                          cohesive function
    E_AS   = 6 V₀ exp(−κ s) − ½ Σ_j [V₀,i/γ₂,i (n₀,j/n₀,i) exp(−κ_j (r/β − s₀,j)) ] θ(r)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import jraph
import numpy as np

from mlmat.errors import UnknownElementError
from mlmat.graphs.segment import segment_sum
from mlmat.potentials.potential import Potential, edges_within

PARAMETERS = {
    "Al": (-3.28, 3.00, 1.493, 1.240, 2.000, 1.169, 0.00700),
    "Ni": (-4.44, 2.60, 3.673, 1.669, 2.757, 1.948, 0.01030),
    "Cu": (-3.51, 2.67, 2.476, 1.652, 2.740, 1.906, 0.00910),
    "Pd": (-3.90, 2.87, 2.773, 1.818, 3.107, 2.155, 0.00688),
    "Ag": (-2.96, 3.01, 2.132, 1.652, 2.790, 1.892, 0.00547),
    "Pt": (-5.85, 2.90, 4.067, 1.812, 3.145, 2.192, 0.00802),
    "Au": (-3.80, 3.00, 2.321, 1.674, 2.873, 2.182, 0.00703),
}
"""Table 1 of the paper: E₀ (eV), s₀ (bohr), V₀ (eV), η₂, κ, λ (1/bohr), n₀ (1/bohr³)."""

BOHR = 0.5291772105638411
"""Å, as in ASE (CODATA 2014): the parameters and the cutoff follow from it."""

BETA = 1.809
"""Distance of nearest neighbours over Wigner–Seitz radius in fcc, (16π/3)^⅓ / √2, rounded as in ASE."""

WIDEST = 3.01 * BOHR
"""Å; s₀ of silver, from which the range of all elements follows."""

MIDPOINT = BETA * WIDEST * (math.sqrt(3.0) + 2.0) / 2.0
"""r_c, Å: half-way between third and fourth neighbours of the widest fcc metal."""

SLOPE = math.log(1e4 - 1.0) / (2.0 * BETA * WIDEST - MIDPOINT)
"""a, 1/Å: the cutoff function is 1e-4 at the fourth neighbours."""


@dataclass(frozen=True)
class EMT:
    """Energy function; parameters are ``[S]`` arrays by the names that `emt` gives them.

    Attributes:
        cutoff: Å; neighbours from here on are left out.
    """

    cutoff: float = MIDPOINT + 0.5

    def __call__(self, params: dict[str, jax.Array], graph: jraph.GraphsTuple) -> jax.Array:
        """Atomic energies ``[n]``, eV, relative to free atoms."""
        _, r, inside = edges_within(graph, self.cutoff)
        species = jnp.asarray(graph.nodes["species"])
        own = {name: jnp.asarray(value)[species] for name, value in params.items()}
        other = {name: own[name][graph.senders] for name in ("eta2", "kappa", "s0", "n0")}
        theta = jax.nn.sigmoid(-SLOPE * (r - MIDPOINT))
        density = jnp.where(inside, theta * other["n0"], 0.0)
        sigma = jnp.stack(
            [
                density * jnp.exp(-other["eta2"] * (r - BETA * other["s0"])),
                density * jnp.exp(-other["kappa"] * (r / BETA - other["s0"])),
            ],
            axis=1,
        )
        sigma = segment_sum(sigma, graph.receivers, len(species), indices_are_sorted=True)
        sigma = sigma / own["n0"][:, None]
        bound = sigma[:, 0] > 0
        s = -jnp.log(jnp.where(bound, sigma[:, 0], 1.0) / (12.0 * own["gamma1"])) / (BETA * own["eta2"])
        decay = own["lambda"] * s
        cohesive = own["E0"] * (1.0 + decay) * jnp.exp(-decay)
        overlap = 0.5 / own["gamma2"] * sigma[:, 1]
        atomic_sphere = own["V0"] * (6.0 * jnp.exp(-own["kappa"] * s) - overlap)
        return jnp.where(bound, cohesive + atomic_sphere, 0.0) - own["E0"]


def emt(elements: Sequence[str] = tuple(PARAMETERS)) -> Potential:
    """EMT for some of its elements, any mixture.

    Raises:
        UnknownElementError: an element without parameters.
    """
    for symbol in elements:
        if symbol not in PARAMETERS:
            raise UnknownElementError(symbol, tuple(PARAMETERS))
    table = np.array([PARAMETERS[symbol] for symbol in elements])
    units = np.array([1.0, BOHR, 1.0, 1 / BOHR, 1 / BOHR, 1 / BOHR, BOHR**-3])
    names = ("E0", "s0", "V0", "eta2", "kappa", "lambda", "n0")
    params = dict(zip(names, (table * units).T, strict=True))
    # First, second and third neighbours of an atom of fcc, at the equilibrium volume.
    counts, ratios = np.array([12.0, 6.0, 24.0]), np.sqrt([1.0, 2.0, 3.0])
    nearest = BETA * params["s0"][:, None]
    distances = nearest * ratios
    weight = counts / 12.0 / (1.0 + np.exp(SLOPE * (distances - MIDPOINT)))
    for name, decay in (("gamma1", params["eta2"]), ("gamma2", params["kappa"] / BETA)):
        params[name] = (weight * np.exp(-decay[:, None] * (distances - nearest))).sum(axis=1)
    return Potential(params, EMT(), tuple(elements))
