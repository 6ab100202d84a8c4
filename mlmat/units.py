"""Units: eV and Å inside; everything else is converted at the border, by name.

Constants are CODATA 2022 (E. Tiesinga et al., NIST), in eV, Å, elementary charges,
atomic mass units and kelvin.
"""

from __future__ import annotations

import difflib
from types import MappingProxyType
from typing import TypeVar

from mlmat.errors import InputError

Value = TypeVar("Value")

HARTREE = 27.211386245981
"""eV."""

BOHR = 0.529177210544
"""Å."""

AVOGADRO = 6.02214076e23
ELEMENTARY_CHARGE = 1.602176634e-19
"""C, exact."""

BOLTZMANN = 8.617333262e-5
"""eV/K."""

KJ_PER_MOL = 1000 / (AVOGADRO * ELEMENTARY_CHARGE)
"""eV."""

KCAL_PER_MOL = 4.184 * KJ_PER_MOL
"""eV; thermochemical calorie."""

WAVENUMBER = 1.239841984e-4
"""eV of 1 cm⁻¹ (h c)."""

DEBYE = 0.20819434
"""e·Å."""

GPA = 1e9 * 1e-30 / ELEMENTARY_CHARGE
"""eV/Å³."""

ATOMIC_MASS = 1.66053906892e-27
"""kg."""

FEMTOSECOND = 1e-15 * (ELEMENTARY_CHARGE / ATOMIC_MASS) ** 0.5 * 1e10
"""Internal time units, Å·sqrt(u/eV), of 1 fs."""

UNITS = MappingProxyType(
    {
        "energy": {
            "eV": 1.0,
            "meV": 1e-3,
            "hartree": HARTREE,
            "kcal/mol": KCAL_PER_MOL,
            "kJ/mol": KJ_PER_MOL,
            "cm^-1": WAVENUMBER,
        },
        "length": {"Å": 1.0, "angstrom": 1.0, "bohr": BOHR, "nm": 10.0, "pm": 0.01},
        "dipole": {"e*Å": 1.0, "debye": DEBYE, "e*bohr": BOHR},
        "force": {"eV/Å": 1.0, "hartree/bohr": HARTREE / BOHR, "kcal/mol/Å": KCAL_PER_MOL},
        "pressure": {"eV/Å^3": 1.0, "GPa": GPA},
        "time": {"Å*sqrt(u/eV)": 1.0, "fs": FEMTOSECOND, "ps": 1000 * FEMTOSECOND},
    }
)
"""Dimension → unit → its size in internal units."""


def _look_up(unit: str) -> tuple[str, float]:
    for dimension, units in UNITS.items():
        if unit in units:
            return dimension, units[unit]
    known = [name for units in UNITS.values() for name in units]
    near = difflib.get_close_matches(unit, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    raise InputError(f"unknown unit {unit!r}; {hint}")


def convert(value: Value, from_unit: str, to_unit: str) -> Value:
    """Convert a number or array between units of one dimension.

    Args:
        value: number, NumPy or JAX array.
        from_unit: unit of `value`, e.g. ``"kcal/mol"``.
        to_unit: wanted unit, e.g. ``"eV"``.

    Raises:
        InputError: an unknown unit, or units of different dimensions.
    """
    dimension, size = _look_up(from_unit)
    target, target_size = _look_up(to_unit)
    if dimension != target:
        raise InputError(f"{from_unit!r} is a unit of {dimension}, {to_unit!r} of {target}")
    return value * (size / target_size)
