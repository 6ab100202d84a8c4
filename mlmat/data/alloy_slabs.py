"""Slabs of ordered alloys with an adsorbate at a labelled site, from the labels alone.

For tables that name an alloy, a site and an adsorbate but have no positions. The surface is the
close-packed one, 2 × 2 atoms in three layers, of an fcc metal, of A₃B in the order L1₂ or of AB in the
order L1₀ (taken as cubic); the lattice constant is Vegard's mean of those of fcc crystals with the
elements' atomic volumes; the adsorbed atom is at the distance of the sum of covalent radii from the
atoms it touches. Nothing is relaxed: which atoms are neighbours is right, lengths are estimates.

Sites are written ``top|A``, ``bridge|A_B|A`` and ``hollow|A_A_B|FCC`` with the surface atoms that touch the
adsorbate. The third part of a hollow says what is below: HCP an atom of the second layer, FCC none. That
of a bridge is taken to be the atom of the second layer at its side (sources do not define it).

Host code; lengths in Å.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import ase
import numpy as np
from ase.constraints import FixAtoms

from mlmat.elements import element
from mlmat.errors import InputError

PROTOTYPES = ("fcc", "L1_2", "L1_0")
LAYERS = 3
VACUUM = 8.0
"""Å on either side of the slab."""

LOWEST = 0.4
"""Å; no adsorbed atom is closer to the plane of the top layer, however wide the lattice."""

ADSORBATES = {
    **{name: (name, 0, 0.0, 0.0) for name in ("H", "C", "N", "O", "S")},
    "CH": ("C", 1, 1.09, 0.0),
    "CH2": ("C", 2, 1.09, 55.0),
    "CH3": ("C", 3, 1.09, 70.5),
    "NH": ("N", 1, 1.02, 0.0),
    "OH": ("O", 1, 0.97, 70.0),
    "SH": ("S", 1, 1.34, 85.0),
}
"""Name → atom that is adsorbed, number of hydrogen atoms on it, their bond length in Å, and their angle
to the surface normal in degrees."""


def lattice_constant(symbol: str) -> float:
    """Lattice constant of an fcc crystal with the atomic volume V of an element: a = (4V)^(1/3), Å."""
    # cm³/mol → Å³ per atom.
    return (4 * element(symbol).atomic_volume / 0.602214) ** (1 / 3)


def vegard(a: str, b: str, prototype: str) -> float:
    """Lattice constant of an alloy, the mean of its elements' weighted by their shares, Å."""
    share = {"fcc": 1.0, "L1_2": 0.75, "L1_0": 0.5}[prototype]
    return share * lattice_constant(a) + (1 - share) * lattice_constant(b)


def is_b(prototype: str, places: np.ndarray) -> np.ndarray:
    """Whether B sits on a site ``[n]``, from its coefficients ``[n, 3]`` of the primitive vectors.

    The primitive vectors are those of `primitive`, two of them in the surface. L1₂: all three even or
    all three odd. L1₀: the sum of the last two is odd.
    """
    odd = np.asarray(places) % 2
    if prototype == "L1_2":
        return odd.sum(axis=1) % 3 == 0
    if prototype == "L1_0":
        return (odd[:, 1] + odd[:, 2]) % 2 == 1
    return np.zeros(len(odd), bool)


def primitive(constant: float) -> np.ndarray:
    """Primitive vectors ``[3, 3]`` of an fcc lattice, the first two in a close-packed plane z = const."""
    d = constant / math.sqrt(2)
    return d * np.array([[1, 0, 0], [0.5, math.sqrt(3) / 2, 0], [0.5, math.sqrt(3) / 6, math.sqrt(2 / 3)]])


def alloy_bulk(a: str, b: str, prototype: str) -> ase.Atoms:
    """Primitive cell of a metal (one atom), an alloy AB (two) or A₃B (four).

    Raises:
        InputError: an unknown prototype or element.
    """
    _check(prototype)
    vectors = primitive(vegard(a, b, prototype))
    cells = {
        "fcc": (np.eye(3, dtype=int), [(0, 0, 0)]),
        "L1_0": (np.array([[1, 0, 0], [0, 1, 1], [0, -1, 1]]), [(0, 0, 0), (0, 0, 1)]),
        "L1_2": (
            np.array([[2, 0, 0], [0, 2, 0], [1, 1, 1]]),
            [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)],
        ),
    }
    cell, places = cells[prototype]
    symbols = np.where(is_b(prototype, np.array(places)), b, a).tolist()
    return ase.Atoms(symbols, positions=np.array(places) @ vectors, cell=cell @ vectors, pbc=True)


Sites = Mapping[str, tuple[np.ndarray, np.ndarray]]
"""Label → coefficients of the primitive vectors of the atoms that touch a site ``[contacts, 3]``, and ``[3]``
of the site itself."""


def alloy_slab(
    a: str, b: str, prototype: str, site: str = "", adsorbate: str = "", known: Sites | None = None
) -> ase.Atoms:
    """Slab with its lowest layer fixed and its crystal as ``info["bulk"]``.

    Args:
        a: element A.
        b: element B; that of A for a metal.
        prototype: "fcc", "L1_2" (A₃B) or "L1_0" (AB).
        site: label, see the head of this file; empty for a clean slab.
        adsorbate: one of `ADSORBATES`.
        known: what `sites` says of the prototype, for callers with many slabs; None: asked here.

    Raises:
        InputError: an unknown name, or a site that the ordered surface does not have.
    """
    _check(prototype)
    vectors = primitive(vegard(a, b, prototype))
    places = np.array([(i, j, k) for k in range(LAYERS) for j in range(2) for i in range(2)])
    symbols = np.where(is_b(prototype, places), b, a).tolist()
    positions = places @ vectors + [0, 0, VACUUM]
    if site:
        known = sites(prototype) if known is None else known
        added = _adsorbed(site, adsorbate, a, b, prototype, vectors, known)
        symbols += [added[0]] + ["H"] * (len(added[1]) - 1)
        positions = np.concatenate([positions, added[1] + [0, 0, VACUUM]])
    height = positions[:, 2].max() + VACUUM
    cell = np.array([2 * vectors[0], 2 * vectors[1], [0, 0, height]])
    slab = ase.Atoms(symbols, positions=positions, cell=cell, pbc=(True, True, False))
    slab.set_constraint(FixAtoms(np.flatnonzero(places[:, 2] == 0)))
    slab.info["bulk"] = alloy_bulk(a, b, prototype)
    return slab


def sites(prototype: str) -> Sites:
    """The distinct sites of a clean surface.

    Raises:
        InputError: an unknown prototype.
    """
    _check(prototype)
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def letters(places: np.ndarray) -> str:
        return "_".join(sorted(np.where(is_b(prototype, places), "B", "A").tolist()))

    top, third = LAYERS - 1, 1 / 3
    for i, j in np.ndindex(2, 2):
        here = np.array([i, j, top])
        found.setdefault(f"top|{letters(here[None])}", (here[None], here.astype(float)))
        right, up, across = here + np.array([(1, 0, 0), (0, 1, 0), (1, 1, 0)])
        for name, corners, shift in (
            ("FCC", (here, right, up), third),
            ("HCP", (right, up, across), 2 * third),
        ):
            contacts = np.stack(corners)
            place = here + np.array([shift, shift, 0])
            found.setdefault(f"hollow|{letters(contacts)}|{name}", (contacts, place))
        # The three sides of the triangle above an atom of the second layer: every bridge is one of one.
        below = letters((across - [0, 0, 1])[None])
        for ends in ((right, up), (right, across), (up, across)):
            contacts = np.stack(ends)
            found.setdefault(f"bridge|{letters(contacts)}|{below}", (contacts, contacts.mean(axis=0)))
    return found


def _check(prototype: str) -> None:
    if prototype not in PROTOTYPES:
        raise InputError(f"unknown prototype {prototype!r}: choose {', '.join(PROTOTYPES)}")


def _adsorbed(
    site: str, adsorbate: str, a: str, b: str, prototype: str, vectors: np.ndarray, known: Sites
) -> tuple[str, np.ndarray]:
    """Element of the adsorbed atom and positions ``[m, 3]`` of the adsorbate's atoms."""
    if site not in known:
        raise InputError(f"a surface {prototype} has no site {site!r}: it has {', '.join(sorted(known))}")
    if adsorbate not in ADSORBATES:
        raise InputError(f"unknown adsorbate {adsorbate!r}: choose {', '.join(ADSORBATES)}")
    central, hydrogens, length, angle = ADSORBATES[adsorbate]
    contacts, place = known[site]
    elements = np.where(is_b(prototype, contacts), b, a).tolist()
    radius = element(central).covalent_radius
    bonds = np.array([element(name).covalent_radius + radius for name in elements])
    flat = contacts @ vectors - place @ vectors
    squares = bonds**2 - (flat**2).sum(axis=1)
    start = place @ vectors + [0, 0, math.sqrt(max(squares.mean(), LOWEST**2))]
    tilt = math.radians(angle)
    turns = np.radians(90 + 360 / max(hydrogens, 1) * np.arange(hydrogens))
    directions = [(math.sin(tilt) * math.cos(t), math.sin(tilt) * math.sin(t), math.cos(tilt)) for t in turns]
    return central, np.concatenate([[start], start + length * np.array(directions).reshape(-1, 3)])
