"""Ensembles of molecular dynamics: each makes a `Simulator` of a potential and a system.

An ensemble is a frozen dataclass, static in jit; the potential and the system are arguments.
``step(state) → (state, info)`` is pure. Times are in fs and temperatures in K.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.errors import InputError
from mlmat.potentials.potential import Potential
from mlmat.simulate.grid import Grid
from mlmat.simulate.state import Info, State, System, kinetic_energy, measure, with_forces
from mlmat.units import BOLTZMANN, FEMTOSECOND


class Simulator(NamedTuple):
    """Pair of pure functions.

    Attributes:
        init: ``init(state) → state`` with what the ensemble carries.
        step: ``step(state) → (state, info)``.
    """

    init: Callable[[State], State]
    step: Callable[[State], tuple[State, Info]]


def check_positive(ensemble: Any) -> None:
    """Refuse an ensemble with a number that is not positive (a pressure may be anything finite)."""
    for field in fields(ensemble):
        value = getattr(ensemble, field.name)
        if isinstance(value, str):
            continue
        if not np.isfinite(value) or (value <= 0 and field.name != "pressure"):
            raise InputError(f"{field.name} must be a positive number, not {value}")


def kick(system: System, state: State, dt: float) -> State:
    """Change velocities by the forces for a time, internal units."""
    return state._replace(velocities=state.velocities + dt * state.forces / system.masses[:, None])


def drift(state: State, dt: float) -> State:
    """Move with the velocities for a time, internal units."""
    return state._replace(positions=state.positions + dt * state.velocities)


@dataclass(frozen=True)
class NVE:
    """Constant energy: velocity Verlet.

    W. C. Swope, H. C. Andersen, P. H. Berens, K. R. Wilson, J. Chem. Phys. 76, 637 (1982).

    Attributes:
        time_step: fs.
    """

    time_step: float = 1.0

    def __post_init__(self):
        check_positive(self)

    def freedoms(self, n: int) -> int:
        """Degrees of freedom of `n` atoms; total momentum is conserved."""
        return 3 * n - 3 if n > 1 else 3

    def __call__(self, potential: Potential, system: System, grid: Grid) -> Simulator:
        """Simulator with energy as the conserved quantity."""
        dt = self.time_step * FEMTOSECOND

        def step(state: State) -> tuple[State, Info]:
            state = drift(kick(system, state, dt / 2), dt)
            state = kick(system, with_forces(potential, system, grid, state, dt), dt / 2)
            state = state._replace(step=state.step + 1)
            total = state.energy + kinetic_energy(system, state.velocities)
            return state, measure(system, grid, state, self.freedoms(len(state.positions)), total)

        return Simulator(lambda state: state, step)


@dataclass(frozen=True)
class Langevin:
    """Constant temperature by friction and noise, split as BAOAB.

    B. Leimkuhler, C. Matthews, Appl. Math. Res. eXpress 2013, 34: half a kick, half a drift,
    v ← c v + sqrt((1 − c²) k_B T / m) ξ with c = exp(−γ dt), half a drift, half a kick.

    Attributes:
        time_step: fs.
        temperature: K.
        friction: γ, 1/ps.
    """

    time_step: float = 1.0
    temperature: float = 300.0
    friction: float = 5.0

    def __post_init__(self):
        check_positive(self)

    def freedoms(self, n: int) -> int:
        """Degrees of freedom of `n` atoms; noise moves their centre, too."""
        return 3 * n

    def __call__(self, potential: Potential, system: System, grid: Grid) -> Simulator:
        """Simulator without a conserved quantity."""
        dt = self.time_step * FEMTOSECOND

        def step(state: State) -> tuple[State, Info]:
            state = drift(kick(system, state, dt / 2), dt / 2)
            state = thermalise(system, state, self.temperature, self.friction * 1e-3 * self.time_step)
            state = with_forces(potential, system, grid, drift(state, dt / 2), dt)
            state = kick(system, state, dt / 2)
            state = state._replace(step=state.step + 1)
            return state, measure(system, grid, state, self.freedoms(len(state.positions)))

        return Simulator(lambda state: state, step)


def thermalise(system: System, state: State, temperature: float, decay: float) -> State:
    """Ornstein–Uhlenbeck step of the velocities; `decay` is γ dt."""
    noise = jax.random.normal(
        jax.random.fold_in(state.key, state.step), state.velocities.shape, state.velocities.dtype
    )
    keep = np.exp(-decay)
    width = jnp.sqrt((1.0 - keep**2) * BOLTZMANN * temperature / system.masses)[:, None]
    return state._replace(velocities=keep * state.velocities + width * noise)
