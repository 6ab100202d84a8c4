"""Constant pressure and temperature by random rescaling of the cell."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from mlmat.errors import InputError
from mlmat.potentials.potential import Potential
from mlmat.simulate.ensembles import Simulator, check_positive, drift, kick, thermalise
from mlmat.simulate.grid import Grid
from mlmat.simulate.state import Info, State, System, measure, with_forces
from mlmat.units import BOLTZMANN, FEMTOSECOND, GPA


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
        if not all(grid.periodic):
            raise InputError("constant pressure needs a cell that is periodic in all three directions")
        dt = self.time_step * FEMTOSECOND
        rate = self.compressibility / GPA / (self.time * FEMTOSECOND)

        def rescale(state: State) -> State:
            info = measure(system, grid, state, self.freedoms(len(state.positions)))
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
            state = drift(kick(system, rescale(state), dt / 2), dt / 2)
            state = thermalise(system, state, self.temperature, self.friction * 1e-3 * self.time_step)
            state = with_forces(potential, system, grid, drift(state, dt / 2), dt, variable=True)
            state = kick(system, state, dt / 2)
            state = state._replace(step=state.step + 1)
            return state, measure(system, grid, state, self.freedoms(len(state.positions)))

        return Simulator(lambda state: state, step)
