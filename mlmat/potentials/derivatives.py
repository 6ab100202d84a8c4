"""Forces, virial, stress and Hessian of a potential, by automatic differentiation.

One backward pass by positions and shifts gives both forces and virial. With the strain
trick, positions → positions (1 + ε) and shifts → shifts (1 + ε),

    F_i = −∂E/∂r_i,      ∂E/∂ε_ab = Σ_i r_i,a ∂E/∂r_i,b + Σ_e s_e,a ∂E/∂s_e,b

and the stress is ∂E/∂ε / V: positive where the structure pulls, as in ASE.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import jraph

from mlmat.graphs.segment import graph_of_node, segment_sum
from mlmat.potentials.potential import Potential


class Evaluation(NamedTuple):
    """What a potential says of a structure, or of a padded batch of them.

    Attributes:
        energy: ``[n_graph]`` eV.
        forces: ``[n, 3]`` eV/Å.
        virial: ``[n_graph, 3, 3]`` eV, derivative of the energy by the strain, symmetric.
    """

    energy: jax.Array
    forces: jax.Array
    virial: jax.Array


def evaluate(potential: Potential, graph: jraph.GraphsTuple) -> Evaluation:
    """Energy, forces and virial; pure, to be jitted with the potential as an argument.

    Args:
        potential: which.
        graph: one structure or a padded batch.
    """
    graph = jax.tree.map(jnp.asarray, graph)
    owner, count = graph_of_node(graph), graph.n_node.shape[0]
    positions, shift = graph.nodes["positions"], graph.edges["shift"]

    def total(positions: jax.Array, shift: jax.Array) -> tuple[jax.Array, jax.Array]:
        atomic = potential(moved(graph, positions, shift))
        return atomic.sum(), segment_sum(atomic, owner, count, indices_are_sorted=True)

    (by_positions, by_shift), energy = jax.grad(total, argnums=(0, 1), has_aux=True)(positions, shift)
    of_nodes, of_edges = positions[:, :, None] * by_positions[:, None], shift[:, :, None] * by_shift[:, None]
    virial = segment_sum(of_nodes, owner, count, indices_are_sorted=True)
    if count == 1:
        virial = virial + of_edges.sum(axis=0)
    else:
        virial = virial + segment_sum(of_edges, owner[graph.receivers], count, indices_are_sorted=True)
    return Evaluation(energy, -by_positions, 0.5 * (virial + virial.swapaxes(-1, -2)))


def evaluate_first(potential: Potential, graph: jraph.GraphsTuple) -> Evaluation:
    """As `evaluate`, for a graph whose first structure is the only real one; less work.

    Returns:
        Energy ``[]``, forces ``[n, 3]`` (zero for padding), virial ``[3, 3]``.
    """
    positions, shift = graph.nodes["positions"], graph.edges["shift"]
    real = jnp.arange(positions.shape[0]) < graph.n_node[0]

    def total(positions: jax.Array, shift: jax.Array) -> jax.Array:
        return jnp.where(real, potential(moved(graph, positions, shift)), 0.0).sum()

    energy, (by_positions, by_shift) = jax.value_and_grad(total, argnums=(0, 1))(positions, shift)
    # Padding edges have no shift, and the padding atom lies at the origin.
    virial = jnp.matmul(positions.T, by_positions, precision="highest")
    virial = virial + jnp.matmul(shift.T, by_shift, precision="highest")
    return Evaluation(energy, -by_positions, 0.5 * (virial + virial.T))


def moved(graph: jraph.GraphsTuple, positions: jax.Array, shift: jax.Array) -> jraph.GraphsTuple:
    """The graph with other positions and shifts."""
    return graph._replace(
        nodes={**graph.nodes, "positions": positions}, edges={**graph.edges, "shift": shift}
    )


def hessian(
    potential: Potential, graph: jraph.GraphsTuple, atoms: int | None = None, block: int = 64
) -> jax.Array:
    """Second derivatives of the energy by positions, eV/Å².

    Rows come from forward-mode derivatives of the forces, `block` of them at a time, so
    that memory grows with the block and not with the square of the atoms.

    Args:
        potential: twice differentiable.
        graph: one structure, without padding.
        atoms: rows of so many atoms, the first ones; None: of all.
        block: rows at a time.

    Returns:
        ``[3 atoms, 3n]``; rows and columns are x, y, z of the first atom, of the second, …
    """
    graph = jax.tree.map(jnp.asarray, graph)
    positions, shift = graph.nodes["positions"], graph.edges["shift"]
    rows = positions.size if atoms is None else 3 * atoms

    def gradient(flat: jax.Array) -> jax.Array:
        def total(flat: jax.Array) -> jax.Array:
            return potential(moved(graph, flat.reshape(-1, 3), shift)).sum()

        return jax.grad(total)(flat)

    def row(index: jax.Array) -> jax.Array:
        direction = jnp.zeros(positions.size, positions.dtype).at[index].set(1.0)
        return jax.jvp(gradient, (positions.reshape(-1),), (direction,))[1]

    return jax.lax.map(row, jnp.arange(rows), batch_size=block)
