"""A data set as a struct of arrays, with what its numbers mean and where they come from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mlmat.errors import DataError

PER_ATOM = ("numbers", "positions", "charges", "forces")
"""Arrays with one row per atom, molecule after molecule; all others have one per item."""


@dataclass(frozen=True)
class Dataset:
    """Molecules or materials with properties.

    Attributes:
        name: as in the registry.
        arrays: per-item arrays ``[N, ...]``; with ``n_atoms [N]``, per-atom arrays
            (`PER_ATOM`) of ``sum(n_atoms)`` rows.
        units: unit of each array that has one.
        citation: what to cite.
        licence: of the data.
        source: where the numbers come from.
    """

    name: str
    arrays: dict[str, np.ndarray]
    units: dict[str, str]
    citation: str
    licence: str
    source: str

    def __post_init__(self):
        items = len(self)
        atoms = int(self.arrays["n_atoms"].sum()) if "n_atoms" in self.arrays else None
        for name, array in self.arrays.items():
            expected = atoms if name in PER_ATOM else items
            if len(array) != expected:
                raise DataError(f"{self.name}: array {name!r} has {len(array)} rows, expected {expected}")
            array.setflags(write=False)

    def __len__(self) -> int:
        return next(len(array) for name, array in self.arrays.items() if name not in PER_ATOM)

    def __getitem__(self, name: str) -> np.ndarray:
        """One array by name.

        Raises:
            DataError: no such array; the message lists those there are.
        """
        if name not in self.arrays:
            raise DataError(f"{self.name} has no {name!r}; it has {', '.join(sorted(self.arrays))}")
        return self.arrays[name]

    def offsets(self) -> np.ndarray:
        """``[N + 1]`` first atom row of each molecule."""
        return np.concatenate([[0], np.cumsum(self["n_atoms"].astype(int))])

    def molecule(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Atomic numbers ``[atoms]`` and positions ``[atoms, 3]`` (Å) of one molecule."""
        first, last = self.offsets()[index : index + 2]
        return self["numbers"][first:last], self["positions"][first:last]

    def subset(self, indices: np.ndarray) -> Dataset:
        """The items `indices`, in that order."""
        indices = np.asarray(indices)
        rows = indices
        if "n_atoms" in self.arrays:
            offsets = self.offsets()
            spans = [np.arange(offsets[i], offsets[i + 1]) for i in indices]
            rows = np.concatenate(spans) if spans else np.zeros(0, int)
        picked = {name: a[rows if name in PER_ATOM else indices] for name, a in self.arrays.items()}
        return replace(self, arrays=picked)
