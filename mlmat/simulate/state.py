"""What a simulation carries from step to step, and how it starts from a structure.

Inside, time is in Å·sqrt(u/eV) (`mlmat.units.FEMTOSECOND` of them are 1 fs), so that
acceleration is force over mass; velocities are in Å per that unit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import ase
import jax
import jax.numpy as jnp
import numpy as np

from mlmat.errors import InputError
from mlmat.potentials.derivatives import evaluate_first
from mlmat.potentials.potential import Potential
from mlmat.simulate.grid import Grid, allocate, grown
from mlmat.simulate.neighbours import Neighbours, overflows, rebuild, to_graph, update
from mlmat.units import BOLTZMANN

FINE, OVERFLOW, EXPLODED, OVERLAPPING = 0, 1, 2, 4
"""Status of a state: flags of what went wrong."""

NEAREST = 0.4
"""Å; atoms nearer than this have fallen into each other."""

FURTHEST = 1.0
"""Å; an atom that moves more in one step is no longer on its trajectory."""


class System(NamedTuple):
    """What does not change in a simulation.

    Attributes:
        species: ``[n]`` index into the potential's elements.
        masses: ``[n]`` u.
    """

    species: jax.Array
    masses: jax.Array


class State(NamedTuple):
    """What changes in a simulation; a pytree of arrays.

    Attributes:
        positions: ``[n, 3]`` Å, not wrapped into the cell.
        velocities: ``[n, 3]`` Å per internal unit of time.
        cell: ``[3, 3]`` Å, complete also where it is not periodic.
        energy: ``[]`` eV.
        forces: ``[n, 3]`` eV/Å.
        virial: ``[3, 3]`` eV.
        neighbours: list that holds for these positions.
        key: of the random numbers; step k draws from ``fold_in(key, k)``.
        step: number of steps made.
        extra: what the ensemble adds: chain of a thermostat, work done by it.
        status: `FINE`, or flags of what went wrong.
    """

    positions: jax.Array
    velocities: jax.Array
    cell: jax.Array
    energy: jax.Array
    forces: jax.Array
    virial: jax.Array
    neighbours: Neighbours
    key: jax.Array
    step: jax.Array
    extra: Any
    status: jax.Array


class Info(NamedTuple):
    """What a step reports.

    Attributes:
        potential: eV.
        kinetic: eV.
        temperature: K.
        pressure: eV/Å³, of particles and forces; NaN without a periodic cell.
        volume: Å³.
        conserved: eV; what stays the same in the ensemble, NaN if nothing does.
    """

    potential: jax.Array
    kinetic: jax.Array
    temperature: jax.Array
    pressure: jax.Array
    volume: jax.Array
    conserved: jax.Array


def start(
    potential: Potential,
    atoms: ase.Atoms,
    temperature: float | None = None,
    seed: int = 0,
    skin: float = 0.5,
    dtype: Any = np.float32,
) -> tuple[System, Grid, State]:
    """System, sizes of its neighbour list and first state; host code.

    Args:
        potential: that will move it.
        atoms: molecule, cluster, or structure with any cell.
        temperature: K, of velocities drawn anew; None keeps those of `atoms`.
        seed: of velocities and thermostats.
        skin: Å beyond the cutoff; more makes the neighbour list last longer and cost more.
        dtype: of positions, velocities and energies.

    Raises:
        UnknownElementError: an element that the potential does not cover.
        InputError: overlapping atoms, a cell that is none, no positive temperature; see
            `RadiusGraphEncoder`.
    """
    graph = potential.encoder(atoms)
    if temperature is not None and not (np.isfinite(temperature) and temperature >= 0):
        raise InputError(f"the temperature must be a number of kelvin, not {temperature}")
    if not (np.isfinite(skin) and skin > 0):
        raise InputError(f"the skin must be a positive length, such as 0.5 Å; not {skin}")
    cell = atoms.cell.complete().array if atoms.pbc.any() else np.eye(3)
    masses = atoms.get_masses()
    # ASE has the same unit of time.
    drawn = temperature is not None
    velocities = draw_velocities(masses, temperature, seed) if drawn else atoms.get_velocities()
    grid = allocate(atoms.positions, cell, atoms.pbc, potential.cutoff, skin)
    system = System(jnp.asarray(graph.nodes["species"]), jnp.asarray(masses, dtype))
    arrays = (jnp.asarray(array, dtype) for array in (atoms.positions, velocities, cell))
    arrays = (*arrays, jax.random.key(seed))
    state = first_state(potential, system, grid, *arrays)
    # Rounding may put atoms on the border of two bins into the same one.
    while int(state.status) == OVERFLOW:
        grid = grown(grid, np.asarray(state.neighbours.needed))
        state = first_state(potential, system, grid, *arrays)
    return system, grid, state


def draw_velocities(masses: np.ndarray, temperature: float, seed: int) -> np.ndarray:
    """Velocities ``[n, 3]`` from Maxwell and Boltzmann, without drift, at exactly the temperature."""
    drawn = np.random.default_rng(seed).normal(size=(len(masses), 3)) / np.sqrt(masses)[:, None]
    if len(masses) == 1:
        return drawn * np.sqrt(BOLTZMANN * temperature)
    drawn -= (masses @ drawn) / masses.sum()
    found = (masses @ (drawn**2).sum(axis=1)) / (3 * len(masses) - 3)
    return drawn * np.sqrt(BOLTZMANN * temperature / found)


def _first_state(potential, system, grid, positions, velocities, cell, key) -> State:
    neighbours = rebuild(grid, positions, cell)
    status = jnp.where(overflows(grid, neighbours), OVERFLOW, FINE).astype(jnp.int32)
    found = evaluate_first(potential, to_graph(neighbours, system.species, positions))
    return State(
        positions, velocities, cell, found.energy, found.forces[:-1], found.virial, neighbours, key,
        jnp.zeros((), jnp.int32), (), status,
    )  # fmt: skip


first_state = jax.jit(_first_state, static_argnums=2)
"""State of given positions, velocities and cell, with its forces."""


def with_forces(
    potential: Potential, system: System, grid: Grid, state: State, time_step: float, variable: bool = False
) -> State:
    """The state with energy, forces, virial and status of its positions and cell.

    Args:
        potential: that gives them.
        system: what does not change.
        grid: sizes of the neighbour list.
        state: with new positions or cell.
        time_step: internal units; an atom faster than 1 Å in it counts as exploded.
        variable: whether the cell may change; else the virial is not brought up to date.
    """
    neighbours = update(grid, state.neighbours, state.positions, state.cell)
    graph = to_graph(neighbours, system.species, state.positions, state.cell if variable else None)
    found = evaluate_first(potential, graph)
    fine = jnp.isfinite(found.energy) & jnp.isfinite(found.forces).all()
    fine &= jnp.abs(state.velocities).max() * time_step < FURTHEST
    status = (
        jnp.where(overflows(grid, neighbours), OVERFLOW, FINE)
        | jnp.where(fine, FINE, EXPLODED)
        | jnp.where(neighbours.closest < NEAREST, OVERLAPPING, FINE)
    )
    return state._replace(
        energy=found.energy,
        forces=found.forces[:-1],
        # Of a fixed cell nobody asks for it at each step, and it is not cheap; see `with_virial`.
        virial=found.virial if variable else state.virial,
        neighbours=neighbours,
        status=state.status | status.astype(jnp.int32),
    )


def with_virial(potential: Potential, system: System, grid: Grid, state: State, info: Info) -> Any:
    """State and info with virial and pressure of the positions as they are."""
    graph = to_graph(state.neighbours, system.species, state.positions, state.cell)
    state = state._replace(virial=evaluate_first(potential, graph).virial)
    return state, info._replace(pressure=measure(system, grid, state, 1).pressure)


def kinetic_energy(system: System, velocities: jax.Array) -> jax.Array:
    """½ Σ m v², eV."""
    return 0.5 * (system.masses * (velocities * velocities).sum(axis=1)).sum()


def measure(system: System, grid: Grid, state: State, freedoms: int, conserved: Any = None) -> Info:
    """Temperature, pressure and energies of a state; `freedoms` are the degrees of freedom."""
    kinetic = kinetic_energy(system, state.velocities)
    volume = volume_of(state.cell)
    pressure = (2.0 * kinetic - jnp.trace(state.virial)) / (3.0 * volume)
    return Info(
        potential=state.energy,
        kinetic=kinetic,
        temperature=2.0 * kinetic / (max(freedoms, 1) * BOLTZMANN),
        pressure=pressure if all(grid.periodic) else jnp.full_like(pressure, jnp.nan),
        volume=volume,
        conserved=jnp.full_like(kinetic, jnp.nan) if conserved is None else conserved,
    )


def volume_of(cell: jax.Array) -> jax.Array:
    """|a · (b × c)|, Å³."""
    return jnp.abs(jnp.dot(cell[0], jnp.cross(cell[1], cell[2])))
