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
from mlmat.simulate.neighbours import Grid
from mlmat.simulate.state import Info, State, System, kinetic_energy, report, with_forces
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
        if not np.isfinite(value) or (value <= 0 and field.name != "pressure"):
            raise InputError(f"{field.name} must be a positive number, not {value}")


def _kick(system: System, state: State, dt: float) -> State:
    return state._replace(velocities=state.velocities + dt * state.forces / system.masses[:, None])


def _drift(state: State, dt: float) -> State:
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
            state = _drift(_kick(system, state, dt / 2), dt)
            state = _kick(system, with_forces(potential, system, grid, state, dt), dt / 2)
            state = state._replace(step=state.step + 1)
            total = state.energy + kinetic_energy(system, state.velocities)
            return state, report(system, grid, state, self.freedoms(len(state.positions)), total)

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
            state = _drift(_kick(system, state, dt / 2), dt / 2)
            state = thermalise(system, state, self.temperature, self.friction * 1e-3 * self.time_step)
            state = with_forces(potential, system, grid, _drift(state, dt / 2), dt)
            state = _kick(system, state, dt / 2)
            state = state._replace(step=state.step + 1)
            return state, report(system, grid, state, self.freedoms(len(state.positions)))

        return Simulator(lambda state: state, step)


def thermalise(system: System, state: State, temperature: float, decay: float) -> State:
    """Ornstein–Uhlenbeck step of the velocities; `decay` is γ dt."""
    noise = jax.random.normal(
        jax.random.fold_in(state.key, state.step), state.velocities.shape, state.velocities.dtype
    )
    keep = np.exp(-decay)
    width = jnp.sqrt((1.0 - keep**2) * BOLTZMANN * temperature / system.masses)[:, None]
    return state._replace(velocities=keep * state.velocities + width * noise)


@dataclass(frozen=True)
class NoseHoover:
    """Constant temperature by a chain of thermostats; deterministic.

    G. J. Martyna, M. E. Tuckerman, D. J. Tobias, M. L. Klein, Mol. Phys. 87, 1117 (1996), with
    the chain's propagator split by three weights of Suzuki and Yoshida. Chain masses are
    Q₁ = N_f k_B T τ² and Q_j = k_B T τ².

    Attributes:
        time_step: fs.
        temperature: K.
        time: τ, fs; at least 20 time steps.
        chain: number of thermostats.
    """

    time_step: float = 1.0
    temperature: float = 300.0
    time: float = 100.0
    chain: int = 3

    def __post_init__(self):
        check_positive(self)

    def freedoms(self, n: int) -> int:
        """Degrees of freedom of `n` atoms; total momentum is conserved."""
        return 3 * n - 3 if n > 1 else 3

    def __call__(self, potential: Potential, system: System, grid: Grid) -> Simulator:
        """Simulator whose conserved quantity counts the energy of the chain."""
        dt = self.time_step * FEMTOSECOND
        freedoms = self.freedoms(len(system.masses))
        thermal = BOLTZMANN * self.temperature
        weights = np.array([freedoms] + [1] * (self.chain - 1))
        inertia = weights * thermal * (self.time * FEMTOSECOND) ** 2

        def init(state: State) -> State:
            rest = jnp.zeros(self.chain, state.positions.dtype)
            return state._replace(extra=(rest, rest))

        def thermostat(state: State) -> State:
            """Half a step of the chain, scaling the velocities."""
            place, speed = state.extra
            twice = 2.0 * kinetic_energy(system, state.velocities)
            scale = jnp.ones_like(twice)

            def push(k: int, speed: jax.Array, twice: jax.Array, h: float) -> jax.Array:
                force = twice - freedoms * thermal if k == 0 else inertia[k - 1] * speed[k - 1] ** 2 - thermal
                drag = jnp.exp(-h / 8 * speed[k + 1]) if k + 1 < self.chain else 1.0
                return speed.at[k].set((speed[k] * drag + h / 4 * force / inertia[k]) * drag)

            for weight in SUZUKI_YOSHIDA:
                h = weight * dt
                for k in reversed(range(self.chain)):
                    speed = push(k, speed, twice, h)
                factor = jnp.exp(-h / 2 * speed[0])
                scale, twice = scale * factor, twice * factor**2
                place = place + h / 2 * speed
                for k in range(self.chain):
                    speed = push(k, speed, twice, h)
            return state._replace(velocities=scale * state.velocities, extra=(place, speed))

        def step(state: State) -> tuple[State, Info]:
            state = _drift(_kick(system, thermostat(state), dt / 2), dt)
            state = _kick(system, with_forces(potential, system, grid, state, dt), dt / 2)
            state = thermostat(state)
            state = state._replace(step=state.step + 1)
            place, speed = state.extra
            conserved = state.energy + kinetic_energy(system, state.velocities)
            conserved = conserved + (0.5 * inertia * speed**2 + weights * thermal * place).sum()
            return state, report(system, grid, state, freedoms, conserved)

        return Simulator(init, step)


SUZUKI_YOSHIDA = (1.3512071919596578, -1.7024143839193153, 1.3512071919596578)
"""1 / (2 − 2^⅓), 1 minus twice that, and the first again: a fourth-order splitting."""


@dataclass(frozen=True)
class NPT:
    """Constant pressure and temperature: stochastic cell rescaling, isotropic, with Langevin dynamics.

    M. Bernetti, G. Bussi, J. Chem. Phys. 153, 114107 (2020), equation 5, for ε = ln V:

        dε = −(β/τ) (P₀ − P) dt + sqrt(2 k_B T β / (V τ)) dW

    positions and cell are scaled by exp(dε/3), velocities by exp(−dε/3).

    Attributes:
        time_step: fs.
        temperature: K.
        pressure: P₀, GPa.
        friction: of the Langevin thermostat, 1/ps.
        time: τ, fs.
        compressibility: β, 1/GPa; a guess, which only scales τ.
    """

    time_step: float = 1.0
    temperature: float = 300.0
    pressure: float = 0.0
    friction: float = 5.0
    time: float = 1000.0
    compressibility: float = 0.01

    def __post_init__(self):
        check_positive(self)

    def freedoms(self, n: int) -> int:
        """Degrees of freedom of `n` atoms; noise moves their centre, too."""
        return 3 * n

    def __call__(self, potential: Potential, system: System, grid: Grid) -> Simulator:
        """Simulator without a conserved quantity.

        Raises:
            InputError: a structure that is not periodic in all directions.
        """
        from mlmat.units import GPA

        if not all(grid.periodic):
            raise InputError("constant pressure needs a cell that is periodic in all three directions")
        dt = self.time_step * FEMTOSECOND
        rate = self.compressibility / GPA / (self.time * FEMTOSECOND)

        def rescale(state: State) -> State:
            info = report(system, grid, state, self.freedoms(len(state.positions)))
            # Another stream than that of the thermostat, which draws from the same step.
            key = jax.random.fold_in(jax.random.fold_in(state.key, state.step), 1)
            noise = jax.random.normal(key, (), state.positions.dtype)
            width = jnp.sqrt(2.0 * BOLTZMANN * self.temperature * rate * dt / info.volume)
            change = -rate * (self.pressure * GPA - info.pressure) * dt + width * noise
            grow = jnp.exp(change / 3.0)
            return state._replace(
                positions=state.positions * grow,
                cell=state.cell * grow,
                velocities=state.velocities / grow,
            )

        def step(state: State) -> tuple[State, Info]:
            state = _drift(_kick(system, rescale(state), dt / 2), dt / 2)
            state = thermalise(system, state, self.temperature, self.friction * 1e-3 * self.time_step)
            state = with_forces(potential, system, grid, _drift(state, dt / 2), dt)
            state = _kick(system, state, dt / 2)
            state = state._replace(step=state.step + 1)
            return state, report(system, grid, state, self.freedoms(len(state.positions)))

        return Simulator(lambda state: state, step)
