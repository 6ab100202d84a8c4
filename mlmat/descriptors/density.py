"""How rare the surroundings of an atom are: the Gaussian density function of descriptors.

W. Jeong, K. Lee, D. Yoo, D. Lee, S. Han, J. Phys. Chem. C 122, 22790 (2018), as in SIMPLE-NN: of an atom
with scaled descriptors G (D of them) among N atoms of its element,

    ρ(G) = (1/N) Σ_j exp(−|G − G_j|² / (2 σ² D))

A potential fitted to crystals with few defects meets bulk atoms a thousand times as often as those at
the defect. Weighting the squared error of each atom's force with 1/ρ makes both count.

Host code: once for a training set, in blocks.
"""

from __future__ import annotations

import numpy as np

from mlmat.errors import InputError

BLOCK = 512
"""Atoms compared with all others at a time."""

STRAIGHT = 0.75
"""Share of the atoms, the most common first, whose 1/ρ lies on a straight line."""


def nearest_distances(x: np.ndarray) -> np.ndarray:
    """Root mean square difference ``[N]`` of each row of ``x [N, D]`` to the row most like it."""
    found = [np.sqrt(np.partition(block, 1, axis=1)[:, 1] / x.shape[1]) for block in _squared(x, x)]
    return np.concatenate(found)


def automatic_width(x: np.ndarray) -> float:
    """σ of SIMPLE-NN: a third of the largest `nearest_distances`.

    Raises:
        InputError: fewer than two atoms, or none that differ.
    """
    if len(x) < 2 or not (largest := float(nearest_distances(np.asarray(x, float)).max())) > 0:
        raise InputError("a density of surroundings needs at least two atoms with different descriptors")
    return largest / 3


def rarity(x: np.ndarray, among: np.ndarray, width: float) -> np.ndarray:
    """1/ρ ``[n]`` of atoms with scaled descriptors ``x [n, D]`` among those of ``among [N, D]``.

    Args:
        x: of the atoms asked for.
        among: of the training atoms of the same element.
        width: σ.

    Raises:
        InputError: a width that is not positive.
    """
    if not width > 0:
        raise InputError(f"the width of a density must be positive, not {width}")
    scale = 2 * width**2 * among.shape[1]
    density = np.concatenate([np.exp(-block / scale).mean(axis=1) for block in _squared(x, among)])
    # Far from every training atom the sum underflows; as rare as one atom alone a hundred times over.
    return 1.0 / np.maximum(density, 0.01 / len(among))


def automatic_bend(rare: np.ndarray) -> float:
    """C of SIMPLE-NN: where the straight part of the sorted 1/ρ ends."""
    ordered = np.sort(rare)[: max(2, int(STRAIGHT * len(rare)))]
    slope, start = np.polyfit(np.arange(len(ordered)), ordered, 1)
    return float(start + slope * (len(ordered) - 1))


def force_weights(
    x: np.ndarray, species: np.ndarray, *, width: float | None = None, steepness: float | None = 1.0
) -> np.ndarray:
    """Weights ``[N]`` of the atoms' squared force errors, with mean 1 over the atoms of an element.

    w ∝ 1/ρ, bent by r / (1 + exp(−b (r − c))) with r = 1/ρ, which takes weight from the most common
    atoms.

    Args:
        x: ``[N, D]`` scaled descriptors of the training atoms.
        species: ``[N]`` their elements.
        width: σ; None: `automatic_width`.
        steepness: b; None: not bent.

    Raises:
        InputError: see `automatic_width`.
    """
    x = np.asarray(x, float)
    weights = np.ones(len(x))
    for element in np.unique(species):
        rows = np.flatnonzero(species == element)
        own = rarity(x[rows], x[rows], automatic_width(x[rows]) if width is None else width)
        if steepness is not None:
            # The exponent is cut where the exponential no longer matters, before it overflows.
            own = own / (1 + np.exp(np.clip(-steepness * (own - automatic_bend(own)), None, 60.0)))
        weights[rows] = own / own.mean()
    return weights


def _squared(x: np.ndarray, among: np.ndarray):
    """Squared distances, `BLOCK` rows at a time ``[b, N]``."""
    lengths = (among**2).sum(axis=1)
    for first in range(0, len(x), BLOCK):
        block = x[first : first + BLOCK]
        yield np.maximum((block**2).sum(axis=1)[:, None] + lengths - 2 * block @ among.T, 0.0)
