"""The chemical elements and their properties, from `elements.csv` (provenance in its head)."""

from __future__ import annotations

import csv
import difflib
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from mlmat.errors import InputError

TABLE = Path(__file__).parent / "elements.csv"


class Element(NamedTuple):
    """One element; NaN where a value is not known.

    Attributes:
        number: atomic number.
        symbol: chemical symbol.
        name: English name.
        group: 1 to 18, NaN for f elements.
        period: 1 to 7.
        block: s, p, d or f.
        electronegativity: Pauling's scale.
        covalent_radius: Å (Cordero et al., Dalton Trans. 2008, 2832).
        van_der_waals_radius: Å.
        valence_electrons: number of them.
        ionisation_energy: first, eV.
        electron_affinity: eV.
        atomic_volume: cm³/mol.
        mass: u.
        melting_point: K.
        boiling_point: K.
        density: g/cm³.
    """

    number: int
    symbol: str
    name: str
    group: float
    period: int
    block: str
    electronegativity: float
    covalent_radius: float
    van_der_waals_radius: float
    valence_electrons: float
    ionisation_energy: float
    electron_affinity: float
    atomic_volume: float
    mass: float
    melting_point: float
    boiling_point: float
    density: float


_TEXT = ("symbol", "name", "block")
_WHOLE = ("number", "period")


@lru_cache(maxsize=1)
def table() -> MappingProxyType[str, Element]:
    """All elements by symbol, in order of atomic number (read once; immutable)."""
    elements = {}
    with open(TABLE, encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(line for line in stream if not line.startswith("#")):
            values = {
                name: text if name in _TEXT else int(text) if name in _WHOLE else float(text or "nan")
                for name, text in row.items()
            }
            elements[values["symbol"]] = Element(**values)
    return MappingProxyType(elements)


def element(which: str | int) -> Element:
    """One element by symbol or atomic number.

    Raises:
        InputError: no such element; the message suggests near symbols.
    """
    elements = table()
    if isinstance(which, str) and which in elements:
        return elements[which]
    if isinstance(which, int | np.integer) and 1 <= which <= len(elements):
        return list(elements.values())[int(which) - 1]
    near = difflib.get_close_matches(str(which), elements, n=3, cutoff=0.3)
    raise InputError(f"unknown element {which!r}: use a symbol or a number from 1 to {len(elements)}"
                     + (f"; did you mean {', '.join(near)}?" if near else ""))  # fmt: skip


def property_by_number(name: str) -> np.ndarray:
    """One numerical property of all elements, indexed by atomic number.

    Returns:
        ``[Z_max + 1]`` float64; entry 0 is NaN, so that padding shows.

    Raises:
        InputError: not a numerical property; the message lists them.
    """
    names = [field for field in Element._fields if field not in _TEXT]
    if name not in names:
        raise InputError(f"elements have no numerical property {name!r}: choose from {', '.join(names)}")
    return np.array([np.nan, *(getattr(e, name) for e in table().values())], float)
