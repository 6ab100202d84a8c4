"""What fills a group of sites, and how it is written."""

from __future__ import annotations

import re
from collections import Counter

from mlmat.elements import element
from mlmat.errors import InputError

Filling = tuple[str, ...]
"""Element on each site of a group, in the order of the sites."""


def formula(filling: Filling) -> str:
    """``"O2N"`` for ``("O", "O", "N")``."""
    return "".join(symbol + (str(n) if n > 1 else "") for symbol, n in Counter(filling).items())


def parse_filling(text: str, sites: int) -> Filling:
    """``"O"`` or ``"O2N"`` → an element for each of so many sites.

    Raises:
        InputError: not a formula, or one of another number of atoms.
    """
    pairs = re.findall(r"([A-Z][a-z]?)(\d*)", text)
    if not pairs or "".join(symbol + count for symbol, count in pairs) != text:
        raise InputError(f"cannot read {text!r}: write an element or a formula such as O2N")
    atoms = tuple(element(symbol).symbol for symbol, count in pairs for _ in range(int(count or 1)))
    if len(atoms) == 1:
        return atoms * sites
    if len(atoms) != sites:
        raise InputError(f"{text} has {len(atoms)} atoms, and the group has {sites} sites")
    return atoms
