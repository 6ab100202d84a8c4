"""Slabs → graphs with two branches, the surface and the bulk below it, as SGCNN takes them.

M. Kim et al., arXiv 1812.02949 (2018). Nodes of the surface are the atoms that were free to move: the
top layers and the adsorbate (`mlmat.graphs.slab.free`); the slab repeats in two directions. Nodes of the
bulk are the atoms of its crystal, which repeats in three (`mlmat.graphs.slab.bulk_of`). Two atoms are
neighbours if they are closer than the cutoff (6 Å) and than the sum of their covalent radii plus a
margin (1.5 Å); images count one by one.

=====================  ============  ==================================================
field                  shape         content
=====================  ============  ==================================================
nodes["species"]       ``[n]``       int32, index into the encoder's elements
nodes["positions"]     ``[n, 3]``    float32, Å
nodes["branch"]        ``[n]``       int32, `SURFACE` (these first) or `BULK`
edges["shift"]         ``[e, 3]``    float32, Å: the sender is at positions[sender] + shift
receivers, senders     ``[e]``       int32, sorted by receiver; both ends in one branch
=====================  ============  ==================================================

Host code: arrays are NumPy, lengths in Å.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import ase
import jraph
import numpy as np

from mlmat.elements import property_by_number
from mlmat.errors import InputError
from mlmat.graphs.radius_graph import RadiusGraphEncoder, check_overlap, find_neighbours
from mlmat.graphs.slab import bulk_of, free, vacuum_axis

SURFACE, BULK = 0, 1
"""Values of ``nodes["branch"]``."""


@dataclass(frozen=True)
class SlabGraphEncoder:
    """``encoder(atoms)`` → `jraph.GraphsTuple` of one graph; see the head of this file.

    Attributes:
        elements: chemical symbols that the model shall know, in the order of `species`.
        cutoff: no neighbour is further away, Å.
        margin: nor further than the sum of the covalent radii and this, Å.
        top_layers: layers of the metal that make the surface of a slab without constraints.

    Raises:
        InputError: no elements, an unknown or doubled one, or sizes that are none.
    """

    elements: tuple[str, ...]
    cutoff: float = 6.0
    margin: float = 1.5
    top_layers: int = 2

    kind: ClassVar[str] = "structure"
    continuous: ClassVar[bool] = False
    """An atom that moves across the bound of another's neighbourhood changes the energy at once."""

    def __post_init__(self):
        object.__setattr__(self, "elements", tuple(self.elements))
        RadiusGraphEncoder(self.elements, self.cutoff)
        if not np.isfinite(self.margin) or self.top_layers < 1:
            raise InputError(
                f"margin must be a length and top_layers at least 1, not {self.margin} and {self.top_layers}"
            )

    def __call__(self, atoms: ase.Atoms) -> jraph.GraphsTuple:
        """Slab, with or without an adsorbate → graph.

        Args:
            atoms: periodic in two directions, or in three with a vacuum along the third cell vector;
                ``atoms.info["bulk"]`` may hold its crystal.

        Raises:
            UnknownElementError: an element outside `elements`.
            InputError: no slab, see `mlmat.graphs.slab`, or as of `RadiusGraphEncoder`.
        """
        radius = RadiusGraphEncoder(self.elements, self.cutoff)
        radius.checked_species(atoms)
        surface, bulk = self.parts(atoms)
        species = [radius.checked_species(part) for part in (surface, bulk)]
        edges, count = [], 0
        for part in (surface, bulk):
            receivers, senders, shift = self._neighbours(part)
            edges.append((receivers + count, senders + count, shift))
            count += len(part)
        receivers, senders, shift = (np.concatenate(column) for column in zip(*edges, strict=True))
        return jraph.GraphsTuple(
            nodes={
                "species": np.concatenate(species),
                "positions": np.concatenate([surface.positions, bulk.positions]).astype(np.float32),
                "branch": np.repeat(np.int32([SURFACE, BULK]), [len(surface), len(bulk)]),
            },
            edges={"shift": shift.astype(np.float32)},
            receivers=receivers.astype(np.int32),
            senders=senders.astype(np.int32),
            globals=None,
            n_node=np.array([count], np.int32),
            n_edge=np.array([len(receivers)], np.int32),
        )

    def parts(self, atoms: ase.Atoms) -> tuple[ase.Atoms, ase.Atoms]:
        """The surface and the bulk of a slab, nodes of the graph in this order.

        The surface has an array ``"index"``: the places of its atoms in the slab.

        Raises:
            InputError: as of `mlmat.graphs.slab`.
        """
        bulk, chosen = bulk_of(atoms, self.top_layers), free(atoms, self.top_layers)
        # Not atoms[chosen]: it would copy all that info holds.
        periodic = np.arange(3) != vacuum_axis(atoms)
        surface = ase.Atoms(atoms.numbers[chosen], atoms.positions[chosen], cell=atoms.cell, pbc=periodic)
        surface.set_array("index", np.flatnonzero(chosen))
        return surface, bulk

    def _neighbours(self, part: ase.Atoms) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Receivers ``[e]``, senders ``[e]`` and shifts ``[e, 3]`` of one branch."""
        receivers, senders, cells, distances = find_neighbours(part, self.cutoff)
        check_overlap(part, receivers, senders, distances)
        radii = property_by_number("covalent_radius")[part.numbers]
        near = distances < radii[receivers] + radii[senders] + self.margin
        shift = cells[near] @ part.cell.complete().array
        return receivers[near].astype(int), senders[near].astype(int), shift
