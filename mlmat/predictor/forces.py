"""Forces of a predictor of energies: the negative gradient by the positions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

import jax
import jraph
import numpy as np

from mlmat.errors import InputError
from mlmat.graphs.packing import pack, unpack
from mlmat.nn.module import apply, grown, map_members
from mlmat.predictor.predict import BATCH, budget_of
from mlmat.predictor.predictor import Predictor


class Forces(NamedTuple):
    """Forces on the atoms of one structure, in the predictor's unit of energy per Å.

    Attributes:
        mean: ``[n, 3]`` negative gradient of the ensemble mean of the energy.
        std: ``[n, 3]`` standard deviation of the members' forces, as it is.
    """

    mean: np.ndarray
    std: np.ndarray


def check_forces(predictor: Predictor) -> None:
    """Refuse a predictor whose output has no forces.

    Raises:
        InputError: not one number for a structure in space.
    """
    if predictor.encoder.kind != "structure" or predictor.classes or len(predictor.properties) != 1:
        raise InputError(
            "forces are the gradient of one energy by the positions: this predictor gives "
            f"{', '.join(predictor.properties)} of {predictor.encoder.kind} inputs"
        )
    check_continuous(predictor.encoder)


def check_continuous(encoder: Any) -> None:
    """Refuse graphs that change at once when atoms move: what is predicted from them has no gradient there.

    Raises:
        InputError: a graph of a fixed number of nearest neighbours.
    """
    if not getattr(encoder, "continuous", True):
        raise InputError(
            "a graph of the nearest neighbours jumps when atoms move, so its energy has no forces: "
            "train schnet, hdnnp or equivariant, which see all neighbours within a cutoff"
        )


@jax.jit
def _forces(predictor: Predictor, batch: jraph.GraphsTuple) -> jax.Array:
    """Mean and standard deviation over members ``[n, 6]``."""

    def of_member(variables: Any) -> jax.Array:
        def energy(positions: jax.Array) -> jax.Array:
            moved = batch._replace(nodes={**batch.nodes, "positions": positions})
            # What an atom contributes by its element alone, and the mean, have no gradient.
            return (apply(predictor.model, variables, moved)[0] * predictor.scale).sum()

        return -jax.grad(energy)(batch.nodes["positions"])

    each = map_members(of_member, predictor.variables)
    return jax.numpy.concatenate([each.mean(axis=0), each.std(axis=0)], axis=-1)


def predict_forces(
    predictor: Predictor, graphs: Iterable[jraph.GraphsTuple], batch: int = BATCH
) -> Iterator[Forces]:
    """Forces of each structure of a stream, in its order.

    Args:
        predictor: of one energy, on structures.
        graphs: what ``predictor.encoder`` made.
        batch: most graphs a compiled batch holds.

    Raises:
        InputError: see `check_forces`.
    """
    check_forces(predictor)
    stream = iter(graphs)
    while taken := list(islice(stream, batch)):
        predictor = replace(predictor, model=grown(predictor.model, taken))
        for packed in pack(taken, budget_of(taken, batch)):
            found = jax.device_get(_forces(predictor, packed))
            for graph in unpack(packed._replace(nodes={"forces": found})):
                yield Forces(*np.split(graph.nodes["forces"], 2, axis=1))
