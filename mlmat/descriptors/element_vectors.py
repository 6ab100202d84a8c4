"""Elements as concatenated one-hot vectors, the atom features of CGCNN.

T. Xie, J. C. Grossman, Phys. Rev. Lett. 120, 145301 (2018), supplemental material, table I: group,
period, electronegativity, covalent radius, valence electrons, first ionisation energy, electron
affinity, block and atomic volume, each as one-hot; continuous ones in ten equal steps between the
smallest and the largest value of the periodic table, ionisation energy and volume in steps of their
logarithm. A property that an element does not have is all zeros.

Values come from `mlmat.elements`, not from the paper's own file, so single bits differ from it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlmat.elements import BLOCKS, atomic_numbers, property_by_number

BINS = 10

CATEGORIES = {"group": range(1, 19), "period": range(1, 9), "valence_electrons": range(1, 13)}
"""Properties that are whole numbers, and their values. Period 8 has no element yet; with it the vector
has the 92 numbers of the paper."""

CONTINUOUS = {
    "electronegativity": False,
    "covalent_radius": False,
    "ionisation_energy": True,
    "electron_affinity": False,
    "atomic_volume": True,
}
"""Properties in bins: whether of the logarithm."""

ORDER = (
    "group", "period", "electronegativity", "covalent_radius", "valence_electrons",
    "ionisation_energy", "electron_affinity", "block", "atomic_volume",
)  # fmt: skip
"""Order of the parts in a vector."""


def element_vectors(elements: Sequence[str]) -> np.ndarray:
    """Vectors ``[E, 92]`` of zeros and ones, float32.

    Args:
        elements: chemical symbols.

    Raises:
        InputError: an unknown symbol.
    """
    numbers = atomic_numbers(elements)
    return np.concatenate([_one_hot(name)[numbers] for name in ORDER], axis=1)


def _one_hot(name: str) -> np.ndarray:
    """One-hot of a property, indexed by atomic number; all zeros where it is not defined."""
    values = np.asarray(property_by_number(name), float)
    if name == "block":
        place, size = values, len(BLOCKS)
    elif name in CATEGORIES:
        place, size = values - CATEGORIES[name][0], len(CATEGORIES[name])
    else:
        if CONTINUOUS[name]:
            values = np.log(np.where(values > 0, values, np.nan))
        low, high = np.nanmin(values), np.nanmax(values)
        place, size = np.floor((values - low) / (high - low) * BINS), BINS
        place = np.where(values == high, BINS - 1, place)
    known = np.isfinite(values) & (place >= 0) & (place < size)
    rows = np.zeros((len(values), size), np.float32)
    rows[known, place[known].astype(int)] = 1.0
    return rows
