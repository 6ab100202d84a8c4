"""Pair potentials: Lennard-Jones and Morse, with an end that is smooth or shifted.

J. E. Lennard-Jones, Proc. Phys. Soc. 43, 461 (1931); P. M. Morse, Phys. Rev. 34, 57 (1929).
An atom has half the energy of each of its pairs:

    E_i = ½ Σ_j V(r_ij)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import jraph
import numpy as np

from mlmat.errors import InputError
from mlmat.graphs.segment import segment_sum
from mlmat.potentials.potential import Potential, edges_within, smooth_step


def _of_atoms(graph: jraph.GraphsTuple, pair_energies: jax.Array, inside: jax.Array) -> jax.Array:
    """Half the energy of each edge to its receiver, ``[n]``."""
    n = graph.nodes["species"].shape[0]
    return 0.5 * segment_sum(pair_energies, graph.receivers, n, mask=inside, indices_are_sorted=True)


def _of_edges(graph: jraph.GraphsTuple, table: jax.Array) -> jax.Array:
    """Entry of a ``[S, S]`` table for the elements at the ends of each edge."""
    if table.shape == (1, 1):
        return table[0, 0]
    species = jnp.asarray(graph.nodes["species"])
    return table[species[graph.receivers], species[graph.senders]]


@dataclass(frozen=True)
class LennardJones:
    """V(r) = 4 ε [(σ/r)¹² − (σ/r)⁶]; parameters ``epsilon [S, S]`` (eV) and ``sigma [S, S]`` (Å).

    Attributes:
        cutoff: Å.
        onset: Å, from where V is led to zero by a factor with two continuous derivatives; None:
            V is only shifted to zero at the cutoff, and the force jumps there.
    """

    cutoff: float
    onset: float | None = None

    def __call__(self, params: dict[str, jax.Array], graph: jraph.GraphsTuple) -> jax.Array:
        """Atomic energies ``[n]``, eV."""
        _, r, inside = edges_within(graph, self.cutoff)
        epsilon, sigma = (_of_edges(graph, params[name]) for name in ("epsilon", "sigma"))

        def pair(distance: jax.Array) -> jax.Array:
            power = (sigma / distance) ** 6
            return 4.0 * epsilon * (power * power - power)

        if self.onset is None:
            energies = pair(r) - pair(self.cutoff)
        else:
            energies = pair(r) * smooth_step(r, self.onset, self.cutoff)
        return _of_atoms(graph, energies, inside)


@dataclass(frozen=True)
class Morse:
    """V(r) = D [exp(−2 α (r − r₀)) − 2 exp(−α (r − r₀))], led to zero between onset and cutoff.

    Parameters ``depth`` (D, eV), ``steepness`` (α, 1/Å) and ``bond`` (r₀, Å), each ``[S, S]``.

    Attributes:
        cutoff: Å.
        onset: Å.
    """

    cutoff: float
    onset: float

    def __call__(self, params: dict[str, jax.Array], graph: jraph.GraphsTuple) -> jax.Array:
        """Atomic energies ``[n]``, eV."""
        _, r, inside = edges_within(graph, self.cutoff)
        depth, steepness, bond = (_of_edges(graph, params[k]) for k in ("depth", "steepness", "bond"))
        decay = jnp.exp(-steepness * (r - bond))
        energies = depth * decay * (decay - 2.0) * smooth_step(r, self.onset, self.cutoff)
        return _of_atoms(graph, energies, inside)


def lennard_jones(
    epsilon: float | Sequence[float] = 0.01042,
    sigma: float | Sequence[float] = 3.405,
    elements: Sequence[str] = ("Ar",),
    cutoff: float | None = None,
    smooth: bool = True,
) -> Potential:
    """Lennard-Jones potential; the defaults are argon (A. Rahman, Phys. Rev. 136, A405 (1964)).

    Args:
        epsilon: depth, eV, of each element.
        sigma: where V is zero, Å, of each element; pairs of two elements take the geometric mean
            of the depths and the arithmetic mean of the lengths (Lorentz and Berthelot).
        elements: chemical symbols.
        cutoff: Å; default 3 of the largest σ.
        smooth: lead the potential to zero over the last fifth of the cutoff; else shift it.

    Raises:
        InputError: numbers that are not positive, or not one for each element.
    """
    epsilon, sigma = _for_each(elements, epsilon=epsilon, sigma=sigma)
    cutoff = float(cutoff or 3.0 * sigma.max())
    params = {
        "epsilon": np.sqrt(epsilon[:, None] * epsilon),
        "sigma": 0.5 * (sigma[:, None] + sigma),
    }
    return Potential(params, LennardJones(cutoff, 0.8 * cutoff if smooth else None), tuple(elements))


def morse(
    depth: float | Sequence[float] = 0.3429,
    steepness: float | Sequence[float] = 1.3588,
    bond: float | Sequence[float] = 2.866,
    elements: Sequence[str] = ("Cu",),
    cutoff: float | None = None,
    onset: float | None = None,
) -> Potential:
    """Morse potential; the defaults are copper (L. Girifalco, V. Weizer, Phys. Rev. 114, 687 (1959)).

    Args:
        depth: D, eV, of each element; pairs of two elements take the geometric mean.
        steepness: α, 1/Å, of each element; pairs take the arithmetic mean.
        bond: r₀, Å, of each element; pairs take the arithmetic mean.
        elements: chemical symbols.
        cutoff: Å; default 2.7 of the longest bond.
        onset: Å, where the potential begins to be led to zero; default 1.9 of the longest bond.

    Raises:
        InputError: numbers that are not positive, or not one for each element.
    """
    depth, steepness, bond = _for_each(elements, depth=depth, steepness=steepness, bond=bond)
    params = {
        "depth": np.sqrt(depth[:, None] * depth),
        "steepness": 0.5 * (steepness[:, None] + steepness),
        "bond": 0.5 * (bond[:, None] + bond),
    }
    energy = Morse(float(cutoff or 2.7 * bond.max()), float(onset or 1.9 * bond.max()))
    return Potential(params, energy, tuple(elements))


def _for_each(elements: Sequence[str], **values: float | Sequence[float]) -> list[np.ndarray]:
    found = []
    for name, value in values.items():
        array = np.atleast_1d(np.asarray(value, float))
        if len(array) != len(elements) or not (array > 0).all():
            raise InputError(f"{name} must be one positive number for each of {', '.join(elements)}")
        found.append(array)
    return found
