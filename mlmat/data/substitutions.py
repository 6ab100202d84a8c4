"""Candidate crystals by substituting elements in known prototypes, numbered and never stored.

Each distinct element of a prototype is replaced by one of the allowed elements, all different, and
the cell is scaled by the covalent radii: ABO₃ with 60 elements allowed is 205,320 candidates. Any
candidate is made from its number alone, so a space of millions takes no memory, and parts of it can
be made anywhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import ase
import numpy as np

from mlmat.elements import atomic_numbers, property_by_number
from mlmat.errors import InputError

GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Substitutions:
    """Space of candidates.

    Attributes:
        prototypes: crystals whose elements are replaced.
        elements: symbols that may stand in their place.
        fixed: symbols of the prototypes that stay, such as ``("O",)``.

    Raises:
        InputError: no prototypes, none that is replaced, fewer elements than a prototype needs, an
            element without a covalent radius, or a prototype that is not periodic.
    """

    prototypes: tuple[ase.Atoms, ...]
    elements: tuple[str, ...]
    fixed: tuple[str, ...] = ()

    def __post_init__(self):
        object.__setattr__(self, "prototypes", tuple(self.prototypes))
        object.__setattr__(self, "elements", tuple(dict.fromkeys(self.elements)))
        numbers = atomic_numbers((*self.elements, *self.fixed))
        radii = np.asarray(property_by_number("covalent_radius"), float)[numbers]
        if not np.isfinite(radii).all():
            unknown = (*self.elements, *self.fixed)[int(np.isnan(radii).argmax())]
            raise InputError(f"{unknown} has no covalent radius to scale a cell by: leave it out")
        if not self.prototypes:
            raise InputError("a space of substitutions needs at least one prototype")
        for number, atoms in enumerate(self.prototypes):
            sites = len(self._replaced(atoms))
            if not atoms.pbc.all() or not len(atoms):
                raise InputError(f"prototype {number} is no crystal: it must repeat in all three directions")
            if not 1 <= sites <= len(self._allowed()):
                raise InputError(
                    f"prototype {number} ({atoms.get_chemical_formula()}) has {sites} elements to replace, "
                    f"and {len(self._allowed())} may stand there"
                )

    def _allowed(self) -> tuple[str, ...]:
        return self.elements if not self.fixed else tuple(s for s in self.elements if s not in self.fixed)

    def _replaced(self, atoms: ase.Atoms) -> list[str]:
        """Symbols of a prototype that are replaced, in the order of atomic numbers."""
        found = {int(z): symbol for z, symbol in zip(atoms.numbers, atoms.symbols, strict=True)}
        return [found[z] for z in sorted(found) if found[z] not in self.fixed]

    def counts(self) -> list[int]:
        """Number of candidates of each prototype."""
        return [math.perm(len(self._allowed()), len(self._replaced(atoms))) for atoms in self.prototypes]

    def __len__(self) -> int:
        return sum(self.counts())

    def candidate(self, number: int) -> tuple[int, ase.Atoms]:
        """The prototype that a candidate is made of, and the candidate.

        Raises:
            InputError: no such number.
        """
        rest = int(number)
        for index, count in enumerate(self.counts()):
            if 0 <= rest < count:
                return index, self._substituted(self.prototypes[index], rest)
            rest -= count
        raise InputError(f"there are {len(self):,} candidates, 0 to {len(self) - 1}, and none is {number}")

    def _substituted(self, atoms: ase.Atoms, rest: int) -> ase.Atoms:
        left, chosen = list(self._allowed()), {symbol: symbol for symbol in self.fixed}
        for symbol in self._replaced(atoms):
            rest, place = divmod(rest, len(left))
            chosen[symbol] = left.pop(place)
        symbols = [chosen[symbol] for symbol in atoms.symbols]
        radii = np.asarray(property_by_number("covalent_radius"), float)
        numbers = atomic_numbers(symbols)
        factor = radii[numbers].sum() / radii[atoms.numbers].sum()
        cell = factor * atoms.cell.array
        return ase.Atoms(numbers, factor * atoms.positions, cell=cell, pbc=True)


def scattered(number: int, total: int, seed: int = 0) -> int:
    """The `number`-th of all numbers below `total`, in an order that spreads any first part evenly.

    Multiples of the golden ratio; each number comes once.
    """
    step = max(1, round(GOLDEN * total))
    while math.gcd(step, total) != 1:
        step += 1
    start = int(np.random.default_rng(seed).integers(total))
    return (start + number * step) % total
