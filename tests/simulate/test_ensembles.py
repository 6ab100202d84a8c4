"""Statistical mechanics as tests: conservation, order of the integrator, equipartition, pressure."""

import ase
import jax
import numpy as np
import pytest
from ase.build import bulk

from mlmat.errors import InputError
from mlmat.potentials import lennard_jones
from mlmat.simulate.advance import advance
from mlmat.simulate.barostat import NPT
from mlmat.simulate.ensembles import NVE, Langevin
from mlmat.simulate.nose_hoover import NoseHoover
from mlmat.simulate.state import start
from mlmat.units import BOLTZMANN, GPA

ARGON = lennard_jones(cutoff=7.5)


def crystal():
    return bulk("Ar", "fcc", a=5.3, cubic=True) * 2


def trajectory(ensemble, atoms, steps, interval, potential=ARGON, temperature=30.0):
    """Infos of a run in float64, a row every `interval` steps, and the last state."""
    rows = []
    with jax.enable_x64(True):
        system, grid, state = start(potential, atoms, temperature, dtype=np.float64)
        state = ensemble(potential, system, grid).init(state)
        for _ in range(steps // interval):
            grid, _, state, info = advance(ensemble, grid, potential, system, state, interval)
            rows.append([float(value) for value in info])
    return np.array(rows), state


def test_energy_fluctuation_goes_with_the_square_of_the_time_step():
    # The same 1.2 ps each; the fluctuation of velocity Verlet is of second order.
    steps = np.array([2.0, 4.0, 8.0])
    spread = [trajectory(NVE(dt), crystal(), int(1200 / dt), 3)[0][:, 5].std() for dt in steps]
    order = np.polyfit(np.log(steps), np.log(spread), 1)[0]
    assert order == pytest.approx(2.0, abs=0.2)


@pytest.mark.slow
def test_energy_does_not_drift():
    rows, _ = trajectory(NVE(1.0), crystal(), 10_000, 20)
    per_atom = 1000 * rows[:, 5] / 32
    drift = np.polyfit(np.linspace(0, 1, len(rows)), per_atom, 1)[0]  # meV/atom over 10 ps
    assert abs(drift) < 0.02


@pytest.mark.slow
def test_the_chain_conserves_its_energy_and_holds_the_temperature():
    rows, _ = trajectory(NoseHoover(4.0, 30.0, time=200.0), crystal(), 12_000, 20)
    assert rows[:, 5].std() < 1e-3
    assert rows[100:, 2].mean() == pytest.approx(30.0, rel=0.03)


@pytest.mark.slow
@pytest.mark.parametrize("ensemble", [Langevin(5.0, 30.0, friction=2.0), NoseHoover(5.0, 30.0, time=150.0)])
def test_kinetic_energy_fluctuates_as_in_the_canonical_ensemble(ensemble):
    rows, _ = trajectory(ensemble, crystal(), 24_000, 20)
    freedoms = ensemble.freedoms(32)
    kinetic = rows[200:, 1]
    assert kinetic.mean() == pytest.approx(0.5 * freedoms * BOLTZMANN * 30.0, rel=0.03)
    # Var K = (k_B T)² N_f / 2.
    assert kinetic.var() == pytest.approx(0.5 * freedoms * (BOLTZMANN * 30.0) ** 2, rel=0.25)


@pytest.mark.slow
def test_light_and_heavy_atoms_share_the_energy():
    atoms = crystal()
    atoms.set_masses(np.where(np.arange(32) % 2, 10.0, 80.0))
    ensemble, energies = Langevin(4.0, 30.0, friction=3.0), []
    with jax.enable_x64(True):
        system, grid, state = start(ARGON, atoms, 30.0, dtype=np.float64)
        for _ in range(900):
            grid, _, state, _ = advance(ensemble, grid, ARGON, system, state, 20)
            energies.append(0.5 * atoms.get_masses()[:, None] * np.asarray(state.velocities) ** 2)
    each = np.mean(energies[50:], axis=0)
    thermal = 0.5 * BOLTZMANN * 30.0
    assert each[1::2].mean() == pytest.approx(thermal, rel=0.05)
    assert each[::2].mean() == pytest.approx(thermal, rel=0.05)


def test_an_ideal_gas_has_its_law_and_its_fluctuations():
    # p(V) ∝ Vᴺ exp(−PV / kT): mean (N + 1) kT / P and variance (N + 1) (kT / P)².
    n, temperature, pressure = 20, 300.0, 0.02
    side = (n * BOLTZMANN * temperature / (pressure * GPA)) ** (1 / 3)
    atoms = ase.Atoms(f"Ar{n}", side * np.random.default_rng(0).random((n, 3)), cell=[side] * 3, pbc=True)
    free = lennard_jones(epsilon=1e-12, sigma=0.5, cutoff=1.0)
    # β of an ideal gas is 1/P.
    ensemble = NPT(20.0, temperature, pressure, friction=20.0, time=400.0, compressibility=1 / pressure)
    with jax.enable_x64(True):
        system, grid, state = start(free, atoms, temperature, dtype=np.float64)
        simulator = ensemble(free, system, grid)

        def one(state, _):
            # Without the checks of `advance`: atoms of this gas may pass through each other.
            state, info = simulator.step(state)
            return state, info.volume

        volumes = np.asarray(jax.jit(lambda state: jax.lax.scan(one, state, length=30_000))(state)[1])[::20]
    unit = BOLTZMANN * temperature / (pressure * GPA)
    assert np.mean(volumes[100:]) == pytest.approx((n + 1) * unit, rel=0.07)
    assert np.var(volumes[100:]) == pytest.approx((n + 1) * unit**2, rel=0.4)


@pytest.mark.slow
def test_a_crystal_under_pressure_has_that_pressure():
    rows, _ = trajectory(NPT(5.0, 30.0, 0.1, time=500.0, compressibility=0.4), crystal(), 20_000, 20)
    assert rows[200:, 3].mean() / GPA == pytest.approx(0.1, abs=0.02)


def test_constant_pressure_needs_a_cell():
    cluster = ase.Atoms("Ar2", [[0, 0, 0], [4, 0, 0]])
    with pytest.raises(InputError, match="periodic in all three"):
        trajectory(NPT(), cluster, 1, 1)
