"""Chemical families of structures, by which a split can be made: what is a new material to a model?"""

from __future__ import annotations

from collections.abc import Sequence

import ase
import numpy as np

from mlmat.elements import property_by_number

FAMILIES = ("formula", "system", "anion")
"""Labels that every structure has."""


def chemical_system(atoms: ase.Atoms) -> str:
    """The elements of a structure in alphabetical order, such as ``"Cl-Na"``."""
    return "-".join(sorted(set(atoms.get_chemical_symbols())))


def reduced_formula(atoms: ase.Atoms) -> str:
    """The composition in smallest whole numbers, such as ``"CaO3Ti"``."""
    return atoms.symbols.formula.reduce()[0].format("hill")


def anion(atoms: ase.Atoms) -> str:
    """The most electronegative element, ``"O"`` for oxides; of equals, the one of lower atomic number.

    Structures with a single element are ``"element"``; those without a known electronegativity ``"none"``.
    """
    numbers = np.unique(atoms.numbers)
    if len(numbers) == 1:
        return "element"
    values = np.asarray(property_by_number("electronegativity"), float)[numbers]
    if not np.isfinite(values).any():
        return "none"
    return ase.data.chemical_symbols[int(numbers[int(np.nanargmax(values))])]


def family_labels(name: str, structures: Sequence[ase.Atoms]) -> list[str]:
    """Labels ``[n]`` by one of `FAMILIES`."""
    label = {"formula": reduced_formula, "system": chemical_system, "anion": anion}[name]
    return [label(atoms) for atoms in structures]
