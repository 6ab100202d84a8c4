"""A fixed-length vector per structure in plain NumPy: what a baseline knows about geometry.

Composition, and for each pair of elements a histogram of inverse distances. It is
invariant to rotation, translation, order of atoms and choice of cell. Many structures
share a vector (it sees no angles): a yardstick, not a model.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import vesin

from mlmat.elements import symbols
from mlmat.errors import InputError

if TYPE_CHECKING:
    import ase

PAIRS = 45
"""Most pairs of elements with a histogram of their own (all pairs of nine elements); the
rarer ones share one, so that a set with eighty elements still has a short vector."""


@dataclass(frozen=True)
class StructureFeatures:
    """What the columns of a feature matrix mean.

    Attributes:
        elements: atomic numbers, ascending.
        pairs: pairs (lower, higher atomic number) with their own histogram.
        intensive: counts are per atom (sets with periodic structures) or plain sums.
        cutoff: largest distance, Å.
        bins: of one histogram, over inverse distances 1/cutoff to 1/0.7 Å.
    """

    elements: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]
    intensive: bool
    cutoff: float = 6.0
    bins: int = 16

    def __call__(self, structures: Sequence[ase.Atoms]) -> np.ndarray:
        """Features ``[n, 1 + elements + (pairs + 1) · bins]``, float64, not standardised.

        An element that is not among `elements` counts as an atom, and its distances in
        the last histogram, which all other pairs share.

        Raises:
            InputError: a structure without atoms, or with a position that is not finite.
        """
        return np.stack([self._one(structure) for structure in structures])

    def _one(self, structure: ase.Atoms) -> np.ndarray:
        numbers = structure.numbers
        i, j, distances = _distances(structure, self.cutoff)
        composition = (numbers[:, None] == np.array(self.elements, int)).sum(axis=0)
        row = {pair: k for k, pair in enumerate(self.pairs)}
        low, high = np.minimum(numbers[i], numbers[j]), np.maximum(numbers[i], numbers[j])
        codes, inverse = np.unique(low * 1000 + high, return_inverse=True)
        rows = np.array([row.get(divmod(int(code), 1000), len(self.pairs)) for code in codes], int)[inverse]
        histogram = np.zeros((len(self.pairs) + 1, self.bins))
        # Each distance is shared by the two nearest bins: no jump when it crosses an edge.
        ends = 1 / self.cutoff, 1 / 0.7
        place = np.clip((1 / distances - ends[0]) / (ends[1] - ends[0]), 0, 1) * (self.bins - 1)
        left = np.minimum(place.astype(int), self.bins - 2)
        np.add.at(histogram, (rows, left), left + 1 - place)
        np.add.at(histogram, (rows, left + 1), place - left)
        counts = np.concatenate([composition, histogram.ravel()])
        return np.concatenate([[len(numbers)], counts / len(numbers) if self.intensive else counts])

    def names(self) -> list[str]:
        """Name of each column."""
        pairs = ["-".join(symbols(pair)) for pair in self.pairs] + ["other pairs"]
        return [
            "atoms",
            *symbols(self.elements),
            *(f"{pair} {k}" for pair in pairs for k in range(self.bins)),
        ]


def describe(structures: Sequence[ase.Atoms], cutoff: float = 6.0, bins: int = 16) -> StructureFeatures:
    """The features that suit a set: its elements, and its commonest pairs of elements.

    Args:
        structures: the training set.
        cutoff: largest distance, Å.
        bins: of one histogram.

    Raises:
        InputError: no structures, or fewer than two bins.
    """
    if not len(structures) or bins < 2 or not cutoff > 0.7:
        raise InputError("structure features need a structure, two bins, and a cutoff above 0.7 Å")
    found: Counter[tuple[int, int]] = Counter()
    elements: set[int] = set()
    for structure in structures:
        present = sorted(set(structure.numbers.tolist()))
        elements.update(present)
        found.update((a, b) for k, a in enumerate(present) for b in present[k:])
    pairs = tuple(sorted(pair for pair, _ in found.most_common(PAIRS)))
    intensive = any(structure.pbc.any() for structure in structures)
    return StructureFeatures(tuple(sorted(elements)), pairs, intensive, cutoff, bins)


def _distances(structure: ase.Atoms, cutoff: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs i, j and their distances (Å) up to the cutoff, each pair once."""
    if not len(structure) or not np.isfinite(structure.positions).all():
        raise InputError("structure features need at least one atom, and finite positions")
    periodic = bool(structure.pbc.any())
    box = structure.cell.complete().array if periodic else np.zeros((3, 3))
    search = vesin.NeighborList(cutoff=cutoff, full_list=False, n_threads=1)
    i, j, distances = search.compute(
        structure.positions, box, structure.pbc if periodic else False, quantities="ijd"
    )
    # Atoms on top of each other fall into the bin of the shortest distances.
    return i, j, np.maximum(distances, 1e-6)
