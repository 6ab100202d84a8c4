"""Real crystals of names: structures, and what would be wrong with them."""

from __future__ import annotations

from typing import Any, NamedTuple

import ase
import jax
import numpy as np

from mlmat.design.crystals.lattice import CLOSEST
from mlmat.design.crystals.relaxed import SoftCrystal, corner, parse_name
from mlmat.design.crystals.space import CrystalSpace
from mlmat.elements import property_by_number
from mlmat.graphs.radius_graph import find_neighbours

PACKING = (0.15, 1.4)
"""Volume of the atoms (spheres of covalent radius, which overlap in compounds) over that of the cell;
0.18 to 1.28 in 18,928 cubic perovskites."""

SLACK = 0.02
"""By how much deformed atoms may be closer than the floor of the ideal geometry, as a share."""


class Realised(NamedTuple):
    """A real crystal that a relaxed one stands for.

    Attributes:
        name: in its space.
    """

    name: str


@jax.jit
def _geometry(predictor: Any, crystal: SoftCrystal) -> tuple[jax.Array, jax.Array]:
    return predictor.geometry(crystal)


def atoms_of(space: CrystalSpace, predictor: Any, name: str) -> ase.Atoms:
    """The structure of a member, at the lattice constant and deformation that it is predicted at.

    Args:
        space: of crystals.
        predictor: made by `mlmat.design.crystals.climb.climbable`.
        name: of a member.

    Raises:
        InputError: no member of the space.
    """
    member, amplitudes = parse_name(space, name, len(predictor.frame.strains))
    cell, positions = jax.device_get(_geometry(predictor, corner(space, member, amplitudes)))
    return ase.Atoms(
        space.symbols(member), positions=positions.astype(float), cell=cell.astype(float), pbc=True
    )


def implausible(atoms: ase.Atoms) -> str:
    """What is physically wrong with a structure, in a few words; empty if nothing is."""
    radii = property_by_number("covalent_radius")[atoms.numbers]
    i, j, _, d = find_neighbours(atoms, 2 * CLOSEST * radii.max())
    if len(d) and (d / (radii[i] + radii[j])).min() < CLOSEST * (1 - SLACK):
        return "atoms too close"
    packing = 4 / 3 * np.pi * (radii**3).sum() / atoms.cell.volume
    return "" if PACKING[0] <= packing <= PACKING[1] else "implausible volume"


def faults(space: CrystalSpace, predictor: Any, name: str) -> str:
    """Why a deformed member is no crystal; one of ideal geometry keeps its distances by construction."""
    return implausible(atoms_of(space, predictor, name)) if "@" in name else ""
