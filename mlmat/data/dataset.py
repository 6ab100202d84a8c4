"""A data set: a struct of arrays with units, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from mlmat.errors import DataError, InputError

PER_ATOM = ("numbers", "positions", "charges", "forces")
"""Names of arrays that run over the atoms of all items; every other array runs over items."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """Items (molecules, crystals) as a struct of read-only arrays.

    The atoms of all items lie one after the other, without padding: item ``i`` owns the
    rows ``offsets[i] : offsets[i + 1]`` of every array named in `PER_ATOM`. All other
    arrays have one row per item. A missing value is NaN.

    Attributes:
        name: name of the set in the registry.
        arrays: ``n_atoms [m]``, ``numbers [A]`` (atomic numbers), ``positions [A, 3]``
            (these three together or none of them), and any array ``[m, …]`` of items.
        units: unit of every floating-point array, ``"1"`` where there is none.
        citation: what to cite.
        licence: terms of the data.
        source: where these very bytes came from.
        offsets: ``[m + 1]`` first atom of each item (all zero without geometry).

    Raises:
        DataError: lengths that do not fit together, or a float array without a unit.
    """

    name: str
    arrays: Mapping[str, np.ndarray]
    units: Mapping[str, str]
    citation: str
    licence: str
    source: str
    offsets: np.ndarray = field(init=False, repr=False)

    def __post_init__(self):
        arrays = {key: _read_only(value) for key, value in self.arrays.items()}
        object.__setattr__(self, "arrays", MappingProxyType(arrays))
        object.__setattr__(self, "units", MappingProxyType(dict(self.units)))
        object.__setattr__(self, "offsets", _read_only(_checked_offsets(self.name, arrays, self.units)))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, name: str) -> np.ndarray:
        """One array by name.

        Raises:
            DataError: no such array; the message lists those there are.
        """
        if name not in self.arrays:
            raise DataError(f"{self.name} has no {name!r}; it has {', '.join(sorted(self.arrays))}")
        return self.arrays[name]

    def __reduce__(self):
        # Workers are spawned, and a MappingProxyType cannot be pickled.
        fields = dict(self.arrays), dict(self.units), self.citation, self.licence, self.source
        return Dataset, (self.name, *fields)

    def molecule(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Atomic numbers ``[n]`` and positions ``[n, 3]`` (Å) of one item.

        Raises:
            InputError: no such item, or a set without geometries.
        """
        if not -len(self) <= index < len(self):
            raise InputError(f"{self.name} has no item {index}: use 0 to {len(self) - 1}")
        if "positions" not in self.arrays:
            raise InputError(f"{self.name} has no geometries; its arrays are {', '.join(self.arrays)}")
        index = index % len(self)
        atoms = slice(self.offsets[index], self.offsets[index + 1])
        return self["numbers"][atoms], self["positions"][atoms]

    def subset(self, indices: np.ndarray) -> Dataset:
        """The items at `indices`, in that order.

        Args:
            indices: ``[k]`` integers (negative ones count from the end) or ``[m]`` booleans.

        Raises:
            InputError: an index out of range or of another type.
        """
        items = _item_indices(self.name, indices, len(self))
        # Row numbers of the atoms: each item's first atom, plus 0 … n-1 within the item.
        counts = np.diff(self.offsets)[items]
        starts = np.cumsum(counts) - counts
        atoms = np.repeat(self.offsets[items] - starts, counts) + np.arange(counts.sum())
        arrays = {k: v[atoms if k in PER_ATOM else items] for k, v in self.arrays.items()}
        return Dataset(self.name, arrays, self.units, self.citation, self.licence, self.source)


def _read_only(array: np.ndarray) -> np.ndarray:
    view = np.asarray(array).view()
    view.flags.writeable = False
    return view


def _checked_offsets(name: str, arrays: Mapping[str, np.ndarray], units: Mapping[str, str]) -> np.ndarray:
    """``[m + 1]`` first atoms, after checking that all lengths and units fit."""
    per_item = {k: v for k, v in arrays.items() if k not in PER_ATOM}
    geometry = {"n_atoms", "numbers", "positions"} & set(arrays)
    if geometry and len(geometry) < 3:
        raise DataError(
            f"{name}: n_atoms, numbers and positions belong together, found only {sorted(geometry)}"
        )
    scalars = [k for k, v in arrays.items() if v.ndim == 0]
    if scalars or not per_item:
        raise DataError(f"{name}: every array needs a first axis over items or atoms; without one: {scalars}")
    lengths = {k: len(v) for k, v in per_item.items()}
    if len(set(lengths.values())) > 1:
        raise DataError(f"{name}: arrays of items differ in length: {lengths}")
    loose = [k for k in arrays if k in PER_ATOM and not geometry]
    if loose:
        raise DataError(f"{name}: {loose} run over atoms, so n_atoms, numbers and positions are needed too")
    unknown = sorted(set(units) - set(arrays))
    missing = sorted(k for k, v in arrays.items() if v.dtype.kind == "f" and k not in units)
    if unknown or missing:
        raise DataError(
            f'{name}: units without array: {unknown}, float arrays without unit ("1" if none): {missing}'
        )
    items = next(iter(lengths.values()))
    if not geometry:
        return np.zeros(items + 1, np.int64)
    if (
        arrays["n_atoms"].ndim != 1
        or arrays["n_atoms"].dtype.kind not in "iu"
        or (arrays["n_atoms"] < 0).any()
    ):
        raise DataError(f"{name}: n_atoms must be non-negative integers [m]")
    offsets = np.concatenate([[0], np.cumsum(arrays["n_atoms"], dtype=np.int64)])
    wrong = {k: len(v) for k, v in arrays.items() if k in PER_ATOM and len(v) != offsets[-1]}
    if wrong:
        raise DataError(f"{name}: n_atoms adds up to {offsets[-1]} atoms, but lengths are {wrong}")
    if arrays["positions"].shape != (offsets[-1], 3):
        raise DataError(f"{name}: positions must be [A, 3], found {arrays['positions'].shape}")
    return offsets


def _item_indices(name: str, indices: np.ndarray, length: int) -> np.ndarray:
    """Indices or mask → ``[k]`` non-negative integers, checked."""
    indices = np.asarray(indices)
    if indices.dtype == bool and indices.shape == (length,):
        return np.flatnonzero(indices)
    if indices.size == 0:
        return np.zeros(0, np.int64)
    if indices.ndim != 1 or indices.dtype.kind not in "iu":
        raise InputError(
            f"{name}: indices must be integers [k] or booleans [{length}], found {indices.dtype}"
        )
    indices = indices.astype(np.int64)
    if indices.min() < -length or indices.max() >= length:
        raise InputError(f"{name} has no item {indices.max()} or {indices.min()}: use 0 to {length - 1}")
    return np.where(indices < 0, indices + length, indices)
