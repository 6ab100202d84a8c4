"""Forces, virial, stress and Hessian of a potential, by automatic differentiation.

An energy that does not change when all atoms are moved depends on positions through the
vectors r_e = r_sender + s_e − r_receiver of the edges alone, so the derivative by the shifts s_e
is that by these vectors, and gives everything:

    F_i = Σ_{e into i} ∂E/∂r_e − Σ_{e out of i} ∂E/∂r_e,      ∂E/∂ε_ab = Σ_e r_e,a ∂E/∂r_e,b

(the strain trick, positions → positions (1 + ε) and shifts → shifts (1 + ε), written out).
The stress is ∂E/∂ε / V: positive where the structure pulls, as in ASE.
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

    def total(shift: jax.Array) -> tuple[jax.Array, jax.Array]:
        atomic = potential(with_shift(graph, shift))
        return atomic.sum(), segment_sum(atomic, owner, count, indices_are_sorted=True)

    slope, energy = jax.grad(total, has_aux=True)(graph.edges["shift"])
    slope = jax.lax.optimization_barrier(slope)
    of_edges = _vectors(graph)[:, :, None] * slope[:, None]
    virial = segment_sum(of_edges, owner[graph.receivers], count, indices_are_sorted=True)
    return Evaluation(energy, _forces(graph, slope), 0.5 * (virial + virial.swapaxes(-1, -2)))


def _vectors(graph: jraph.GraphsTuple) -> jax.Array:
    positions = graph.nodes["positions"]
    return positions[graph.senders] + graph.edges["shift"] - positions[graph.receivers]


def _forces(graph: jraph.GraphsTuple, slope: jax.Array) -> jax.Array:
    """Forces ``[n, 3]`` from the slopes ``[e, 3]`` by the vectors of the edges."""
    n = graph.nodes["positions"].shape[0]
    pulled = segment_sum(slope, graph.receivers, n, indices_are_sorted=True)
    return pulled - segment_sum(slope, graph.senders, n)


def evaluate_first(potential: Potential, graph: jraph.GraphsTuple) -> Evaluation:
    """As `evaluate`, for a graph whose first structure is the only real one; less work.

    Returns:
        Energy ``[]``, forces ``[n, 3]`` (zero for padding), virial ``[3, 3]``.
    """
    real = jnp.arange(graph.nodes["positions"].shape[0]) < graph.n_node[0]

    def total(shift: jax.Array) -> jax.Array:
        return jnp.where(real, potential(with_shift(graph, shift)), 0.0).sum()

    energy, slope = jax.value_and_grad(total)(graph.edges["shift"])
    # Else XLA computes the slope anew for each component of the virial.
    slope = jax.lax.optimization_barrier(slope)
    virial = jnp.einsum("ea,eb->ab", _vectors(graph), slope, precision="highest")
    return Evaluation(energy, _forces(graph, slope), 0.5 * (virial + virial.T))


def with_shift(graph: jraph.GraphsTuple, shift: jax.Array) -> jraph.GraphsTuple:
    """The graph with other shifts."""
    return graph._replace(edges={**graph.edges, "shift": shift})


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
