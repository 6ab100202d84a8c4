"""What the members of an ensemble disagree about: where a learned potential leaves its training data."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import ase
import jax
import jax.numpy as jnp
import jraph
import numpy as np

from mlmat.errors import InputError
from mlmat.graphs.packing import pack
from mlmat.nn.module import map_members
from mlmat.potentials.derivatives import evaluate_first
from mlmat.potentials.learned import ModelEnergy, fitting
from mlmat.potentials.potential import Potential
from mlmat.predictor.predict import budget_of


@jax.jit
def member_forces(potential: Potential, graph: jraph.GraphsTuple) -> jax.Array:
    """Forces of each member on the atoms of a graph with one real structure, ``[M, n, 3]`` eV/Å."""
    graph = jax.tree.map(jnp.asarray, graph)

    def one(variables) -> jax.Array:
        params = {**potential.params, "variables": jax.tree.map(lambda leaf: leaf[None], variables)}
        return evaluate_first(dataclasses.replace(potential, params=params), graph).forces

    return map_members(one, potential.params["variables"])


def force_disagreement(potential: Potential, structures: Sequence[ase.Atoms]) -> np.ndarray:
    """Largest disagreement of the members about the force on an atom, of each structure.

    Args:
        potential: from a predictor with at least two members.
        structures: any.

    Returns:
        ``[N]`` eV/Å: max over atoms of sqrt(⟨|F − ⟨F⟩|²⟩) over members.

    Raises:
        InputError: a potential that is no ensemble.
    """
    learned = isinstance(potential.energy, ModelEnergy)
    if not learned or len(jax.tree.leaves(potential.params["variables"])[0]) < 2:
        raise InputError("disagreement needs an ensemble: train with --members 2 or more")
    found = []
    for atoms in structures:
        graph = potential.encoder(atoms)
        potential = fitting(potential, [graph])
        (packed,) = pack([graph], budget_of([graph], 1))
        forces = np.asarray(member_forces(potential, packed))[:, : len(atoms)]
        spread = np.sqrt(((forces - forces.mean(axis=0)) ** 2).sum(axis=-1).mean(axis=0))
        found.append(spread.max())
    return np.array(found)
