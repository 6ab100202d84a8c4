"""Sizes of the neighbour list inside jit: chosen on the host, with room to spare."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import vesin

from mlmat.errors import InputError

MOST_IMAGES = 12
"""Images of a cell in a direction; one that would need more is no structure."""

SPARE = 1.15
"""Room for more neighbours than the first structure has."""


@dataclass(frozen=True)
class Grid:
    """The fixed sizes of a neighbour list; static in jit.

    Attributes:
        cutoff: Å.
        skin: Å beyond the cutoff that the list holds, so that it lasts for some steps.
        periodic: by direction of the cell.
        bins: number of bins along each direction.
        reach: bins to look at on either side, along each direction.
        per_bin: atoms a bin holds; a multiple of 32.
        edges: neighbours of all atoms together.
    """

    cutoff: float
    skin: float
    periodic: tuple[bool, bool, bool]
    bins: tuple[int, int, int]
    reach: tuple[int, int, int]
    per_bin: int
    edges: int

    @property
    def radius(self) -> float:
        """How far the list reaches, Å."""
        return self.cutoff + self.skin


def allocate(
    positions: np.ndarray, cell: np.ndarray, periodic: np.ndarray, cutoff: float, skin: float
) -> Grid:
    """Sizes for a structure, with room to spare; host code.

    Args:
        positions: ``[n, 3]`` Å.
        cell: ``[3, 3]`` rows are vectors; complete, also where it is not periodic.
        periodic: ``[3]``.
        cutoff: Å.
        skin: Å.

    Raises:
        InputError: a cell so flat that an atom would see itself a dozen times in a direction.
    """
    radius = cutoff + skin
    inverse = np.linalg.inv(cell)
    height = 1.0 / np.linalg.norm(inverse, axis=0)
    along = (positions @ inverse) * height
    extent = np.where(periodic, height, np.ptp(along, axis=0))
    # More bins than atoms hold nothing: a cluster that flies apart must not fill the memory.
    most = max(4, math.ceil(2 * len(positions) ** (1 / 3)))
    bins = np.where(periodic, np.floor(extent / radius), np.minimum(np.floor(extent / radius) + 1, most))
    bins = np.maximum(bins, 1).astype(int)
    reach = np.where(periodic, np.ceil(radius * bins / height - 1e-9), np.minimum(bins - 1, 1)).astype(int)
    if (reach > MOST_IMAGES).any():
        thin = height[reach > MOST_IMAGES].min()
        raise InputError(
            f"the cell is too small: its faces are {thin:.3g} Å apart and the cutoff is {cutoff:g} Å; "
            "check the cell, or repeat it before simulating"
        )
    # The same bins as in `rebuild`; neighbours are counted by the list of the host, which compiles nothing.
    place = np.where(periodic, (along / height % 1.0) * bins, (along - along.min(axis=0)) / radius)
    place = np.clip(np.floor(place).astype(int), 0, bins - 1)
    box = cell if np.any(periodic) else np.zeros((3, 3))
    search = vesin.NeighborList(cutoff=radius, full_list=True, n_threads=1)
    (receivers,) = search.compute(positions, box, np.asarray(periodic, bool), quantities="i")
    needed = (np.bincount(bin_number(place, bins)).max(), len(receivers))
    sizes = tuple(map(int, bins)), tuple(map(int, reach)), 0, 0
    return _with_room(Grid(float(cutoff), float(skin), tuple(map(bool, periodic)), *sizes), needed)


def grown(grid: Grid, needed: np.ndarray) -> Grid:
    """The grid with what a list would have needed (`Neighbours.needed`), and some to spare; host code."""
    return _with_room(grid, needed[:2])


def _with_room(grid: Grid, needed: np.ndarray) -> Grid:
    atoms, edges = (math.ceil(SPARE * int(count)) + 2 for count in needed)
    return replace(
        grid,
        per_bin=max(grid.per_bin, 32 * math.ceil(atoms / 32)),
        edges=max(grid.edges, 64 * math.ceil(edges / 64)),
    )


def bin_number(place: np.ndarray, bins: np.ndarray) -> np.ndarray:
    """Number of the bin at a place ``[..., 3]``; NumPy or JAX."""
    return (place[..., 0] * bins[1] + place[..., 1]) * bins[2] + place[..., 2]
