"""A potential: an energy function of a graph of atoms, with its parameters beside it.

``energy(params, graph) → [n]`` gives the energy of each atom in eV. The graph is that of
`mlmat.graphs.radius_graph`, one structure or a padded batch, at least as far as the cutoff:
neighbours further away (the skin of a neighbour list) must add nothing, and so must padding
edges, which go from an atom to itself. Learned and classical potentials are used alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import ase
import jax
import jax.numpy as jnp
import jraph
import numpy as np

from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.nn.radial import safe_norm


@partial(jax.tree_util.register_dataclass, data_fields=("params",), meta_fields=("energy", "elements"))
@dataclass(frozen=True)
class Potential:
    """Energy function, parameters and elements as one pytree.

    The parameters are leaves: a jitted function that takes the potential as an argument
    does not compile again for other parameters, and can be differentiated by them.

    Attributes:
        params: pytree of arrays.
        energy: ``energy(params, graph) → [n]`` atomic energies, eV; hashable, with an
            attribute ``cutoff`` in Å.
        elements: chemical symbols in the order of ``graph.nodes["species"]``.
    """

    params: Any
    energy: Callable[[Any, jraph.GraphsTuple], jax.Array]
    elements: tuple[str, ...]

    @property
    def cutoff(self) -> float:
        """Distance beyond which atoms do not feel each other, Å."""
        return self.energy.cutoff

    @property
    def encoder(self) -> RadiusGraphEncoder:
        """What turns `ase.Atoms` into the graph that the energy takes."""
        return RadiusGraphEncoder(self.elements, self.cutoff)

    def __call__(self, graph: jraph.GraphsTuple) -> jax.Array:
        """Energies ``[n]`` of the atoms, eV."""
        return self.energy(self.params, graph)


class Edges(NamedTuple):
    """Geometry of the edges of a graph.

    Attributes:
        vectors: ``[e, 3]`` from receiver to sender, Å.
        distances: ``[e]``; 1 Å where `inside` is False, so that no power of it overflows.
        inside: ``[e]`` real neighbours closer than the cutoff.
    """

    vectors: jax.Array
    distances: jax.Array
    inside: jax.Array


def edges_within(graph: jraph.GraphsTuple, cutoff: float) -> Edges:
    """Vectors and distances of the edges, and which of them count."""
    positions = jnp.asarray(graph.nodes["positions"])
    vectors = positions[graph.senders] + graph.edges["shift"] - positions[graph.receivers]
    distances = safe_norm(vectors)
    inside = (distances > 0) & (distances < cutoff)
    return Edges(vectors, jnp.where(inside, distances, 1.0), inside)


def smooth_step(x: jax.Array, start: float, end: float) -> jax.Array:
    """1 below `start`, 0 above `end`, between them 1 − 10 t³ + 15 t⁴ − 6 t⁵: two derivatives are continuous.

    Args:
        x: ``[...]``.
        start: where the step begins, below `end`.
        end: where it ends.
    """
    t = jnp.clip((x - start) / (end - start), 0.0, 1.0)
    return 1.0 - t**3 * (10.0 - 15.0 * t + 6.0 * t * t)


def exact_graph(potential: Potential, atoms: ase.Atoms) -> jraph.GraphsTuple:
    """Graph of one structure with positions and shifts in float64, for work inside `jax.enable_x64`.

    Raises:
        MlmatError: see `RadiusGraphEncoder`.
    """
    graph = potential.encoder(atoms)
    shift = graph.edges["shift"].astype(float)
    if atoms.pbc.any():
        cell = atoms.cell.complete().array
        shift = np.rint(shift @ np.linalg.inv(cell)) @ cell
    return graph._replace(nodes={**graph.nodes, "positions": atoms.positions.copy()}, edges={"shift": shift})
