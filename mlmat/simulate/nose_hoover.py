"""Constant temperature by a chain of thermostats."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.potentials.potential import Potential
from mlmat.simulate.ensembles import Simulator, check_positive, drift, kick
from mlmat.simulate.grid import Grid
from mlmat.simulate.state import Info, State, System, kinetic_energy, measure, with_forces
from mlmat.units import BOLTZMANN, FEMTOSECOND


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
            state = drift(kick(system, thermostat(state), dt / 2), dt)
            state = kick(system, with_forces(potential, system, grid, state, dt), dt / 2)
            state = thermostat(state)
            state = state._replace(step=state.step + 1)
            place, speed = state.extra
            conserved = state.energy + kinetic_energy(system, state.velocities)
            conserved = conserved + (0.5 * inertia * speed**2 + weights * thermal * place).sum()
            return state, measure(system, grid, state, freedoms, conserved)

        return Simulator(init, step)


SUZUKI_YOSHIDA = (1.3512071919596578, -1.7024143839193153, 1.3512071919596578)
"""1 / (2 − 2^⅓), 1 minus twice that, and the first again: a fourth-order splitting."""
