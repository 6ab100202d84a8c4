"""Symmetry functions chosen without a human: spread over the neighbourhood, then by what the data need.

G. Imbalzano, A. Anelli, D. Giofré, S. Klees, J. Behler, M. Ceriotti, J. Chem. Phys. 148, 241730 (2018):
a pool of functions of every scale, and a CUR decomposition of the descriptors of the training atoms,
which keeps those functions that best span all the others.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mlmat.descriptors.symmetry_functions import SymmetryFunctions
from mlmat.errors import InputError

NEAREST = 0.8
"""Å; no neighbour of interest is closer (H₂: 0.74 Å), so no function is centred there."""


def spread_functions(
    cutoff: float, *, radial: int = 8, angular: int = 2, zetas: tuple[float, ...] = (1.0, 4.0, 16.0)
) -> SymmetryFunctions:
    """A set that covers a neighbourhood evenly.

    G2 as shells: centres in equal steps from 0.8 Å to the cutoff, each as wide as the step. G5 with
    widths from the whole neighbourhood (η = 0 nearly) down to a third of it.

    Args:
        cutoff: Å.
        radial: functions of an element.
        angular: values of η of the angular functions; 0: none.
        zetas: their ζ, each with λ = −1 and 1.

    Raises:
        InputError: no functions, or a cutoff without room.
    """
    if radial < 1 or angular < 0 or cutoff <= NEAREST:
        raise InputError(
            f"symmetry functions need a cutoff above {NEAREST} Å and at least one radial function, "
            f"not {cutoff} and {radial}"
        )
    step = (cutoff - NEAREST) / radial
    shells = tuple((round(0.5 / step**2, 6), round(NEAREST + step * k, 6)) for k in range(radial))
    widths = np.geomspace(cutoff, cutoff / 3, angular) if angular > 1 else np.full(angular, cutoff)
    etas = tuple(round(0.5 / float(width) ** 2, 6) for width in widths)
    return SymmetryFunctions(cutoff, shells, angular_etas=etas, zetas=zetas, kind="G5")


def cur_selection(x: np.ndarray, count: int) -> np.ndarray:
    """Columns of a descriptor matrix that best span the others, most important first.

    One by one: the column with the largest weight in the leading right singular vector of what
    is left, from which its direction is then removed (section II C of the paper, k = 1).

    Args:
        x: ``[N, D]`` descriptors of atoms.
        count: columns to keep.

    Returns:
        ``[count]`` indices; fewer if the others are linear combinations of these.

    Raises:
        InputError: more columns wanted than there are, or none.
    """
    x = np.asarray(x, float)
    if not 1 <= count <= x.shape[1]:
        raise InputError(f"choose between 1 and {x.shape[1]} functions, not {count}")
    rest = x / np.maximum(np.abs(x).max(axis=0), 1e-12)
    # Of D × D numbers, however many atoms there are.
    gram = rest.T @ rest
    total, chosen = np.trace(gram), []
    for _ in range(count):
        if np.trace(gram) < 1e-12 * total:
            break
        leading = np.linalg.eigh(gram)[1][:, -1]
        weights = np.where(np.isin(np.arange(len(gram)), chosen), -1.0, leading**2)
        best = int(weights.argmax())
        if gram[best, best] <= 0:
            break
        chosen.append(best)
        gram = gram - np.outer(gram[:, best], gram[best]) / gram[best, best]
    return np.array(chosen)


def chosen_functions(
    functions: SymmetryFunctions, x: np.ndarray, count: int, elements: int
) -> SymmetryFunctions:
    """The radial functions of a pool that its descriptors need most; angular functions stay.

    Args:
        functions: the pool, with G2 functions alone among the radial ones.
        x: ``[N, D]`` its descriptors of the training atoms.
        count: G2 functions to keep.
        elements: of the descriptors.

    Raises:
        InputError: more functions wanted than there are, or a pool with G1 or G3.
    """
    if functions.counting or functions.cosines:
        raise InputError("a pool to choose from has G2 functions alone: leave G1 and G3 out")
    blocks = 1 if functions.weights else elements
    size = len(functions.radial)
    # A function counts by all its elements together.
    stacked = np.asarray(x, float)[:, : blocks * size].reshape(-1, size)
    keep = np.sort(cur_selection(stacked, count))
    return replace(functions, radial=tuple(functions.radial[k] for k in keep))
