"""Constant pressure with a changing shape: exact distributions, elastic fluctuations, resuming."""

import ase
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase.build import bulk

from mlmat.errors import InputError
from mlmat.potentials import MlmatCalculator, lennard_jones
from mlmat.simulate.advance import advance
from mlmat.simulate.barostat import NPT, exponential, pressure_tensor, strain, turned
from mlmat.simulate.run import TRAJECTORY, simulate
from mlmat.simulate.state import start
from mlmat.units import BOLTZMANN, GPA

ARGON = lennard_jones(cutoff=6.0)


def chain(changes, m, a, rate=0.01, chains=200, steps=1200):
    """Cells sampled under G/kT = a |h|²/2 − m ln V by nothing but the rescaling; last half, thinned."""

    def one(h, key):
        volume = jnp.linalg.det(h)
        # kT = 1, so the excess is −(1/V) ∂G/∂ε, of G above: (m 1 − a h hᵀ) / V; rows are vectors.
        excess = (m * jnp.eye(3) - a * h.T @ h) / volume
        return turned(h, exponential(strain(key, excess, volume, rate, 1.0, changes)))

    def run(key):
        def step(h, key):
            h = one(h, key)
            return h, h

        return jax.lax.scan(step, np.sqrt(m / a) * jnp.eye(3), jax.random.split(key, steps))[1]

    with jax.enable_x64(True):
        found = jax.jit(jax.vmap(run))(jax.random.split(jax.random.key(0), chains))
        return np.asarray(found)[:, steps // 2 :: 60].reshape(-1, 3, 3)


def test_free_cells_have_the_wishart_distribution():
    # V⁻² exp(−G) dh makes C = h hᵀ a Wishart matrix with ν = m + 1: the factor V⁻² and the drift that
    # a V-dependent noise needs both move ν by whole numbers.
    m, a = 11.0, 3.0
    nu = m + 1
    h = chain("shape", m, a)
    c = h.swapaxes(1, 2) @ h
    volumes = np.linalg.det(h)
    assert np.trace(c, axis1=1, axis2=2).mean() / 3 == pytest.approx(nu / a, rel=0.02)
    assert (volumes**2).mean() == pytest.approx(nu * (nu - 1) * (nu - 2) / a**3, rel=0.06)
    off = np.concatenate([c[:, i, j] for i, j in ((0, 1), (0, 2), (1, 2))])
    assert off.mean() == pytest.approx(0.0, abs=0.05)
    assert (off**2).mean() == pytest.approx(nu / a**2, rel=0.06)
    assert c[:, 0, 0].var() == pytest.approx(2 * nu / a**2, rel=0.15)


def test_volumes_alone_have_their_gamma_distribution():
    # p(V) ∝ Vᵐ exp(−3a V^⅔ / 2): V^⅔ is gamma distributed with shape 3 (m + 1) / 2 and rate 3a / 2.
    m, a = 3.0, 3.0
    h = chain("volume", m, a)
    assert np.abs(h - h[:, :1, :1] * np.eye(3)).max() == 0
    assert (h[:, 0, 0] ** 2).mean() == pytest.approx((m + 1) / a, rel=0.02)
    assert (h[:, 0, 0] ** 2).var() == pytest.approx(2 / 3 * (m + 1) / a**2, rel=0.1)


def test_axes_keep_right_angles():
    h = chain("axes", 5.0, 3.0, chains=4, steps=100)
    assert np.abs(h - h * np.eye(3)).max() == 0
    assert np.ptp(h[:, [0, 1, 2], [0, 1, 2]], axis=1).min() > 0


def test_the_exponential_is_that_of_a_matrix():
    a = 0.3 * np.random.default_rng(0).standard_normal((3, 3))
    a = a + a.T
    values, vectors = np.linalg.eigh(a)
    with jax.enable_x64(True):
        found = np.asarray(exponential(jnp.asarray(a)))
    np.testing.assert_allclose(found, vectors * np.exp(values) @ vectors.T, atol=1e-5)
    assert np.linalg.eigvalsh(np.asarray(exponential(jnp.asarray(-20 * a)))).min() > 0


def state_of(atoms, temperature=None):
    system, _, state = start(ARGON, atoms, temperature, dtype=np.float64)
    return system, state


def test_the_pressure_tensor_is_the_kinetic_part_less_the_stress():
    atoms = bulk("Ar", "fcc", a=5.2, cubic=True)
    atoms.set_cell(atoms.cell.array @ [[1.0, 0.05, 0], [0, 1.02, 0], [0.03, 0, 0.97]], scale_atoms=True)
    atoms.rattle(0.05, seed=0)
    with jax.enable_x64(True):
        system, state = state_of(atoms, 60.0)
        found, volume = pressure_tensor(system, state)
        velocities = np.asarray(state.velocities)
    atoms.calc = MlmatCalculator(ARGON)
    stress = atoms.get_stress(voigt=False)
    kinetic = sum(m * np.outer(v, v) for m, v in zip(atoms.get_masses(), velocities, strict=True))
    assert float(volume) == pytest.approx(atoms.get_volume())
    np.testing.assert_allclose(found, kinetic / atoms.get_volume() - stress, atol=1e-10)


def test_under_equal_pressure_all_shapes_follow_the_same_law_of_the_volume():
    # d ln V = tr A has the drift rate (P − P₀) and the variance 2 k_B T rate / V, whatever the shape.
    excess, volume, rate, thermal = 0.3, 50.0, 0.02, 0.05
    keys = jax.random.split(jax.random.key(1), 20_000)
    for changes in ("volume", "axes", "shape"):
        found = jax.vmap(lambda key, s=changes: strain(key, excess * jnp.eye(3), volume, rate, thermal, s))(
            keys
        )
        growth = np.trace(np.asarray(found), axis1=1, axis2=2)
        assert growth.var() == pytest.approx(2 * thermal * rate / volume, rel=0.04)
        assert growth.mean() == pytest.approx(rate * excess, rel=0.05)
        cold = strain(keys[0], excess * jnp.eye(3), volume, rate, 0.0, changes)
        np.testing.assert_allclose(cold, rate * excess / 3 * np.eye(3), rtol=1e-6)


def test_a_sheared_crystal_relaxes_to_its_pressure():
    atoms = bulk("Ar", "fcc", a=5.3, cubic=True)
    atoms.set_cell(atoms.cell.array @ [[1, 0.04, 0], [0.04, 1, 0], [0, 0, 1.03]], scale_atoms=True)
    with jax.enable_x64(True):
        system, grid, state = start(ARGON, atoms, 1e-9, dtype=np.float64)
        ensemble = NPT(5.0, 1e-9, 0.1, time=100.0, compressibility=0.3, cell="shape")
        before = np.asarray(pressure_tensor(system, state)[0]) / GPA
        state = advance(ensemble, grid, ARGON, system, state, 1500).state
        after = np.asarray(pressure_tensor(system, state)[0]) / GPA
    assert abs(before[0, 1]) > 0.02
    assert np.ptp(np.diag(before)) > 0.02
    np.testing.assert_allclose(after, 0.1 * np.eye(3), atol=5e-3)


def compliances(atoms, strain=1e-3):
    """S₁₁ + 2 S₁₂, S₁₁ − S₁₂ and S₄₄ of a cubic crystal at rest, Å³/eV, by differences of ASE's stress."""

    def stress(matrix):
        moved = atoms.copy()
        moved.set_cell(atoms.cell.array @ (np.eye(3) + strain * matrix), scale_atoms=True)
        moved.calc = MlmatCalculator(ARGON)
        return moved.get_stress()

    first = (stress(np.diag([1, 0, 0])) - stress(np.diag([-1, 0, 0]))) / (2 * strain)
    shear = np.array([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]])
    c44 = (stress(shear) - stress(-shear))[5] / (2 * strain)
    return 1 / (first[0] + 2 * first[1]), 1 / (first[0] - first[1]), 1 / c44


@pytest.mark.slow
def test_strains_fluctuate_as_the_compliances_say():
    # M. Parrinello, A. Rahman, J. Chem. Phys. 76, 2662 (1982): ⟨ε_ij ε_kl⟩ = k_B T S_ijkl / V.
    temperature, repeats = 2.0, 8
    atoms = bulk("Ar", "fcc", a=5.18, cubic=True)
    ensemble = NPT(10.0, temperature, 0.0, friction=5.0, time=300.0, compressibility=0.3, cell="shape")
    cells = []
    with jax.enable_x64(True):
        for seed in range(repeats):
            system, grid, state = start(ARGON, atoms, temperature, seed, dtype=np.float64)
            grid, _, state, _ = advance(ensemble, grid, ARGON, system, state, 1000)
            for _ in range(1500):
                grid, _, state, _ = advance(ensemble, grid, ARGON, system, state, 20)
                cells.append(np.asarray(state.cell))
    cells = np.array(cells)
    metric = cells @ cells.swapaxes(1, 2)
    side = np.sqrt(np.trace(metric.mean(axis=0)) / 3)
    strains = 0.5 * (metric / side**2 - np.eye(3))
    rest = atoms.copy()
    rest.set_cell(side * np.eye(3), scale_atoms=True)
    bulk_like, tetragonal, shear = compliances(rest)
    unit = BOLTZMANN * temperature / side**3
    diagonal = strains[:, [0, 1, 2], [0, 1, 2]]
    off = strains[:, [0, 0, 1], [1, 2, 2]]
    assert (diagonal.sum(axis=1) ** 2).mean() == pytest.approx(3 * unit * bulk_like, rel=0.15)
    deviator = diagonal - diagonal.mean(axis=1, keepdims=True)
    assert (deviator**2).sum(axis=1).mean() == pytest.approx(2 * unit * tetragonal, rel=0.15)
    assert (off**2).mean() == pytest.approx(unit * shear / 4, rel=0.15)


def test_a_run_that_was_interrupted_ends_with_the_same_bytes(tmp_path):
    atoms = bulk("Ar", "fcc", a=5.2, cubic=True)
    ensemble = NPT(5.0, 30.0, 0.1, time=200.0, compressibility=0.3, cell="shape")
    options = {"interval": 10, "checkpoint_every": 2, "temperature": 30.0}
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    simulate(ARGON, atoms, ensemble, 100, tmp_path / "whole", **options)

    class Killed(BaseException):
        pass

    def kill(step, info):
        if step == 50:  # a frame after the checkpoint
            raise Killed

    with pytest.raises(Killed):
        simulate(ARGON, atoms, ensemble, 100, tmp_path / "parts", **options, report=kill)
    simulate(ARGON, atoms, ensemble, 100, tmp_path / "parts", **options)
    texts = [(tmp_path / name / TRAJECTORY).read_bytes() for name in ("whole", "parts")]
    assert texts[0] == texts[1]
    frames = ase.io.read(tmp_path / "whole" / TRAJECTORY, ":")
    assert abs(frames[-1].cell.angles() - 90).max() > 1e-3
    assert frames[-1].get_volume() != pytest.approx(frames[0].get_volume(), rel=1e-6)


def test_an_unknown_shape_is_refused():
    with pytest.raises(InputError, match="volume, axes, shape"):
        NPT(cell="round")
