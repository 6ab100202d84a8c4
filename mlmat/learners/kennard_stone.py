"""Kennard–Stone selection: training items that cover the space of descriptors evenly.

R. W. Kennard, L. A. Stone, Technometrics 11, 137 (1969): begin with the two items farthest apart;
then always take the item whose nearest chosen item is farthest away (max–min). The extremes come
first, so the items that are left over lie inside what was chosen: errors on them are smaller than
on a random test part, and say nothing about extrapolation.
"""

from __future__ import annotations

import numpy as np

from mlmat.errors import InputError

ROWS = 500
"""Rows of the distance matrix in memory at a time, in the search for the first two."""


def kennard_stone(x: np.ndarray, count: int) -> np.ndarray:
    """Choose items by max–min Euclidean distance.

    Columns should be of one scale: standardise them first. Time N² D for the first two, then
    N D for each item.

    Args:
        x: ``[N, D]``.
        count: how many to choose.

    Returns:
        ``[count]`` indices in the order of their choice; the first k are the choice of k. Ties go to
        the lower index.

    Raises:
        InputError: fewer than two or more than N to choose, or values that are not finite.
    """
    x = np.asarray(x, np.float64)
    if x.ndim != 2 or not 2 <= count <= len(x):
        raise InputError(f"choose 2 to N items of descriptors [N, D], not {count} of {x.shape}")
    if not np.isfinite(x).all():
        raise InputError("descriptors with NaN or infinity have no distances: drop those items or columns")
    chosen = list(_farthest_pair(x))
    nearest = np.minimum(*(((x - x[k]) ** 2).sum(axis=1) for k in chosen))
    # An item is never its own second choice, even where all that is left equals what was chosen.
    nearest[chosen] = -1.0
    while len(chosen) < count:
        new = int(nearest.argmax())
        chosen.append(new)
        nearest = np.minimum(nearest, ((x - x[new]) ** 2).sum(axis=1))
        nearest[new] = -1.0
    return np.array(chosen)


def _farthest_pair(x: np.ndarray) -> tuple[int, int]:
    squared = (x**2).sum(axis=1)
    best, pair = -np.inf, (0, 1)
    for start in range(0, len(x), ROWS):
        rows = slice(start, start + ROWS)
        distances = squared[rows, None] + squared - 2 * x[rows] @ x.T
        # Rounding could make an item farthest from itself where all are equal.
        distances[np.arange(len(distances)), np.arange(start, start + len(distances))] = -np.inf
        i, j = np.unravel_index(distances.argmax(), distances.shape)
        if distances[i, j] > best:
            best, pair = distances[i, j], (start + int(i), int(j))
    return min(pair), max(pair)
