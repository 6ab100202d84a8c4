"""What a slab is made of: its layers, its adsorbate, the atoms that were free to move, its bulk.

Structures of slabs come in many habits: constraints (selective dynamics of a POSCAR), tags, or neither.
Evidence is taken in that order of trust, and heights speak last. Host code; lengths in Å.
"""

from __future__ import annotations

import ase
import numpy as np
from ase.constraints import FixAtoms, FixCartesian, FixScaled
from ase.data import atomic_numbers

from mlmat.errors import InputError

GAP = 0.8
"""Å; atoms whose heights follow each other more closely are in one layer. Layers of close-packed metals
are 1.7 Å apart and more, those of open surfaces 1.2 Å, and a layer of an alloy buckles by 0.5 Å."""

SUNK = 0.5
"""Å by which an adsorbed atom may lie below the middle of the top layer and still count as adsorbed."""

NONMETALS = tuple(
    atomic_numbers[symbol] for symbol in ("H", "C", "N", "O", "F", "P", "S", "Cl", "Se", "Br", "I")
)
"""Elements that an adsorbate is made of, where neither tags nor constraints tell."""


def vacuum_axis(atoms: ase.Atoms) -> int:
    """The cell vector along which a slab does not repeat: the one without periodicity, else the third.

    Raises:
        InputError: several directions without periodicity.
    """
    open_axes = np.flatnonzero(~atoms.pbc)
    if len(open_axes) > 1:
        raise InputError(
            f"a slab repeats in two directions, and this structure has pbc {atoms.pbc.tolist()}: set cell "
            "and pbc, or take a model of molecules"
        )
    return int(open_axes[0]) if len(open_axes) else 2


def heights(atoms: ase.Atoms) -> np.ndarray:
    """Heights ``[n]`` of the atoms above the lowest one, Å, a slab cut by the cell's edge put together."""
    axis = vacuum_axis(atoms)
    cell = atoms.cell.complete().array
    others = np.delete(cell, axis, axis=0)
    normal = np.cross(*others)
    normal /= np.linalg.norm(normal)
    thickness = cell[axis] @ normal
    along = atoms.positions @ normal * np.sign(thickness)
    if atoms.pbc[axis]:
        # The vacuum is the widest gap; what lies above it belongs below the rest.
        inside = np.mod(along, abs(thickness))
        order = np.sort(inside)
        gaps = np.diff(np.append(order, order[0] + abs(thickness)))
        top = order[int(gaps.argmax())]
        along = np.where(inside > top + 1e-9, inside - abs(thickness), inside)
    return along - along.min()


def layers(levels: np.ndarray, gap: float = GAP) -> np.ndarray:
    """Number of the layer of each atom ``[n]``, 0 at the bottom, from heights ``[n]`` in Å."""
    order = np.argsort(levels, kind="stable")
    steps = np.diff(np.asarray(levels, float)[order]) > gap
    numbers = np.empty(len(levels), int)
    numbers[order] = np.concatenate([[0], np.cumsum(steps)])
    return numbers


def adsorbate(atoms: ase.Atoms) -> np.ndarray:
    """Which atoms are adsorbed ``[n]``.

    By tags, where these differ: 0 as ASE's builders set it, or 2 as in the Open Catalyst sets,
    whichever atoms lie above the others. Else nonmetals on the top layer of the other atoms.
    """
    levels = heights(atoms)
    tags = atoms.get_tags()
    for tag in (0, 2):
        chosen = tags == tag
        if chosen.any() and not chosen.all() and levels[chosen].min() > levels[~chosen].max() - 2 * SUNK:
            return chosen
    metals = ~np.isin(atoms.numbers, NONMETALS)
    if not metals.any():
        return np.zeros(len(atoms), bool)
    numbers = layers(levels[metals])
    top = levels[metals][numbers == numbers.max()].mean()
    return ~metals & (levels > top - SUNK)


def frozen(atoms: ase.Atoms) -> np.ndarray:
    """Atoms that a constraint holds in all three directions ``[n]``."""
    held = np.zeros(len(atoms), bool)
    for constraint in atoms.constraints:
        whole = isinstance(constraint, FixAtoms) or (
            isinstance(constraint, FixCartesian | FixScaled) and np.all(constraint.mask)
        )
        if whole:
            held[constraint.index] = True
    return held


def free(atoms: ase.Atoms, top_layers: int = 2) -> np.ndarray:
    """Atoms of the surface ``[n]``: those no constraint holds, else the adsorbate and the top layers.

    Args:
        atoms: a slab.
        top_layers: of the metal, counted where nothing is constrained.

    Raises:
        InputError: every atom is held.
    """
    held = frozen(atoms)
    if held.all():
        raise InputError("every atom of the slab is fixed: leave the top layers and the adsorbate free")
    if held.any():
        return ~held
    adsorbed = adsorbate(atoms)
    chosen = adsorbed.copy()
    numbers = layers(heights(atoms)[~adsorbed])
    chosen[~adsorbed] = numbers > numbers.max() - top_layers
    return chosen


def bulk_of(atoms: ase.Atoms, top_layers: int = 2) -> ase.Atoms:
    """The crystal under a slab.

    ``atoms.info["bulk"]`` if it is there. Else the layers below the free ones, repeated by the
    translation that carries the lowest layer onto the first one above them; so stacking, spacing and
    order of the elements are those of the slab.

    Args:
        atoms: a slab.
        top_layers: see `free`.

    Raises:
        InputError: a slab of a single layer, which shows no bulk.
    """
    given = atoms.info.get("bulk")
    if given is not None:
        return given
    metal = atoms[~adsorbate(atoms)]
    levels, axis = heights(metal), vacuum_axis(metal)
    numbers = layers(levels)
    count = int(numbers.max()) + 1
    if count < 2:
        raise InputError(
            "a slab of one layer has no bulk below it: give its crystal as atoms.info['bulk'] (ase.Atoms)"
        )
    held = ~free(atoms, top_layers)[~adsorbate(atoms)]
    below = len(np.unique(numbers[held])) or count // 2
    below = min(below, count - 1)
    part = metal[numbers < below]
    part.set_constraint()
    cell = metal.cell.complete().array.copy()
    cell[axis] = _translation(metal, levels, numbers, below, axis)
    part.set_cell(cell)
    part.pbc = True
    return part


def _translation(
    metal: ase.Atoms, levels: np.ndarray, numbers: np.ndarray, below: int, axis: int
) -> np.ndarray:
    """Vector that carries the lowest layer onto layer `below`, the most atoms onto their like."""
    cell = metal.cell.complete().array
    sides = np.delete(cell, axis, axis=0)
    normal = np.cross(*sides)
    normal *= np.sign(normal @ cell[axis]) / np.linalg.norm(normal)
    low, high = np.flatnonzero(numbers == 0), np.flatnonzero(numbers == below)
    rise = levels[high].mean() - levels[low].mean()
    flat = metal.positions - np.outer(metal.positions @ normal, normal)
    best, shift = (-1, -1, 0.0), np.zeros(3)
    for other in high:
        move = flat[other] - flat[low[0]]
        apart = flat[low][:, None] + move - flat[high][None]
        parts = apart @ np.linalg.pinv(sides)
        apart = (parts - np.rint(parts)) @ sides
        distances = np.linalg.norm(apart, axis=-1)
        nearest = distances.argmin(axis=1)
        meets = distances.min(axis=1) < GAP
        alike = meets & (metal.numbers[high][nearest] == metal.numbers[low])
        score = (int(alike.sum()), int(meets.sum()), -float(distances.min(axis=1).sum()))
        if score > best:
            best, shift = score, move
    return shift + rise * normal
