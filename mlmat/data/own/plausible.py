"""Is the unit that the user names one in which the values make sense?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlmat.units import UNITS

NO_UNIT = "1"
"""Unit of a plain number."""

_GAP = ("gap", "homo", "lumo", "excitation", "ionisation", "ionization", "affinity")
_WAVE = ("wavelength", "lambda", "peakwav", "absorption max", "emission max", "/nm", "(nm)")
_SHARE = ("yield", "plqy", "efficiency", "fraction")
_LARGEST_GAP = 40.0
"""eV; no gap or frontier orbital of a material reaches it (helium's ionisation energy: 24.6)."""


def unit_name(unit: str) -> tuple[str, str | None]:
    """The unit as mlmat writes it, and a note if that changed or cannot be converted.

    Units outside `mlmat.units` (``%``, ``g/cm^3``) are kept as labels.
    """
    text = unit.strip()
    if text.lower() in ("", "-", "1", "none", "dimensionless", "unitless"):
        return NO_UNIT, None
    known = {name.lower(): name for units in UNITS.values() for name in units}
    known |= {"ev": "eV", "ha": "hartree", "a": "Å", "d": "debye", "1/cm": "cm^-1", "cm-1": "cm^-1"}
    exact = {name for units in UNITS.values() for name in units}
    if text in exact:
        return text, None
    if text.lower() in known:
        return known[text.lower()], f"unit {unit!r} is taken as {known[text.lower()]!r}"
    return text, f"unit {unit!r} is none that mlmat converts: kept as a label"


def unit_warning(values: Sequence[float] | np.ndarray, unit: str, name: str) -> str | None:
    """A warning if the values cannot be what unit and name say; None if they can.

    It speaks up only where the values are impossible: an energy in hartree that is
    labelled eV cannot be known from its value.

    Args:
        values: any shape; NaN is ignored.
        unit: as the user gave it.
        name: of the property.
    """
    numbers = np.asarray(values, float)
    numbers = numbers[np.isfinite(numbers)]
    if not len(numbers):
        return None
    unit, word = unit_name(unit)[0], name.casefold()
    largest, middle = float(np.abs(numbers).max()), float(np.median(np.abs(numbers)))
    is_gap = any(part in word for part in _GAP)
    is_wave = any(part in word for part in _WAVE)

    def says(like: str, fact: str) -> str:
        return f"{name} in {unit}: {fact}. The values look like {like}; check --unit"

    if is_gap and unit in ("eV", "hartree"):
        limit = _LARGEST_GAP if unit == "eV" else _LARGEST_GAP / 27.2
        if largest > limit:
            if unit == "hartree" and middle < _LARGEST_GAP:
                like = "eV"
            elif middle > 2000:
                like = "cm^-1, or meV"
            elif middle > 150:
                like = "nm, kcal/mol or kJ/mol"
            else:
                like = "kcal/mol"
            return says(like, f"up to {largest:g}, where {limit:.3g} is more than any material has")
    if unit == "nm" and (is_wave or is_gap) and middle < 10:
        return says("eV", f"the median is {middle:g}, which is X-rays")
    if is_wave and not is_gap and unit == "eV" and middle > _LARGEST_GAP:
        return says("nm", f"the median is {middle:g}")
    if "gap" in word and numbers.min() < 0:
        return f"{name}: {int((numbers < 0).sum())} negative values; a gap cannot be negative"
    if unit == "K" and numbers.min() < 0:
        return says("degrees Celsius", "there are negative temperatures")
    if unit == NO_UNIT and any(part in word for part in _SHARE) and 1.5 < largest <= 100:
        return says("per cent", f"a fraction of up to {largest:g}")
    return None
