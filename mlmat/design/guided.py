"""Mutations chosen by gradient: many edits of a parent, ranked by one gradient before any is predicted.

The mean of a parent's mutants is itself a relaxed molecule X, close to all of them. To
first order the prediction for mutant C is f(X) + ∇f(X) · (C − X), so one linearisation
ranks any number of mutants (as Gibbs-with-gradients ranks flips: W. Grathwohl et al.,
ICML 2021, eq. 3; there at the parent itself). At X, and not at the parent, because networks
on bond orders have kinks at integers: measured on 770 mutants of 40 random members, the
rank correlation of predicted and true change is 0.70 at X and 0.43 at the parent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.design.genetic import as_member
from mlmat.design.graph_cuts import Graph
from mlmat.design.mutations import add_ring, change_atom, change_bond, delete_ring, shift_bond
from mlmat.graphs.chemistry import silence_rdkit
from mlmat.graphs.softgraph import soft_graph, stack
from mlmat.typing import SoftGraph

EDITS = (change_atom, change_atom, change_bond, shift_bond, add_ring, delete_ring)
"""Edits that keep the atoms in their order, so that mutants can be averaged; elements change most."""

SECOND_EDIT = 0.5
"""Probability that a mutant is edited twice."""


def linearisation_cost(objective: Any, predictor: Any) -> int:
    """Evaluations that the linearisation of one parent counts as.

    One prediction, and two for each backward pass: the mean and the deviation of every want
    (a gradient of one output is 3 in this count, as everywhere).
    """
    return 1 + 2 * 2 * len(columns_of(objective, predictor))


def columns_of(objective: Any, predictor: Any) -> tuple[int, ...]:
    """Columns of the wants that are predicted properties."""
    return tuple(predictor.index(w.name) for w in objective.wants if w.name in predictor.properties)


@partial(jax.jit, static_argnames="columns")
def linearise(predictor: Any, graphs: SoftGraph, columns: tuple[int, ...]) -> tuple[jax.Array, SoftGraph]:
    """Means and deviations of the wants, and their Jacobians.

    Args:
        predictor: the ensemble.
        graphs: relaxed molecules ``[N, n, ·]``.
        columns: of the wants.

    Returns:
        ``[N, 2, W]`` and a `SoftGraph` of derivatives ``[N, 2, W, n, ·]``.
    """

    def outputs(graph: SoftGraph) -> jax.Array:
        return jnp.stack(predictor.with_std(graph))[:, jnp.array(columns)]

    return jax.vmap(lambda graph: (outputs(graph), jax.jacrev(outputs)(graph)))(graphs)


def mutants(
    rng: np.random.Generator,
    graph: Graph,
    count: int,
    capacity: int,
    seen: Collection[str],
    lost: Counter,
    allowed: Callable[[str], bool] | None = None,
) -> dict[str, Graph]:
    """Up to `count` new members, one or two edits away, with the parent's atoms in order."""
    found: dict[str, Graph] = {}
    with silence_rdkit():
        for _ in range(4 * count):
            child = EDITS[int(rng.integers(len(EDITS)))](rng, graph)
            if child is not None and rng.random() < SECOND_EDIT:
                child = EDITS[int(rng.integers(len(EDITS)))](rng, child)
            try:
                smiles = as_member(child, capacity)
            except ValueError as reason:
                lost[str(reason)] += 1
                continue
            if smiles in seen or smiles in found:
                lost["found before"] += 1
            elif allowed is not None and not allowed(smiles):
                lost["not allowed"] += 1
            else:
                found[smiles] = child
                if len(found) == count:
                    break
    return found


def guided(
    predictor: Any,
    objective: Any,
    families: Sequence[dict[str, Graph]],
    each: int,
    batch: int,
) -> list[str]:
    """The most promising mutants of every parent.

    Args:
        predictor: the ensemble.
        objective: whose merit ranks.
        families: mutants of each parent, SMILES → graph, from `mutants`; none empty.
        each: mutants chosen per parent.
        batch: parents in the compiled linearisation; fewer are padded.

    Returns:
        Distinct SMILES.
    """
    capacity, columns = predictor.capacity, columns_of(objective, predictor)
    graphs = [stack([soft_graph(*graph, capacity) for graph in family.values()]) for family in families]
    middles = stack([SoftGraph(*(leaf.mean(axis=0) for leaf in graph)) for graph in graphs])
    rows = np.minimum(np.arange(batch), len(families) - 1)
    padded = SoftGraph(*(leaf[rows] for leaf in middles))
    values, slopes = jax.tree.map(np.asarray, linearise(predictor, padded, columns))
    chosen: dict[str, None] = {}
    for k, (family, graph) in enumerate(zip(families, graphs, strict=True)):
        moves = [
            (leaf - middle[k], slope[k]) for leaf, middle, slope in zip(graph, middles, slopes, strict=True)
        ]
        change = sum(
            np.einsum("cx,swx->csw", move.reshape(len(move), -1), slope.reshape(*slope.shape[:2], -1))
            for move, slope in moves
        )
        linear = values[k] + change
        mean = np.zeros((len(family), len(predictor.properties)))
        std = np.zeros_like(mean)
        mean[:, columns] = linear[:, 0]
        std[:, columns] = np.maximum(linear[:, 1], 0)
        smiles = list(family)
        merit = objective.merit(predictor.properties, mean, std, smiles)
        chosen |= dict.fromkeys(smiles[i] for i in np.argsort(merit, kind="stable")[:each])
    return list(chosen)
