"""Atoms in space → graph of all neighbours within a cutoff, periodic or not.

Host code: arrays are NumPy, ready for `mlmat.graphs.packing`. Lengths are in Å.

=====================  ============  ==================================================
field                  shape         content
=====================  ============  ==================================================
nodes["species"]       ``[n]``       int32, index into the encoder's elements
nodes["positions"]     ``[n, 3]``    float32, Å
edges["shift"]         ``[e, 3]``    float32, Å: the sender is at positions[sender] + shift
receivers, senders     ``[e]``       int32, sorted by receiver, then sender; every pair of
                                     neighbours twice, once in each direction
globals                None
n_node, n_edge         ``[1]``       int32
=====================  ============  ==================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import ase
import jraph
import numpy as np
import vesin
from ase.data import atomic_numbers

from mlmat.errors import InputError, UnknownElementError
from mlmat.graphs.atoms import as_atoms

OVERLAP = 0.4
"""Å; no two nuclei of a real structure are closer (H₂: 0.74 Å)."""


@dataclass(frozen=True)
class RadiusGraphEncoder:
    """``encoder(atoms)`` → `jraph.GraphsTuple` of one graph; see the head of this file.

    Attributes:
        elements: chemical symbols that the model shall know, in the order of `species`.
        cutoff: neighbours are closer than this, in Å.

    Raises:
        InputError: no elements, an unknown or doubled one, or a cutoff that is not
            a number above 0.4 Å.
    """

    elements: tuple[str, ...]
    cutoff: float = 5.0

    kind: ClassVar[str] = "structure"

    def __post_init__(self):
        # A file gives lists; only tuples make a frozen dataclass hashable.
        object.__setattr__(self, "elements", tuple(self.elements))
        unknown = [symbol for symbol in self.elements if symbol not in atomic_numbers]
        if unknown or not self.elements or len(set(self.elements)) < len(self.elements):
            raise InputError(
                f"elements must be chemical symbols, each once, such as ('H', 'C', 'O'); not {self.elements}"
            )
        if not (np.isfinite(self.cutoff) and self.cutoff > OVERLAP):
            raise InputError(f"the cutoff must be a length above {OVERLAP} Å, such as 5.0; not {self.cutoff}")

    def __call__(self, atoms: ase.Atoms) -> jraph.GraphsTuple:
        """Molecule or periodic structure, any cell → graph; `as_atoms` says what else may be given.

        Raises:
            UnknownElementError: an element outside `elements`.
            InputError: no atoms, positions or a cell that are not finite, all atoms at
                the origin, a periodic direction without cell vector, overlapping atoms.
        """
        atoms = as_atoms(atoms)
        species = self.checked_species(atoms)
        receivers, senders, cells, distances = find_neighbours(atoms, self.cutoff)
        check_overlap(atoms, receivers, senders, distances)
        return jraph.GraphsTuple(
            nodes={"species": species, "positions": atoms.positions.astype(np.float32)},
            edges={"shift": (cells @ atoms.cell.array).astype(np.float32)},
            receivers=receivers.astype(np.int32),
            senders=senders.astype(np.int32),
            globals=None,
            n_node=np.array([len(atoms)], np.int32),
            n_edge=np.array([len(receivers)], np.int32),
        )

    def checked_species(self, atoms: ase.Atoms) -> np.ndarray:
        """Index of each atom's element ``[n]`` int32, of a structure whose geometry is sane.

        Raises:
            MlmatError: see `__call__`, but for overlapping atoms.
        """
        table = np.full(max(atomic_numbers.values()) + 1, -1, np.int32)
        table[[atomic_numbers[symbol] for symbol in self.elements]] = np.arange(len(self.elements))
        species = table[atoms.numbers]
        if (species < 0).any():
            raise UnknownElementError(atoms.symbols[int(species.argmin())], self.elements)
        _check_geometry(atoms)
        return species


def looks_flat(atoms: ase.Atoms) -> bool:
    """Whether a molecule of four atoms or more lies in a plane z = const, as a drawing does.

    A reason to warn, not to refuse: benzene in its own plane is flat too.
    """
    return len(atoms) >= 4 and not atoms.pbc.any() and bool(np.ptp(atoms.positions[:, 2]) < 1e-3)


def _check_geometry(atoms: ase.Atoms) -> None:
    if len(atoms) == 0:
        raise InputError("a structure without atoms has no properties: remove it")
    bad = ~np.isfinite(atoms.positions).all(axis=1)
    if bad.any():
        i = int(bad.argmax())
        raise InputError(f"the position of atom {i} ({atoms.symbols[i]}) is not finite: {atoms.positions[i]}")
    if len(atoms) > 1 and not atoms.positions.any():
        raise InputError(
            "all coordinates are zero: the file holds no geometry; make one with a 3-D embedding"
        )
    if not np.isfinite(atoms.cell.array).all():
        raise InputError("the cell is not finite: correct its vectors, or set pbc to False")
    # complete() fills the vectors of directions that are not periodic.
    if atoms.pbc.any() and (
        not atoms.cell.array[atoms.pbc].any(axis=1).all() or abs(atoms.cell.complete().volume) < 1e-6
    ):
        raise InputError(
            "a periodic direction needs a cell vector of its own, not zero and not parallel to the others: "
            "set the cell, or set pbc to False for a molecule"
        )


def find_neighbours(atoms: ase.Atoms, cutoff: float) -> tuple[np.ndarray, ...]:
    """Receivers ``[e]``, senders ``[e]``, cells ``[e, 3]``, distances ``[e]`` in Å up to a cutoff; sorted."""
    periodic = bool(atoms.pbc.any())
    box = atoms.cell.complete().array if periodic else np.zeros((3, 3))
    # One thread: structures are small, and callers encode many of them side by side.
    search = vesin.NeighborList(cutoff=cutoff, full_list=True, n_threads=1)
    i, j, cells, distances = search.compute(
        atoms.positions, box, atoms.pbc if periodic else False, quantities="ijSd"
    )
    order = np.lexsort((*cells.T[::-1], j, i))
    return i[order], j[order], cells[order], distances[order]


def check_overlap(
    atoms: ase.Atoms, receivers: np.ndarray, senders: np.ndarray, distances: np.ndarray
) -> None:
    """Refuse atoms on top of each other; arguments as `find_neighbours` returns them.

    Raises:
        InputError: two atoms less than `OVERLAP` apart.
    """
    if len(distances) and distances.min() < OVERLAP:
        closest = int(distances.argmin())
        i, j = sorted((int(receivers[closest]), int(senders[closest])))
        raise InputError(
            f"atoms {i} ({atoms.symbols[i]}) and {j} ({atoms.symbols[j]}) overlap: they are "
            f"{distances[closest]:.2f} Å apart, less than {OVERLAP} Å. Remove the double atom, or check that "
            "the coordinates are in Å and the cell is right."
        )
