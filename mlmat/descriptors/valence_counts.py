"""What a molecule is made of, counted: elements, bonds by pair of elements, electron pairs.

The descriptors of composite corrections (`mlmat.learners.additive_correction`) and of the small
networks that correct heats of formation (J. Sun et al., J. Phys. Chem. A 118, 9120 (2014)). Bonds are
found from distances; their order is not, so a double bond counts as the single one does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlmat.elements import property_by_number, symbols
from mlmat.errors import InputError

STRETCH = 1.25
"""Atoms are bonded below this multiple of the sum of their covalent radii."""


class Kinds(NamedTuple):
    """What is counted, so that training and test molecules have the same columns; hashable.

    Attributes:
        elements: atomic numbers.
        bonds: ``(Z_1, Z_2)``, Z_1 <= Z_2.
    """

    elements: tuple[int, ...]
    bonds: tuple[tuple[int, int], ...]

    def names(self) -> list[str]:
        """Name of each column of `valence_counts`."""
        pairs = ["-".join(symbols(pair)) for pair in self.bonds]
        return [*symbols(self.elements), *pairs, "electron pairs", "unpaired electrons"]


def find_kinds(molecules: Sequence[tuple[np.ndarray, np.ndarray]], least: int = 1) -> Kinds:
    """The elements of some molecules, and the bonds that at least so many of them have.

    Args:
        molecules: numbers ``[n]`` and positions ``[n, 3]`` (Å) of each.
        least: a bond in fewer molecules has no column.
    """
    elements = sorted({int(z) for numbers, _ in molecules for z in numbers})
    seen: dict[tuple[int, int], int] = {}
    for numbers, positions in molecules:
        for pair in set(_bonds(np.asarray(numbers), positions)):
            seen[pair] = seen.get(pair, 0) + 1
    return Kinds(tuple(elements), tuple(sorted(pair for pair, count in seen.items() if count >= least)))


def valence_counts(
    molecules: Sequence[tuple[np.ndarray, np.ndarray]], kinds: Kinds, unpaired: np.ndarray | None = None
) -> np.ndarray:
    """Count elements, bonds, pairs n_β and unpaired n_α − n_β of valence electrons of neutral molecules.

    Args:
        molecules: numbers ``[n]`` and positions ``[n, 3]`` (Å) of each.
        kinds: from `find_kinds` of the training molecules.
        unpaired: ``[m]`` unpaired electrons, the multiplicity less 1; default: the fewest there can be,
            which is wrong for triplets such as O₂.

    Returns:
        ``[m, K]`` float64, columns as `Kinds.names`.

    Raises:
        InputError: more unpaired electrons than there are, or an odd number of the rest.
    """
    valence = np.nan_to_num(property_by_number("valence_electrons"))
    counts = np.zeros((len(molecules), len(kinds.elements) + len(kinds.bonds) + 2))
    for row, (numbers, positions) in enumerate(molecules):
        numbers = np.asarray(numbers)
        electrons = int(valence[numbers].sum())
        alone = electrons % 2 if unpaired is None else int(unpaired[row])
        if not 0 <= alone <= electrons or (electrons - alone) % 2:
            raise InputError(
                f"molecule {row} has {electrons} valence electrons, of which {alone} cannot be unpaired: "
                "check its multiplicity"
            )
        found = _bonds(numbers, positions)
        counts[row] = [
            *(int((numbers == z).sum()) for z in kinds.elements),
            *(found.count(pair) for pair in kinds.bonds),
            (electrons - alone) // 2,
            alone,
        ]
    return counts


def _bonds(numbers: np.ndarray, positions: np.ndarray) -> list[tuple[int, int]]:
    """``(Z_1, Z_2)``, Z_1 <= Z_2, of every bond."""
    radii = property_by_number("covalent_radius")[numbers]
    rows, columns = np.triu_indices(len(numbers), 1)
    positions = np.asarray(positions, np.float64)
    apart = np.linalg.norm(positions[rows] - positions[columns], axis=-1)
    close = apart < STRETCH * (radii[rows] + radii[columns])
    first, second = numbers[rows[close]], numbers[columns[close]]
    return list(zip(np.minimum(first, second).tolist(), np.maximum(first, second).tolist(), strict=True))
