"""A saved predictor of energies as a potential: atomic energies in eV.

The networks sum over atoms, so that giving each atom a graph of its own turns the output
for structures into one for atoms; a network with a method ``atomic`` says it itself. What
the predictor adds for each element goes to the atom, what it adds for each structure is
shared evenly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import jax
import jax.numpy as jnp
import jraph
import numpy as np

from mlmat.errors import InputError
from mlmat.nn.module import apply, grown, map_members
from mlmat.potentials.potential import Potential, edges_within
from mlmat.predictor import Predictor
from mlmat.predictor.forces import check_forces
from mlmat.units import UNITS


@dataclass(frozen=True)
class ModelEnergy:
    """Energy function of an ensemble of networks.

    Parameters: ``variables`` with a leading axis of members, ``scale`` and ``offset`` (scalars,
    eV) and ``reference [S]`` (eV).

    Attributes:
        model: network on radius graphs whose output is a sum over atoms.
        cutoff: of its encoder, Å.
    """

    model: Any
    cutoff: float

    def __call__(self, params: dict[str, Any], graph: jraph.GraphsTuple) -> jax.Array:
        """Atomic energies ``[n]`` of the ensemble mean, eV."""
        return self.members(params, graph).mean(axis=0)

    def members(self, params: dict[str, Any], graph: jraph.GraphsTuple) -> jax.Array:
        """Atomic energies ``[M, n]`` of each member, eV."""
        graph = self._trimmed(jax.tree.map(jnp.asarray, graph))
        n = graph.nodes["species"].shape[0]

        def one(variables: Any) -> jax.Array:
            if hasattr(self.model, "atomic"):
                return self.model.apply(variables, graph, method="atomic")[:, 0]
            alone = graph._replace(
                n_node=jnp.ones(n, jnp.int32), n_edge=jnp.bincount(graph.receivers, length=n)
            )
            return apply(self.model, variables, alone)[0][:, 0]

        atoms = jnp.repeat(1.0 / jnp.maximum(graph.n_node, 1), graph.n_node, total_repeat_length=n)
        shared = params["reference"][graph.nodes["species"]] + params["offset"] * atoms
        return map_members(one, params["variables"]) * params["scale"] + shared

    def _trimmed(self, graph: jraph.GraphsTuple) -> jraph.GraphsTuple:
        """Neighbours beyond the cutoff become padding: the network sees what its encoder makes."""
        inside = edges_within(graph, self.cutoff).inside
        return graph._replace(
            senders=jnp.where(inside, graph.senders, graph.receivers),
            edges={**graph.edges, "shift": jnp.where(inside[:, None], graph.edges["shift"], 0.0)},
        )


def fitting(potential: Potential, graphs: Sequence[jraph.GraphsTuple]) -> Potential:
    """The potential with static sizes that hold these structures; itself if it has none, or they do.

    Some networks keep triples of atoms in lists of a fixed size, and say NaN when it is too small.
    Host code; the weights stay as they are.

    Args:
        potential: learned or classical.
        graphs: as its encoder makes them.
    """
    if not isinstance(potential.energy, ModelEnergy):
        return potential
    return replace(potential, energy=replace(potential.energy, model=grown(potential.energy.model, graphs)))


def sizes_since(potential: Potential, first: Potential) -> dict[str, Any]:
    """Static sizes that `fitting` has changed, by name; JSON values, empty for most potentials."""
    if not isinstance(potential.energy, ModelEnergy):
        return {}
    names = (field.name for field in fields(potential.energy.model) if field.name not in ("parent", "name"))
    pairs = ((name, getattr(potential.energy.model, name)) for name in names)
    return {name: value for name, value in pairs if value != getattr(first.energy.model, name)}


def with_sizes(potential: Potential, sizes: dict[str, Any]) -> Potential:
    """The potential with the sizes that `sizes_since` told, as read back from JSON."""
    if not sizes:
        return potential
    sizes = {name: tuple(value) if isinstance(value, list) else value for name, value in sizes.items()}
    return replace(potential, energy=replace(potential.energy, model=potential.energy.model.clone(**sizes)))


def from_predictor(predictor: Predictor) -> Potential:
    """Potential of a predictor of one energy, its ensemble mean.

    Raises:
        InputError: a predictor of something else than one energy of a structure in space,
            in a unit that is no energy, of a mean over atoms, or without a cutoff.
    """
    check_forces(predictor)
    unit = predictor.units[0]
    if unit not in UNITS["energy"]:
        raise InputError(
            f"{predictor.properties[0]} is in {unit!r}: a potential needs an energy, in one of "
            f"{', '.join(UNITS['energy'])}"
        )
    if getattr(predictor.model, "pooling", "sum") != "sum":
        raise InputError(
            f"{predictor.properties[0]} is a mean over atoms, and a potential needs a sum: "
            "train on the total energy"
        )
    if not hasattr(predictor.encoder, "cutoff"):
        raise InputError("the predictor has no cutoff, so no neighbours: train one on radius graphs")
    factor = UNITS["energy"][unit]
    elements = tuple(predictor.encoder.elements)
    reference = np.zeros(len(elements)) if predictor.reference is None else predictor.reference
    params = {
        "variables": predictor.variables,
        "scale": factor * np.asarray(predictor.scale, float)[0],
        "offset": factor * np.asarray(predictor.mean, float)[0],
        "reference": factor * np.asarray(reference, float).reshape(len(elements), -1)[:, 0],
    }
    return Potential(params, ModelEnergy(predictor.model, float(predictor.encoder.cutoff)), elements)
