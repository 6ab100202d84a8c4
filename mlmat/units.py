"""Units: eV and Å inside; everything else is converted at the border, by name.

Constants are CODATA 2022 (P. Mohr, D. Newell, B. Taylor, E. Tiesinga, Rev. Mod. Phys. 97,
025002 (2025); physics.nist.gov/constants), in eV, Å, elementary charges, unified atomic
mass units and kelvin. What follows from the exact SI constants is computed from them.
"""

from __future__ import annotations

import difflib
from types import MappingProxyType
from typing import TypeVar

from mlmat.errors import InputError

Value = TypeVar("Value")

AVOGADRO = 6.02214076e23
"""1/mol, exact."""

ELEMENTARY_CHARGE = 1.602176634e-19
"""C, exact; also J of 1 eV."""

PLANCK = 6.62607015e-34
"""J s, exact."""

SPEED_OF_LIGHT = 299792458.0
"""m/s, exact."""

ATOMIC_MASS = 1.66053906892e-27
"""kg of 1 u (measured)."""

HARTREE = 27.211386245981
"""eV (measured)."""

BOHR = 0.529177210544
"""Å (measured)."""

BOLTZMANN = 1.380649e-23 / ELEMENTARY_CHARGE
"""eV/K, exact."""

KJ_PER_MOL = 1000 / (AVOGADRO * ELEMENTARY_CHARGE)
"""eV."""

KCAL_PER_MOL = 4.184 * KJ_PER_MOL
"""eV; thermochemical calorie."""

WAVENUMBER = 100 * PLANCK * SPEED_OF_LIGHT / ELEMENTARY_CHARGE
"""eV of 1 cm⁻¹ (h c)."""

DEBYE = 1e-21 / SPEED_OF_LIGHT / ELEMENTARY_CHARGE * 1e10
"""e·Å; 1 debye is 1e-18 statC·cm."""

GPA = 1e9 * 1e-30 / ELEMENTARY_CHARGE
"""eV/Å³."""

FEMTOSECOND = 1e-15 * (ELEMENTARY_CHARGE / ATOMIC_MASS) ** 0.5 * 1e10
"""Internal time units, Å·sqrt(u/eV), of 1 fs."""

UNITS = MappingProxyType(
    {
        "energy": {
            "eV": 1.0,
            "meV": 1e-3,
            "hartree": HARTREE,
            "rydberg": HARTREE / 2,
            "kcal/mol": KCAL_PER_MOL,
            "kJ/mol": KJ_PER_MOL,
            "cm^-1": WAVENUMBER,
            "J": 1 / ELEMENTARY_CHARGE,
        },
        "length": {"Å": 1.0, "angstrom": 1.0, "bohr": BOHR, "nm": 10.0, "pm": 0.01},
        "volume": {"Å^3": 1.0, "bohr^3": BOHR**3, "nm^3": 1e3},
        "dipole": {"e*Å": 1.0, "debye": DEBYE, "e*bohr": BOHR},
        "force": {"eV/Å": 1.0, "hartree/bohr": HARTREE / BOHR, "kcal/mol/Å": KCAL_PER_MOL},
        "pressure": {"eV/Å^3": 1.0, "GPa": GPA, "kbar": 0.1 * GPA, "bar": 1e-4 * GPA, "Pa": 1e-9 * GPA},
        "time": {"Å*sqrt(u/eV)": 1.0, "fs": FEMTOSECOND, "ps": 1000 * FEMTOSECOND},
        "mass": {"u": 1.0, "kg": 1 / ATOMIC_MASS},
        "temperature": {"K": 1.0},
    }
)
"""Dimension → unit → its size in internal units."""


def _look_up(unit: str) -> tuple[str, float]:
    for dimension, units in UNITS.items():
        if unit in units:
            return dimension, units[unit]
    names = {name.lower(): name for units in UNITS.values() for name in units}
    near = difflib.get_close_matches(str(unit).lower(), names, n=1)
    hint = f"did you mean {names[near[0]]!r}? Units of " if near else "use a unit of "
    known = "; ".join(f"{dimension}: {', '.join(units)}" for dimension, units in UNITS.items())
    raise InputError(f"unknown unit {unit!r}; {hint}{known}")


def convert(value: Value, from_unit: str, to_unit: str) -> Value:
    """Convert a number or array between units of one dimension.

    It multiplies by one Python float, so it can be traced and differentiated, and
    float32 arrays stay float32. Names are case-sensitive.

    Args:
        value: number, NumPy or JAX array.
        from_unit: unit of `value`, e.g. ``"kcal/mol"``.
        to_unit: wanted unit, e.g. ``"eV"``.

    Raises:
        InputError: an unknown unit, or units of different dimensions; lists valid ones.
    """
    dimension, size = _look_up(from_unit)
    target, target_size = _look_up(to_unit)
    if dimension != target:
        raise InputError(
            f"cannot convert {from_unit!r} ({dimension}) to {to_unit!r} ({target}): "
            f"convert to one of {', '.join(UNITS[dimension])}"
        )
    return value * (size / target_size)


def to_ev(value: Value, unit: str) -> Value:
    """Convert an energy to eV; see `convert`."""
    return convert(value, unit, "eV")
