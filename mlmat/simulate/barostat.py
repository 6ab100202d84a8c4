"""Constant pressure and temperature by random rescaling of the cell, of its volume alone or of its shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import jax
import jax.numpy as jnp

from mlmat.errors import InputError
from mlmat.potentials.potential import Potential
from mlmat.simulate.ensembles import Simulator, check_positive, drift, kick, thermalise
from mlmat.simulate.grid import Grid
from mlmat.simulate.neighbours import inverse
from mlmat.simulate.state import Info, State, System, measure, volume_of, with_forces
from mlmat.units import BOLTZMANN, FEMTOSECOND, GPA

Changes = Literal["volume", "axes", "shape"]
"""What of a cell changes: its volume alone, its lengths along x, y and z, or everything."""


@dataclass(frozen=True)
class NPT:
    """Constant pressure and temperature: stochastic cell rescaling with Langevin dynamics.

    M. Bernetti, G. Bussi, J. Chem. Phys. 153, 114107 (2020), equation 5, for ε = ln V:

        dε = −(β/τ) (P₀ − P) dt + sqrt(2 k_B T β / (V τ)) dW

    With the shape changing, the same for the whole cell h (columns are its vectors), after
    V. Del Tatto, P. Raiteri, M. Bernetti, G. Bussi, Appl. Sci. 12, 1139 (2022); see `strain`:

        h ← exp(A) h,   A = −(β/3τ) (P₀ 1 − P) dt + sqrt(2 k_B T β dt / (3 V τ)) Ξ

    positions are scaled as the cell, velocities by the inverse, which keeps the volume of
    phase space. Cells are sampled from V⁻² exp(−(F + P₀ V)/k_B T) dh, whose volumes have the
    distribution of the first equation.

    Attributes:
        time_step: fs.
        temperature: K.
        pressure: P₀, GPa.
        friction: of the Langevin thermostat, 1/ps.
        time: τ, fs.
        compressibility: β, 1/GPa; a guess, which only scales τ.
        cell: what changes of it: volume; axes: lengths along x, y and z, each for itself, so that
            right angles stay; shape: lengths and angles. A liquid resists no change of shape: let
            its volume change alone.
    """

    time_step: float = 1.0
    temperature: float = 300.0
    pressure: float = 0.0
    friction: float = 5.0
    time: float = 1000.0
    compressibility: float = 0.01
    cell: Changes = "volume"

    def __post_init__(self):
        check_positive(self)
        if self.cell not in get_args(Changes):
            raise InputError(f"cell must be {', '.join(get_args(Changes))}, not {self.cell!r}")

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
            pressure, volume = pressure_tensor(system, state)
            # Another stream than that of the thermostat, which draws from the same step.
            key = jax.random.fold_in(jax.random.fold_in(state.key, state.step), 1)
            excess = pressure - self.pressure * GPA * jnp.eye(3, dtype=pressure.dtype)
            grow = exponential(
                strain(key, excess, volume, rate * dt, BOLTZMANN * self.temperature, self.cell)
            )
            return state._replace(
                positions=turned(state.positions, grow),
                cell=turned(state.cell, grow),
                velocities=turned(state.velocities, inverse(grow)),
            )

        def step(state: State) -> tuple[State, Info]:
            state = drift(kick(system, rescale(state), dt / 2), dt / 2)
            state = thermalise(system, state, self.temperature, self.friction * 1e-3 * self.time_step)
            state = with_forces(potential, system, grid, drift(state, dt / 2), dt, variable=True)
            state = kick(system, state, dt / 2)
            state = state._replace(step=state.step + 1)
            return state, measure(system, grid, state, self.freedoms(len(state.positions)))

        return Simulator(lambda state: state, step)


def strain(
    key: jax.Array, excess: jax.Array, volume: jax.Array, rate: float, thermal: float, changes: Changes
) -> jax.Array:
    """Logarithm A of one random rescaling of a cell.

    The chain h ← exp(A) h samples ρ dh / V³ with ρ = V exp(−G/k_B T) if A has the drift
    D ∇ ln ρ + ∇ D and the variance 2 D dt along each of an orthonormal set of directions of
    strain. With D = k_B T β / (3 V τ) the gradients of D and of the V in ρ cancel, and
    k_B T ∇ ln ρ is V (P − P₀ 1). The noise is symmetric: an antisymmetric part turns the cell
    and everything in it, and changes nothing.

    Args:
        key: of the noise.
        excess: ``[3, 3]`` P − P₀ 1, symmetric.
        volume: of the cell.
        rate: β dt / τ, of the inverse unit of `excess`.
        thermal: k_B T, in the unit of `excess` times that of `volume`.
        changes: directions of strain that are allowed.

    Returns:
        ``[3, 3]`` symmetric.
    """
    width = jnp.sqrt(2.0 * thermal * rate / volume)
    unit = jnp.eye(3, dtype=excess.dtype)
    if changes == "volume":
        noise = jax.random.normal(key, (), excess.dtype)
        return (rate * jnp.trace(excess) / 3.0 + width * noise) / 3.0 * unit
    noise = jax.random.normal(key, (3, 3), excess.dtype)
    change = rate / 3.0 * excess + width / 3.0**0.5 * 0.5 * (noise + noise.T)
    return change * unit if changes == "axes" else change


def exponential(a: jax.Array) -> jax.Array:
    """exp(A) of a small symmetric matrix by its series to A⁸; positive definite whatever A is."""
    found = unit = jnp.eye(3, dtype=a.dtype)
    for k in range(8, 0, -1):
        found = unit + turned(a, found) / k
    return found


def turned(rows: jax.Array, matrix: jax.Array) -> jax.Array:
    """``rows @ matrix`` of ``[n, 3]``; matrix products are slow on a CPU for three columns."""
    return (rows[:, :, None] * matrix).sum(axis=1)


def pressure_tensor(system: System, state: State) -> tuple[jax.Array, jax.Array]:
    """P = (Σ m v vᵀ − ∂E/∂ε) / V ``[3, 3]`` in eV/Å³, positive where the structure pushes, and V in Å³."""
    volume = volume_of(state.cell)
    momenta = state.velocities * system.masses[:, None]
    kinetic = (momenta[:, :, None] * state.velocities[:, None]).sum(axis=0)
    return (kinetic - state.virial) / volume, volume
