"""Common oxidation states, and whether a composition can be neutral in them.

The rule is that of SMACT (D. W. Davies et al., Chem 1, 617 (2016)): there is a choice of common
oxidation states, one for each site, that adds up to zero, in which every negative element is more
electronegative (Pauling) than every positive one.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlmat.elements import element

STATES = Path(__file__).parent / "oxidation_states.csv"


def oxidation_states() -> dict[str, tuple[int, ...]]:
    """Common oxidation states other than zero by symbol (provenance in the head of the file)."""
    with open(STATES, encoding="utf-8", newline="") as stream:
        rows = csv.DictReader(line for line in stream if not line.startswith("#"))
        return {row["symbol"]: tuple(map(int, row["states"].split())) for row in rows}


def neutral_charges(
    sites: Sequence[tuple[str, int]], states: Mapping[str, Sequence[int]]
) -> tuple[int, ...] | None:
    """Charges that make a composition neutral, or None if there are none.

    Args:
        sites: element and number of atoms of each kind of site; an element may be on several, with
            another charge on each.
        states: common oxidation states, from `oxidation_states`; an element without any, or without
            an electronegativity, is in no neutral compound.

    Returns:
        The charge on each kind of site; of several choices, the one of smallest charges.
    """
    chi = [element(symbol).electronegativity for symbol, _ in sites]
    options = [states.get(symbol, ()) for symbol, _ in sites]
    if not all(options) or any(value != value for value in chi):
        return None
    found: list[tuple[int, ...]] = []
    # The rest of a chain can still move the sum by so much; else it is cut.
    least = [min(c * n for c in kinds) for kinds, (_, n) in zip(options, sites, strict=True)]
    most = [max(c * n for c in kinds) for kinds, (_, n) in zip(options, sites, strict=True)]

    def extend(chosen: tuple[int, ...], total: int) -> None:
        place = len(chosen)
        if total + sum(least[place:]) > 0 or total + sum(most[place:]) < 0:
            return
        if place == len(sites):
            cations = [x for x, charge in zip(chi, chosen, strict=True) if charge > 0]
            anions = [x for x, charge in zip(chi, chosen, strict=True) if charge < 0]
            if max(cations) < min(anions):
                found.append(chosen)
            return
        for charge in options[place]:
            extend((*chosen, charge), total + charge * sites[place][1])

    extend((), 0)
    return min(found, key=lambda charges: (sum(map(abs, charges)), charges), default=None)
