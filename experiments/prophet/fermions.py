"""Fermions without spin or interaction in a box of one dimension: densities and kinetic energies.

J. C. Snyder, M. Rupp, K. Hansen, K.-R. Müller, K. Burke, Phys. Rev. Lett. 108, 253002 (2012): walls at 0
and 1, and three Gaussian wells

    v(x) = −Σ_k a_k exp(−(x − b_k)²/(2 c_k²)),   a ∈ [1, 10], b ∈ [0.4, 0.6], c ∈ [0.03, 0.1]

Everything is in atomic units. The paper integrates by Numerov's method; here the Hamiltonian is
diagonalised in the box's own waves, which vanish at the walls and have an exact kinetic energy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mlmat.typing import Array

WAVES = 60
"""Waves of the basis: the shortest are three times shorter than the narrowest well."""


class Fermions(NamedTuple):
    """Ground states.

    Attributes:
        density: ``[B, G]``.
        kinetic: ``[B]`` T_s.
        energy: ``[B]``.
        potential: ``[B, G]``.
    """

    density: np.ndarray
    kinetic: np.ndarray
    energy: np.ndarray
    potential: np.ndarray


def grid(points: int) -> np.ndarray:
    """Places ``[G]`` between the walls; they are 1/(G + 1) apart, the walls one more step away."""
    return np.arange(1, points + 1) / (points + 1)


def wells(count: int, points: int, seed: int) -> np.ndarray:
    """Random potentials ``[B, G]`` of three Gaussian wells, drawn as in the paper."""
    rng = np.random.default_rng(seed)
    a, b, c = (rng.uniform(low, high, (count, 3, 1)) for low, high in ((1, 10), (0.4, 0.6), (0.03, 0.1)))
    return -(a * np.exp(-((grid(points) - b) ** 2) / (2 * c**2))).sum(axis=1)


def solve(potential: np.ndarray, particles: int) -> Fermions:
    """Ground state of so many fermions in each potential ``[B, G]``."""
    points = potential.shape[1]
    number = np.arange(1, WAVES + 1)
    waves = np.sqrt(2.0) * np.sin(np.pi * number[:, None] * grid(points))
    kinetic = 0.5 * (np.pi * number) ** 2
    matrices = np.einsum("kg,bg,lg->bkl", waves, potential / (points + 1), waves, optimize=True)
    energies, vectors = np.linalg.eigh(matrices + np.diag(kinetic))
    occupied = vectors[:, :, :particles]
    orbitals = np.einsum("bkn,kg->bng", occupied, waves, optimize=True)
    return Fermions(
        (orbitals**2).sum(axis=1),
        np.einsum("bkn,k->b", occupied**2, kinetic),
        energies[:, :particles].sum(axis=1),
        potential,
    )


def thomas_fermi(density: Array) -> Array:
    """T = π²/6 ∫ n³ dx ``[B]``: fermions without spin in one dimension, exact where n is constant.

    NumPy or JAX, as the one below.
    """
    return np.pi**2 / 6 * (density**3).sum(axis=1) / (density.shape[1] + 1)


def weizsaecker(density: Array) -> Array:
    """T = ∫ n'²/(8n) dx ``[B]``, exact for one particle: there it is ½ ∫ (d√n/dx)² dx."""
    root = density**0.5
    inner = ((root[:, 1:] - root[:, :-1]) ** 2).sum(axis=1)
    return 0.5 * (inner + root[:, 0] ** 2 + root[:, -1] ** 2) * (density.shape[1] + 1)
