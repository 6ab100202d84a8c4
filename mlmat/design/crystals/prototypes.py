"""Prototypes of crystals: sites in a cell of unit size, in groups that are occupied together.

Sites of one group (a Wyckoff position, say) take their elements together, so that a crystal keeps the
prototype's symmetry; a group may also be filled by a mixture such as O₂N, as in oxynitrides.
"""

from __future__ import annotations

from dataclasses import dataclass

import ase
import numpy as np

from mlmat.errors import InputError
from mlmat.graphs.radius_graph import find_neighbours

TIE = 1e-3
"""Distances that differ by less than this share are one shell."""

SCALE = 4.0
"""Å; lattice constant at which neighbours are looked for, so that they are not taken for overlapping."""


@dataclass(frozen=True)
class Prototype:
    """Sites of a crystal structure whose lattice constant is one.

    Attributes:
        name: e.g. ``"perovskite"``.
        cell: three vectors, in lattice constants.
        positions: fractional coordinates of the sites.
        groups: sites of each group; every site is in one.
        labels: of the groups, e.g. ``("A", "B", "X")``.
        exchanged: groups that a symmetry of the prototype maps on each other, so that their order
            says nothing.

    Raises:
        InputError: a site that is in no group or in two, or groups without labels.
    """

    name: str
    cell: tuple[tuple[float, ...], ...]
    positions: tuple[tuple[float, ...], ...]
    groups: tuple[tuple[int, ...], ...]
    labels: tuple[str, ...]
    exchanged: tuple[int, ...] = ()

    def __post_init__(self):
        inside = sorted(site for group in self.groups for site in group)
        if inside != list(range(len(self.positions))) or len(self.labels) != len(self.groups):
            raise InputError(f"{self.name}: every site must be in one group, and every group have a label")

    @property
    def group_of(self) -> np.ndarray:
        """``[n]`` group of each site."""
        found = np.zeros(len(self.positions), int)
        for number, group in enumerate(self.groups):
            found[list(group)] = number
        return found

    def atoms(self, symbols: list[str] | None = None, scale: float = SCALE) -> ase.Atoms:
        """The crystal of a lattice constant; without symbols, one that tells the groups apart."""
        if symbols is None:
            symbols = [int(group) + 1 for group in self.group_of]
        cell = scale * np.array(self.cell)
        return ase.Atoms(symbols, scaled_positions=np.array(self.positions), cell=cell, pbc=True)


def distances(prototype: Prototype, reach: float = 1.0) -> tuple[np.ndarray, ...]:
    """Sites i ``[e]``, j ``[e]`` and distances ``[e]`` of all pairs up to `reach`, in lattice constants."""
    i, j, _, d = find_neighbours(prototype.atoms(), (reach + TIE) * SCALE)
    return i.astype(int), j.astype(int), d / SCALE


def contacts(prototype: Prototype) -> tuple[np.ndarray, ...]:
    """Nearest neighbours of the sites: what keeps a lattice from shrinking.

    Returns:
        Sites i ``[c]`` and j ``[c]``, the kind of each contact ``[c]`` (its two groups and its length),
        and the length of each kind ``[K]`` in lattice constants.
    """
    i, j, d = distances(prototype, 1.5)
    first = np.array([d[i == site].min() for site in range(len(prototype.positions))])
    near = d < first[i] * (1 + TIE)
    i, j, d = i[near], j[near], d[near]
    groups = np.sort(prototype.group_of[np.stack([i, j], axis=1)], axis=1)
    labels = np.column_stack([groups, np.rint(d / TIE)])
    _, rows, kind = np.unique(labels, axis=0, return_index=True, return_inverse=True)
    return i, j, kind.reshape(-1), d[rows]


def prototype_from_atoms(atoms: ase.Atoms, name: str = "given") -> Prototype:
    """The prototype of a given crystal: the sites of each of its elements are one group.

    Its lattice constant is the cube root of the cell's volume.

    Raises:
        InputError: not periodic in all directions.
    """
    if not atoms.pbc.all() or not atoms.cell.volume > 0:
        raise InputError("a prototype must be periodic in three directions: give a crystal")
    symbols = atoms.get_chemical_symbols()
    kinds = list(dict.fromkeys(symbols))
    size = atoms.cell.volume ** (1 / 3)
    return Prototype(
        name,
        tuple(map(tuple, (atoms.cell.array / size).tolist())),
        tuple(map(tuple, atoms.get_scaled_positions().tolist())),
        tuple(tuple(i for i, symbol in enumerate(symbols) if symbol == kind) for kind in kinds),
        tuple(kinds),
    )


_CUBE = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_FCC = ((0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0))
_ORIGIN, _QUARTER, _HALF, _THREE = ((x, x, x) for x in (0.0, 0.25, 0.5, 0.75))
_FACES = ((0.5, 0.5, 0.0), (0.5, 0.0, 0.5), (0.0, 0.5, 0.5))
_OCTAHEDRA = (
    (-0.25, 0.25, 0.25), (0.25, -0.25, -0.25), (0.25, -0.25, 0.25),
    (-0.25, 0.25, -0.25), (0.25, 0.25, -0.25), (-0.25, -0.25, 0.25),
)  # fmt: skip

PROTOTYPES = {
    prototype.name: prototype
    for prototype in (
        Prototype("perovskite", _CUBE, (_ORIGIN, _HALF, *_FACES), ((0,), (1,), (2, 3, 4)), ("A", "B", "X")),
        Prototype(
            "elpasolite",
            _FCC,
            (_ORIGIN, _HALF, _QUARTER, _THREE, *_OCTAHEDRA),
            ((0,), (1,), (2, 3), (4, 5, 6, 7, 8, 9)),
            ("A", "B", "C", "D"),
            exchanged=(0, 1),
        ),
        Prototype("rocksalt", _FCC, (_ORIGIN, _HALF), ((0,), (1,)), ("A", "X"), exchanged=(0, 1)),
        Prototype("zincblende", _FCC, (_ORIGIN, _QUARTER), ((0,), (1,)), ("A", "X"), exchanged=(0, 1)),
        Prototype("fluorite", _FCC, (_ORIGIN, _QUARTER, _THREE), ((0,), (1, 2)), ("A", "X")),
    )
}
"""Prototypes by name: ABX₃ (cubic perovskite), ABC₂D₆ (elpasolite), AX (rock salt, zinc blende), AX₂."""


def get_prototype(name: str) -> Prototype:
    """A prototype by name.

    Raises:
        InputError: no such prototype.
    """
    if name not in PROTOTYPES:
        raise InputError(f"unknown prototype {name!r}: choose one of {', '.join(PROTOTYPES)}, or give a file")
    return PROTOTYPES[name]
