"""A frozen predictor of structures as a predictor of relaxed crystals, differentiable in the mixture.

The graph of a prototype does not depend on its elements: its edges are found once. The mixture of
elements on each site takes the place of the element in the network's first layer, and the lattice
constant follows from the mixture. At a corner of the simplex the value is the predictor's own for the
real crystal.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jraph
import numpy as np

from mlmat.design.crystals.lattice import ContactLattice
from mlmat.design.crystals.prototypes import SCALE, TIE
from mlmat.design.crystals.relaxed import LIMIT, SoftCrystal
from mlmat.design.crystals.space import CrystalSpace
from mlmat.design.crystals.symmetry import deformations
from mlmat.errors import InputError, UnknownElementError
from mlmat.graphs.crystal_graph import CrystalGraphEncoder
from mlmat.graphs.mixture import MIXTURE
from mlmat.graphs.radius_graph import find_neighbours
from mlmat.models.cgcnn import CGCNN
from mlmat.models.crystal_network import CrystalNetwork
from mlmat.models.schnet import SchNet
from mlmat.models.site_network import SiteNetwork
from mlmat.predictor import Predictor
from mlmat.typing import Targets


class Frame(NamedTuple):
    """What all crystals of a space share, as arrays.

    Attributes:
        fillings: ``[G, F, n, E]`` one-hot elements on the sites of each filling.
        cell: ``[3, 3]`` in lattice constants.
        positions: ``[n, 3]`` fractional.
        senders: ``[e]``.
        receivers: ``[e]``.
        shifts: ``[e, 3]`` whole cell vectors.
        strains: ``[m, 3, 3]``.
        displacements: ``[m, n, 3]``.
    """

    fillings: jax.Array
    cell: jax.Array
    positions: jax.Array
    senders: jax.Array
    receivers: jax.Array
    shifts: jax.Array
    strains: jax.Array
    displacements: jax.Array


@partial(jax.tree_util.register_dataclass, data_fields=("predictor", "lattice", "frame"), meta_fields=())
@dataclasses.dataclass(frozen=True)
class CrystalPredictor:
    """An ensemble on structures, used like one on relaxed crystals; make it with `climbable`.

    Attributes:
        predictor: frozen.
        lattice: lattice constants of mixtures.
        frame: the prototype.
    """

    predictor: Predictor
    lattice: ContactLattice
    frame: Frame

    @property
    def properties(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return self.predictor.properties

    @property
    def units(self) -> tuple[str, ...]:
        """Unit of each output."""
        return self.predictor.units

    @property
    def scale(self) -> jax.Array:
        """``[P]`` standard deviations of the training targets."""
        return self.predictor.scale

    @property
    def members(self) -> int:
        """Number of models in the ensemble."""
        return self.predictor.members

    def index(self, name: str) -> int:
        """Position of a property; see `Predictor.index`."""
        return self.predictor.index(name)

    def only(self, index: jax.Array) -> CrystalPredictor:
        """The ensemble of one member."""
        return dataclasses.replace(self, predictor=self.predictor.only(index))

    def shares(self, crystal: SoftCrystal) -> jax.Array:
        """Shares of the elements on the sites ``[n, E]``."""
        return jnp.einsum("gf,gfne->ne", crystal.weights, self.frame.fillings, precision="highest")

    def geometry(self, crystal: SoftCrystal) -> tuple[jax.Array, jax.Array]:
        """Cell ``[3, 3]`` and positions ``[n, 3]``, Å."""
        a = self.lattice.scale(self.shares(crystal))
        strain = jnp.einsum("m,mij->ij", crystal.modes, self.frame.strains)
        moved = jnp.einsum("m,mni->ni", crystal.modes, self.frame.displacements)
        cell = a * self.frame.cell @ (jnp.eye(3) + strain)
        return cell, self.frame.positions @ cell + a * moved

    def graph(self, crystal: SoftCrystal) -> jraph.GraphsTuple:
        """The crystal as a batch of one graph, without padding."""
        cell, positions = self.geometry(crystal)
        frame = self.frame
        return jraph.GraphsTuple(
            nodes={MIXTURE: self.shares(crystal), "positions": positions},
            edges={"shift": frame.shifts @ cell},
            receivers=frame.receivers,
            senders=frame.senders,
            globals=None,
            n_node=jnp.array([len(frame.positions)]),
            n_edge=jnp.array([len(frame.senders)]),
        )

    def with_std(self, crystal: SoftCrystal) -> tuple[Targets, Targets]:
        """Ensemble mean and standard deviation ``[P]`` of one relaxed crystal."""
        mean, std = self.predictor.with_std(self.graph(crystal))
        return mean[0], std[0]

    def __call__(self, crystal: SoftCrystal) -> Targets:
        """Ensemble mean ``[P]``."""
        return self.with_std(crystal)[0]


def climbable(
    predictor: Predictor,
    space: CrystalSpace,
    lattice: ContactLattice,
    *,
    deform: bool = False,
    symmetric: bool = True,
) -> CrystalPredictor:
    """A predictor of structures made climbable over a space.

    Args:
        predictor: whose network takes mixtures: CGCNN, the crystal network or SchNet.
        space: of crystals.
        lattice: of its prototype, with the predictor's elements.
        deform: whether crystals may be strained and their atoms displaced.
        symmetric: only as the prototype's symmetry allows.

    Raises:
        UnknownElementError: the predictor does not know an element of the space.
        InputError: a predictor that takes no structures or no mixtures, or one whose neighbours are
            not unique in this prototype.
    """
    if getattr(predictor.encoder, "kind", "") != "structure":
        raise InputError("designing crystals takes a predictor of structures: mlmat train --model cgcnn")
    if not isinstance(predictor.model, CGCNN | CrystalNetwork | SchNet | SiteNetwork):
        kind = type(predictor.model).__name__
        raise InputError(f"{kind} takes no mixtures of elements: train cgcnn, crystal or schnet")
    elements = predictor.encoder.elements
    for symbol in space.elements:
        if symbol not in elements:
            raise UnknownElementError(symbol, elements)
    prototype = space.prototype
    n, width = len(prototype.positions), max(len(group) for group in space.fillings)
    fillings = np.zeros((len(space.fillings), width, n, len(elements)), np.float32)
    for g, group in enumerate(space.fillings):
        for f, filling in enumerate(group):
            for site, symbol in zip(prototype.groups[g], filling, strict=True):
                fillings[g, f, site, elements.index(symbol)] = 1
    strains, displacements = deformations(prototype, symmetric)
    kept = len(strains) if deform else 0
    receivers, senders, shifts = _edges(predictor.encoder, space, lattice, fillings, deform)
    frame = Frame(
        *(jnp.asarray(x, jnp.float32) for x in (fillings, prototype.cell, prototype.positions)),
        jnp.asarray(senders, jnp.int32),
        jnp.asarray(receivers, jnp.int32),
        *(jnp.asarray(x, jnp.float32) for x in (shifts, strains[:kept], displacements[:kept])),
    )
    return CrystalPredictor(predictor, lattice, frame)


def _edges(
    encoder: Any, space: CrystalSpace, lattice: ContactLattice, fillings: np.ndarray, deform: bool
) -> tuple[np.ndarray, ...]:
    """Receivers, senders and cells of the edges that serve all crystals of the space."""
    if isinstance(encoder, CrystalGraphEncoder):
        return _nearest(encoder, space, deform)
    # Edges within the cutoff at the smallest crystal: those that are too long count nothing.
    sizes = np.asarray(lattice.radii)
    small = [
        min(range(len(group)), key=lambda f, g=g: (fillings[g, f] @ sizes).sum())
        for g, group in enumerate(space.fillings)
    ]
    shares = sum(fillings[g, f] for g, f in enumerate(small))
    least = float(lattice.scale(jnp.asarray(shares))) * (1 - 3 * LIMIT * deform)
    receivers, senders, cells, _ = find_neighbours(space.prototype.atoms(scale=least), encoder.cutoff)
    return receivers, senders, cells


def _nearest(encoder: CrystalGraphEncoder, space: CrystalSpace, deform: bool) -> tuple[np.ndarray, ...]:
    """Edges of the nearest neighbours, which must be the same for every lattice constant."""
    width, n = encoder.neighbours, len(space.prototype.positions)
    i, j, cells, d = find_neighbours(space.prototype.atoms(), min(encoder.radius, 2 * SCALE))
    order = np.lexsort((d, i))
    i, j, cells, d = i[order], j[order], cells[order], d[order]
    first = np.searchsorted(i, np.arange(n))
    if (np.bincount(i, minlength=n) <= width).any():
        raise InputError(f"{width} neighbours reach too far in {space.prototype.name}: train with fewer")
    reach = np.arange(1, np.bincount(i, minlength=n).min())  # numbers of neighbours there can be
    gaps = (d[first[:, None] + reach] / d[first[:, None] + reach - 1]).min(axis=0)
    gap = gaps[width - 1]
    if gap < 1 + TIE:
        filled = ", ".join(map(str, reach[gaps >= 1 + TIE][:6])) or "none is known"
        raise InputError(
            f"with {width} neighbours an atom of {space.prototype.name} has several that are equally far: "
            f"train cgcnn or crystal with --neighbours that fill a shell of every site ({filled}), or schnet"
        )
    if deform and gap < 1 + 4 * LIMIT:
        raise InputError(
            "nearest neighbours change when a crystal is deformed: keep the ideal geometry, or train SchNet"
        )
    keep = (first[:, None] + np.arange(width)).reshape(-1)
    return i[keep], j[keep], cells[keep]
