"""Hard constraints: what a design may not be, whatever its properties.

They hold by construction in the variables (see `mlmat.design.molecules.space`), through rounding
and repair, and `Constraints.allows` judges the molecules of any other searcher.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rdkit import Chem

from mlmat.design.molecules.keep import keep_core, keep_query
from mlmat.errors import CapacityError, InputError
from mlmat.graphs.chemistry import ELEMENTS, parse_smiles


@dataclass(frozen=True)
class Constraints:
    """What every design must obey; the default excludes nothing from the space.

    All designs are neutral: the space has no charges.

    Attributes:
        elements: heavy elements that may occur; carbon always may, since repairs turn atoms into it.
        sizes: fewest and most heavy atoms; None: from 1 to the predictor's capacity.
        rings: ring sizes that may occur; empty: no rings; None: any.
        keep: SMILES or SMARTS of a substructure that must occur.
        start: SMILES of a molecule that gradient searches start from.
    """

    elements: tuple[str, ...] = ELEMENTS
    sizes: tuple[int, int] | None = None
    rings: tuple[int, ...] | None = None
    keep: str | None = None
    start: str | None = None

    def __post_init__(self):
        for element in self.elements:
            if element not in ELEMENTS:
                raise InputError(f"unknown element {element!r}: choose among {', '.join(ELEMENTS)}")
        if "C" not in self.elements:
            raise InputError("carbon must be among the allowed elements: add C")
        if self.sizes is not None and not 1 <= self.sizes[0] <= self.sizes[1]:
            raise InputError(f"sizes must rise from at least 1, not {self.sizes[0]}..{self.sizes[1]}")
        if self.rings is not None and any(size < 3 for size in self.rings):
            raise InputError(f"a ring has at least 3 atoms: rings cannot be {self.rings}")
        if self.keep is not None:
            _ = self._kept
        if self.start is not None:
            molecule = parse_smiles(self.start)
            broken = [reason for reason in self.violations(molecule) if reason != FEW]
            if broken:
                raise InputError(f"the molecule to start from, {self.start}, has {broken[0]}")

    @cached_property
    def _kept(self) -> Chem.Mol:
        """The substructure to keep, parsed once: a search asks of every child."""
        return keep_query(self.keep)

    def violations(self, molecule: Chem.Mol) -> list[str]:
        """What a molecule breaks, as short reasons; empty if it is allowed."""
        found, kinds = [], {(atom.GetSymbol(), atom.GetFormalCharge()) for atom in molecule.GetAtoms()}
        if any(symbol not in self.elements for symbol, _ in kinds):
            found.append("an element that is not allowed")
        if any(charge for _, charge in kinds):
            found.append("a charge")
        if self.sizes is not None:
            count = molecule.GetNumAtoms()
            found += [FEW] * (count < self.sizes[0]) + ["too many heavy atoms"] * (count > self.sizes[1])
        if bad_rings(molecule, self.rings):
            found.append("a ring size that is not allowed")
        if self.keep is not None and not molecule.HasSubstructMatch(self._kept):
            found.append("not the substructure to keep")
        return found

    def allows(self, molecule: Chem.Mol | str) -> bool:
        """Whether a molecule, or its SMILES, obeys."""
        return not self.violations(parse_smiles(molecule) if isinstance(molecule, str) else molecule)

    def check(self, capacity: int) -> None:
        """Refuse constraints that no molecule of a predictor's capacity can meet.

        Raises:
            CapacityError: the sizes, the start or the substructure exceed the capacity.
            InputError: the substructure is larger than the largest size, or uses excluded elements.
        """
        low, high = self.sizes or (1, capacity)
        if low > capacity:
            raise CapacityError(f"{low} heavy atoms do not fit into this predictor's {capacity}")
        for name in ("start", "keep"):
            text = getattr(self, name)
            if text is None:
                continue
            types = keep_core(text)[0].types
            if len(types) > min(high, capacity):
                raise CapacityError(
                    f"{name}={text} has {len(types)} heavy atoms, more than {min(high, capacity)}: "
                    "allow larger sizes, or take a predictor of larger capacity"
                )
            if any(ELEMENTS[kind] not in self.elements for kind in types):
                raise InputError(f"{name}={text} contains an element that is not allowed: add it")


FEW = "too few heavy atoms"


def bad_rings(molecule: Chem.Mol, allowed: Sequence[int] | None) -> list[tuple[int, ...]]:
    """Rings (smallest set) whose size is not allowed, as tuples of atoms."""
    if allowed is None:
        return []
    return [ring for ring in molecule.GetRingInfo().AtomRings() if len(ring) not in allowed]


def parse_span(text: str, what: str) -> tuple[int, int]:
    """Read ``6..10`` or ``8`` as the two ends.

    Raises:
        InputError: not of this form.
    """
    low, dots, high = text.partition("..")
    try:
        return int(low), int(high) if dots else int(low)
    except ValueError:
        raise InputError(f"cannot read the {what} {text!r}: write e.g. 8 or 6..10") from None


def parse_rings(text: str) -> tuple[int, ...] | None:
    """Read ``any``, ``none``, ``5,6`` or ``3..8`` as ring sizes.

    Raises:
        InputError: not of this form.
    """
    if text == "any":
        return None
    if text == "none":
        return ()
    sizes: set[int] = set()
    for part in text.split(","):
        low, high = parse_span(part, "ring sizes")
        sizes |= set(range(low, high + 1))
    return tuple(sorted(sizes))


def parse_elements(text: str) -> tuple[str, ...]:
    """Read ``C,N,O`` as elements."""
    return tuple(part.strip() for part in text.split(","))
