"""Crystals → graphs of the nearest neighbours of each atom, as CGCNN takes them.

T. Xie, J. C. Grossman, Phys. Rev. Lett. 120, 145301 (2018): every atom has edges from its `neighbours`
nearest atoms (12) among those within `radius` (8 Å), periodic images counted one by one, so a pair
may have several edges, and an edge one direction only.

The fields are those of `mlmat.graphs.radius_graph`, with exactly `neighbours` edges for every atom,
nearest first: the sums over neighbours are sums over an axis. An atom with fewer neighbours has
edges from itself of zero length in their place, which models leave out, as they do padding.

Host code: arrays are NumPy, lengths in Å.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import ase
import jraph
import numpy as np

from mlmat.errors import InputError
from mlmat.graphs.atoms import as_atoms
from mlmat.graphs.radius_graph import RadiusGraphEncoder, check_overlap, find_neighbours

TIE = 1e-3
"""Å; distances that differ by less are equal, and the order then goes by element. Otherwise rounding
errors of a file would choose which of several equal neighbours is the twelfth."""


@dataclass(frozen=True)
class CrystalGraphEncoder:
    """``encoder(atoms)`` → `jraph.GraphsTuple` of one graph; see the head of this file.

    Attributes:
        elements: chemical symbols that the model shall know, in the order of `species`.
        neighbours: edges of every atom.
        radius: no neighbour is further away, Å.

    Raises:
        InputError: no elements, an unknown or doubled one, no neighbours, or a radius
            that is not a length.
    """

    elements: tuple[str, ...]
    neighbours: int = 12
    radius: float = 8.0

    kind: ClassVar[str] = "structure"
    continuous: ClassVar[bool] = False
    """Which atom is the last neighbour changes at once when atoms move, and the energy then jumps."""

    def __post_init__(self):
        object.__setattr__(self, "elements", tuple(self.elements))
        RadiusGraphEncoder(self.elements, self.radius)
        if self.neighbours < 1:
            raise InputError(f"an atom needs at least one neighbour, not {self.neighbours}")

    @property
    def cutoff(self) -> float:
        """The radius, under the name that other encoders have for it."""
        return self.radius

    def __call__(self, atoms: ase.Atoms) -> jraph.GraphsTuple:
        """Crystal, slab or molecule, any cell → graph.

        Raises:
            UnknownElementError: an element outside `elements`.
            InputError: see `RadiusGraphEncoder`.
        """
        atoms = as_atoms(atoms)
        species = RadiusGraphEncoder(self.elements, self.radius).checked_species(atoms)
        senders, cells = self._nearest(atoms, species)
        n = len(atoms)
        return jraph.GraphsTuple(
            nodes={"species": species, "positions": atoms.positions.astype(np.float32)},
            edges={"shift": (cells @ atoms.cell.array).astype(np.float32)},
            receivers=np.repeat(np.arange(n, dtype=np.int32), self.neighbours),
            senders=senders.astype(np.int32),
            globals=None,
            n_node=np.array([n], np.int32),
            n_edge=np.array([n * self.neighbours], np.int32),
        )

    def _nearest(self, atoms: ase.Atoms, species: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Senders ``[n K]`` and their cells ``[n K, 3]``."""
        n, width = len(atoms), self.neighbours
        radius = self._first_radius(atoms)
        while True:
            receivers, others, cells, distances = find_neighbours(atoms, radius)
            receivers, others = receivers.astype(int), others.astype(int)
            each = np.bincount(receivers, minlength=n)
            # To choose among equals, all of them must be within the radius: hence the tie's width.
            within = np.bincount(receivers[distances < radius - 2 * TIE], minlength=n)
            if radius >= self.radius or (within >= width).all():
                break
            radius = min(self.radius, 1.35 * radius)
        check_overlap(atoms, receivers, others, distances)
        order = np.lexsort((*cells.T[::-1], others, species[others], np.rint(distances / TIE), receivers))
        first = np.concatenate([[0], np.cumsum(each)[:-1]])
        rank = np.arange(len(receivers)) - first[receivers[order]]
        keep = order[rank < width]
        slots = receivers[keep] * width + rank[rank < width]
        senders = np.repeat(np.arange(n), width)
        senders[slots] = others[keep]
        found = np.zeros((n * width, 3), cells.dtype)
        found[slots] = cells[keep]
        return senders, found

    def _first_radius(self, atoms: ase.Atoms) -> float:
        """A radius that holds about twice as many atoms as are wanted, for a periodic structure."""
        if not atoms.pbc.all():
            return self.radius
        volume = abs(atoms.cell.volume) / len(atoms)
        return min(self.radius, (2 * self.neighbours * volume * 3 / (4 * math.pi)) ** (1 / 3))
