"""Sites of ordered alloy surfaces by what surrounds them, and rows of a table of adsorption as indices.

The 23 sites of the three prototypes of `mlmat.data.alloy_slabs`, each by the share of B around it:
among the surface atoms that touch the adsorbate, among their neighbours in the surface, among their
neighbours in the layer below, and in the crystal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlmat.data.alloy_slabs import PROTOTYPES, is_b, sites
from mlmat.data.dataset import Dataset

KINDS = ("top", "bridge", "FCC", "HCP")
"""What a site is; the last two are hollows, without and with an atom of the second layer below."""

BESIDE = np.array([(1, 0, 0), (0, 1, 0), (1, -1, 0), (-1, 0, 0), (0, -1, 0), (-1, 1, 0)])
BELOW = np.array([(0, 0, -1), (1, 0, -1), (0, 1, -1)])
"""Steps to the nearest neighbours in the surface and in the layer below, in primitive vectors."""


class AlloySite(NamedTuple):
    """A kind of site on a kind of surface.

    Attributes:
        prototype: of the alloy.
        label: of the site.
        shares: shares of B in its four surroundings, see the head of this file.
        kind: index into `KINDS`.
    """

    prototype: str
    label: str
    shares: tuple[float, float, float, float]
    kind: int


class AlloyRows(NamedTuple):
    """Rows of a table as indices.

    Attributes:
        a: ``[n]`` element A.
        b: ``[n]`` element B.
        site: ``[n]`` of `all_sites`.
        adsorbate: ``[n]``.
        energy: ``[n]`` adsorption energy, eV.
        family: ``[n]`` elements, such as ``"Ni-Pt"``: what must not be in two parts of a split.
        row: ``[n]`` row of the data set.
    """

    a: np.ndarray
    b: np.ndarray
    site: np.ndarray
    adsorbate: np.ndarray
    energy: np.ndarray
    family: np.ndarray
    row: np.ndarray

    def part(self, chosen: np.ndarray) -> AlloyRows:
        """The rows of indices or of a mask ``[n]``."""
        return AlloyRows(*(column[chosen] for column in self))


def all_sites() -> tuple[AlloySite, ...]:
    """Every kind of site, prototype by prototype."""
    found = []
    for prototype in PROTOTYPES:
        everywhere = np.array(list(np.ndindex(2, 2, 2)))
        crystal = is_b(prototype, everywhere).mean()
        for label, (contacts, _) in sites(prototype).items():
            touching = {tuple(place) for place in contacts.tolist()}
            beside = [c + step for c in contacts for step in BESIDE if tuple(c + step) not in touching]
            below = [c + step for c in contacts for step in BELOW]
            shares = [is_b(prototype, np.array(places)).mean() for places in (contacts, beside, below)]
            last = label.split("|")[-1]
            kind = KINDS.index(last if last in KINDS else label.split("|")[0])
            found.append(AlloySite(prototype, label, (*map(float, shares), float(crystal)), kind))
    return tuple(found)


def alloy_rows(data: Dataset, symbols: Sequence[str], adsorbates: Sequence[str]) -> AlloyRows:
    """Rows of ``adsorption_mamun`` whose site the ordered surface has and whose names are all known.

    Args:
        data: of `mlmat.data.surface_readers.read_mamun`.
        symbols: elements, in the order of their indices.
        adsorbates: names, likewise.
    """
    places = {(site.prototype, site.label): i for i, site in enumerate(all_sites())}
    kinds = zip(data["prototype"].tolist(), data["site"].tolist(), strict=True)
    columns = [
        np.array([places.get(kind, -1) for kind in kinds]),
        *(_indices(data[name], symbols) for name in ("a", "b")),
        _indices(data["adsorbate"], adsorbates),
    ]
    keep = np.all([column >= 0 for column in columns], axis=0)
    site, a, b, adsorbate = (column[keep].astype(np.int32) for column in columns)
    energy, family = data["adsorption_energy"][keep], data["family"][keep]
    return AlloyRows(a, b, site, adsorbate, energy, family, np.flatnonzero(keep))


def _indices(names: np.ndarray, known: Sequence[str]) -> np.ndarray:
    order = {name: i for i, name in enumerate(known)}
    return np.array([order.get(name, -1) for name in names.tolist()])
