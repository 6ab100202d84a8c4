"""The chemical elements and their properties, from `elements.csv` (provenance in its head)."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from mlmat.errors import InputError

TABLE = Path(__file__).parent / "elements.csv"

BLOCKS = ("s", "p", "d", "f")
"""Blocks in the order of the numbers that stand for them in `property_by_number`."""


class Element(NamedTuple):
    """One element; NaN where a value is not known or does not exist.

    Attributes:
        number: atomic number.
        symbol: chemical symbol.
        name: English name.
        group: 1 to 18, NaN for f elements.
        period: 1 to 7.
        block: s, p, d or f.
        electronegativity: Pauling's scale.
        covalent_radius: Å (Cordero et al., Dalton Trans. 2008, 2832; mean over the
            valences of C and the spin states of Mn, Fe and Co).
        van_der_waals_radius: Å (CRC Handbook).
        valence_electrons: s and p electrons of the outer shell, with the electrons
            of the open d or f shell in those blocks (d of Zn included).
        ionisation_energy: first, eV.
        electron_affinity: eV; NaN where the anion is only metastable (He, Be, N, Ar, Xe).
        atomic_volume: cm³ per mole of atoms near room temperature; for gases, of the
            liquid at its normal boiling point (NaN for Rn).
        mass: u.
        melting_point: K at standard pressure; of white P and Sn, gray Se, monoclinic S.
        boiling_point: K, or sublimation point.
        density: g/cm³ at 295 K; of the gas for gases.
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
    if isinstance(which, int | np.integer) and not isinstance(which, bool) and 1 <= which <= len(elements):
        return tuple(elements.values())[int(which) - 1]
    hint = _near(str(which).strip().lower(), elements)
    raise InputError(
        f"unknown element {which!r}: use a symbol or a number from 1 to {len(elements)}"
        + (f"; did you mean {', '.join(hint)}?" if hint else "")
    )


def _near(text: str, elements: MappingProxyType[str, Element]) -> list[str]:
    """Symbols that `text` (lower case) may have meant: by case, number, name, then likeness."""
    for symbol, entry in elements.items():
        if text in (symbol.lower(), str(entry.number), entry.name.lower()):
            return [symbol if text != str(entry.number) else text]
    names = {entry.name.lower(): symbol for symbol, entry in elements.items()}
    close = [names[name] for name in difflib.get_close_matches(text, names, n=2, cutoff=0.75)]
    lower = {symbol.lower(): symbol for symbol in elements}
    return close or [lower[symbol] for symbol in difflib.get_close_matches(text, lower, n=3, cutoff=0.5)]


def atomic_numbers(symbols: Iterable[str]) -> np.ndarray:
    """Symbols → atomic numbers, ``[n]`` int32.

    Raises:
        InputError: an unknown symbol.
    """
    return np.array([element(str(symbol)).number for symbol in symbols], np.int32)


def symbols(numbers: Iterable[int]) -> list[str]:
    """Atomic numbers → symbols, inverse of `atomic_numbers`.

    Raises:
        InputError: a number that no element of the table has.
    """
    return [element(number).symbol for number in np.asarray(list(numbers)).tolist()]


def property_by_number(name: str) -> np.ndarray:
    """One property of all elements, indexed by atomic number: gather with ``table[numbers]``.

    Args:
        name: a field of `Element` other than ``symbol`` and ``name``; ``"block"``
            gives indices into `BLOCKS`.

    Returns:
        ``[Z_max + 1]`` float64, a fresh array; entry 0 is NaN, so that padding shows.

    Raises:
        InputError: not such a property; the message lists them.
    """
    names = [field for field in Element._fields if field not in ("symbol", "name")]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(
            f"elements have no numerical property {name!r}: {hint}Choose from {', '.join(names)}"
        )
    values = (getattr(entry, name) for entry in table().values())
    if name == "block":
        values = (BLOCKS.index(block) for block in values)
    return np.array([np.nan, *values], float)
