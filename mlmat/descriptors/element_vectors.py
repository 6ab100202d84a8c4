"""Elements as concatenated one-hot vectors, the atom features of CGCNN and SGCNN.

T. Xie, J. C. Grossman, Phys. Rev. Lett. 120, 145301 (2018), supplemental material, table I: group,
period, electronegativity, covalent radius, valence electrons, first ionisation energy, electron
affinity, block and atomic volume, each as one-hot; continuous ones in ten equal steps between the
smallest and the largest value of the periodic table, ionisation energy and volume in steps of their
logarithm. A property that an element does not have is all zeros.

M. Kim et al., arXiv 1812.02949 (2018), have the node features of SGCNN: group, and electronegativity,
atomic volume, electron affinity and atomic mass in ten bins each, whose bounds they state.

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


SURFACE_BINS = {
    "electronegativity": (0.5, 0.35),
    "atomic_volume": (1.5, 0.28),
    "electron_affinity": (-2.4, 0.6),
    "mass": (0.0, 27.0),
}
"""Start and width of the bins of SGCNN: Pauling's scale, ln(cm³/mol), eV, u."""


def surface_vectors(elements: Sequence[str]) -> np.ndarray:
    """Vectors ``[E, 58]`` of zeros and ones, float32: the node features of SGCNN.

    A value beyond the bins is in the nearest one; one that an element does not have is all zeros.

    Args:
        elements: chemical symbols.

    Raises:
        InputError: an unknown symbol.
    """
    numbers = atomic_numbers(elements)
    parts = [_one_hot("group")[numbers]]
    for name, (start, width) in SURFACE_BINS.items():
        values = property_by_number(name)[numbers]
        values = np.log(values) if name == "atomic_volume" else values
        known = np.isfinite(values)
        rows = np.zeros((len(numbers), BINS), np.float32)
        place = np.clip(np.floor((values[known] - start) / width), 0, BINS - 1).astype(int)
        rows[np.flatnonzero(known), place] = 1.0
        parts.append(rows)
    return np.concatenate(parts, axis=1)


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
