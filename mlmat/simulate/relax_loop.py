"""The compiled loop of a relaxation, on one packed batch of structures; see `mlmat.simulate.relax`."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jraph

from mlmat.graphs.segment import graph_of_node, segment_sum
from mlmat.potentials.derivatives import moved
from mlmat.potentials.potential import Potential
from mlmat.simulate.minimise import MINIMISERS, Point

SKIN = 0.6
"""Å of the neighbour list beyond the cutoff."""


class Task(NamedTuple):
    """What is asked, as arrays, so that other numbers do not compile again.

    Attributes:
        pressure: eV/Å³.
        force: eV/Å, largest of a converged structure.
        stress: eV/Å³, likewise.
        free: ``[g]`` 1 where the cell may change.
        cells: ``[g, 3, 3]`` cells before deformation.
        atoms: ``[g]`` number of atoms.
    """

    pressure: jax.Array
    force: jax.Array
    stress: jax.Array
    free: jax.Array
    cells: jax.Array
    atoms: jax.Array


class Progress(NamedTuple):
    """Where a relaxation is.

    Attributes:
        point: positions before deformation, and cell variables c.
        optimiser: state of the minimiser.
        energy: ``[g]`` eV.
        force: ``[g]`` eV/Å.
        stress: ``[g]`` eV/Å³.
        steps: ``[g]``.
        converged: ``[g]``.
        valid: whether the neighbour list holds for this point.
    """

    point: Point
    optimiser: Any
    energy: jax.Array
    force: jax.Array
    stress: jax.Array
    steps: jax.Array
    converged: jax.Array
    valid: jax.Array


def _value(
    potential: Potential, batch: jraph.GraphsTuple, task: Task, point: Point
) -> tuple[jax.Array, jax.Array, jax.Array, Point]:
    """Energy, largest force and stress of each structure, and the gradient by the variables."""
    owner, count = graph_of_node(batch), batch.n_node.shape[0]
    eye = jnp.eye(3, dtype=point.atoms.dtype)

    def total(atoms: jax.Array, deform: jax.Array) -> tuple[jax.Array, jax.Array]:
        positions = jnp.einsum("na,nab->nb", atoms, deform[owner])
        shift = jnp.einsum("ea,eab->eb", batch.edges["shift"], deform[owner[batch.receivers]])
        atomic = potential(moved(batch, positions, shift))
        volume = jnp.abs(jnp.linalg.det(task.cells @ deform))
        energy = segment_sum(atomic, owner, count, indices_are_sorted=True)
        energy = energy + task.free * task.pressure * volume
        return energy[:-1].sum(), energy

    deform = eye + (point.cells + point.cells.swapaxes(1, 2)) / (2.0 * task.atoms[:, None, None])
    (by_atoms, by_deform), energy = jax.grad(total, argnums=(0, 1), has_aux=True)(point.atoms, deform)
    # x F: ∂E/∂x = ∂E/∂r Fᵀ, so the force is −∂E/∂x F⁻ᵀ.
    forces = jnp.einsum("nb,nba->na", by_atoms, jnp.linalg.inv(deform).swapaxes(1, 2)[owner])
    largest = jax.ops.segment_max(jnp.linalg.norm(forces, axis=1), owner, count, indices_are_sorted=True)
    volume = jnp.abs(jnp.linalg.det(task.cells @ deform))
    stress = jnp.abs(deform.swapaxes(1, 2) @ by_deform).max(axis=(1, 2)) / volume * task.free
    by_cells = (by_deform + by_deform.swapaxes(1, 2)) * (task.free / (2.0 * task.atoms))[:, None, None]
    return energy, largest, stress, Point(by_atoms, by_cells)


@partial(jax.jit, static_argnums=0)
def begin(method: str, batch: Any, point: Point) -> Progress:
    """The first point, nothing known of it yet."""
    batch = jax.tree.map(jnp.asarray, batch)
    count = batch.n_node.shape[0]
    nothing = jnp.zeros(count, point.atoms.dtype)
    optimiser = MINIMISERS[method](graph_of_node(batch)).init(point)
    last = jnp.arange(count) == count - 1
    return Progress(
        point, optimiser, nothing, nothing, nothing, jnp.zeros(count, jnp.int32), last, jnp.array(True)
    )


@partial(jax.jit, static_argnums=0)
def run(method: str, potential: Potential, batch: Any, task: Task, progress: Progress, most: Any) -> Progress:
    """Steps until all have converged, or the list holds no longer, or `most` steps."""
    batch = jax.tree.map(jnp.asarray, batch)
    owner, start = graph_of_node(batch), progress.point
    minimiser = MINIMISERS[method](owner)
    most = progress.steps.max() + most

    def valid(point: Point) -> jax.Array:
        half = 2.0 * task.atoms[:, None, None]
        before, now = (
            jnp.eye(3, dtype=point.atoms.dtype) + (c + c.swapaxes(1, 2)) / half
            for c in (start.cells, point.cells)
        )
        own = jnp.einsum("na,nab->nb", point.atoms - start.atoms, now[owner])
        furthest = jnp.sqrt((own * own).sum(axis=1).max())
        stretch = jnp.linalg.inv(before) @ now - jnp.eye(3, dtype=point.atoms.dtype)
        stretch = jnp.sqrt((stretch**2).sum(axis=(1, 2)).max())
        return (1.0 - stretch) * (potential.cutoff + SKIN) - 2.0 * furthest >= potential.cutoff

    def go(carry: Progress) -> jax.Array:
        return carry.valid & ~carry.converged.all() & (carry.steps.max() < most)

    def one(carry: Progress) -> Progress:
        energy, force, stress, gradient = _value(potential, batch, task, carry.point)
        converged = (force < task.force) & (stress < task.stress)
        converged = converged.at[-1].set(True)
        optimiser, change = minimiser.step(carry.optimiser, carry.point, gradient)
        # Not after the last step either: energy and force shall be those of the point returned.
        held = jnp.where(converged | (carry.steps + 1 >= most), 0.0, 1.0).astype(change.atoms.dtype)
        point = Point(
            carry.point.atoms + held[owner][:, None] * change.atoms,
            carry.point.cells + held[:, None, None] * change.cells,
        )
        steps = carry.steps + jnp.where(converged, 0, 1)
        return Progress(point, optimiser, energy, force, stress, steps, converged, valid(point))

    return jax.lax.while_loop(go, one, progress._replace(valid=jnp.array(True)))
