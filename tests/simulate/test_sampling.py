"""Normal-mode sampling: harmonic energies, and labels of GFN2-xTB."""

import ase
import numpy as np
import pytest
from ase.build import molecule

from mlmat.errors import InputError
from mlmat.oracles.pool import judge
from mlmat.oracles.xtb_forces import label_geometry, relaxed_hessian
from mlmat.potentials import MlmatCalculator, lennard_jones
from mlmat.simulate.relax import relax
from mlmat.simulate.sampling import modes, modes_of, normal_mode_set, sample_modes
from mlmat.units import BOLTZMANN, WAVENUMBER


def cluster():
    corners = 3.8 * np.array([[0, 0, 0], [1, 0, 0], [0.5, 0.87, 0], [0.5, 0.29, 0.8]])
    (found,) = relax(lennard_jones(cutoff=30.0), [ase.Atoms("Ar4", corners)], force=1e-6)
    return found.atoms


def test_samples_have_the_harmonic_energy_they_were_given():
    atoms = cluster()
    vibrations = modes(lennard_jones(cutoff=30.0), atoms)
    assert len(vibrations.constants) == 3 * 4 - 6
    # So cold that the harmonic approximation is exact.
    temperature = 1e-3
    frames = sample_modes(atoms, vibrations, 200, temperature, seed=0)
    atoms.calc = MlmatCalculator(lennard_jones(cutoff=30.0))
    rest, energies = atoms.get_potential_energy(), []
    for frame in frames[:20]:
        frame.calc = atoms.calc
        energies.append(frame.get_potential_energy() - rest)
    # Energy Σ ½ K R² = 3/2 N k T Σ c, with Σ c below 1.
    most = 1.5 * 4 * BOLTZMANN * temperature
    assert min(energies) > 0
    assert max(energies) < most * 1.01
    changes = np.array([frame.positions - atoms.positions for frame in frames])
    weighted = np.einsum("n,cnx,mnx->cm", atoms.get_masses(), changes, vibrations.vectors)
    shares = 0.5 * vibrations.constants * weighted**2 / most
    assert shares.sum(axis=1).max() < 1
    # The mean of each share is that of the largest of so many uniform numbers, shared evenly.
    np.testing.assert_allclose(shares.mean(axis=0), 1 / 7, rtol=0.25)
    assert abs(weighted.mean(axis=0) / weighted.std(axis=0)).max() < 0.3


def test_a_saddle_point_is_refused():
    with pytest.raises(InputError, match="no minimum"):
        modes_of(-np.eye(6), np.ones(2))
    with pytest.raises(InputError, match="without vibrations"):
        sample_modes(ase.Atoms("Ar"), modes_of(np.zeros((3, 3)), np.ones(1), np.zeros((1, 3))), 1, 300.0, 0)


def test_water_has_the_vibrations_of_gfn2():
    water = molecule("H2O")
    task = (water.numbers.tolist(), water.positions.tolist())
    # In a worker, which has one thread.
    ((_, verdict),) = judge(relaxed_hessian, [task], workers=1)
    assert verdict.ok
    stiffness, positions = (np.array(verdict.values[name]) for name in ("hessian", "positions"))
    found = modes_of(stiffness, water.get_masses(), positions)
    # Bend near 1,600 and stretches near 3,700 cm-1 by experiment; GFN2 is within some percent.
    hbar = 0.0646541  # eV Å sqrt(u/eV)
    waves = hbar * np.sqrt(found.constants) / WAVENUMBER
    assert len(waves) == 3
    np.testing.assert_allclose(waves, [1595, 3657, 3756], rtol=0.06)


def test_molecules_are_sampled_and_labelled_by_workers():
    sampled = normal_mode_set([molecule("H2O"), molecule("CH4")], 3, workers=2, seed=1)
    assert sampled.molecule == [0, 0, 0, 1, 1, 1]
    assert not sampled.lost
    frame = sampled.frames[0]
    again = label_geometry((frame.numbers.tolist(), frame.positions.tolist()))
    assert frame.get_potential_energy() == pytest.approx(again.values["energy"], abs=1e-6)
    np.testing.assert_allclose(frame.get_forces(), again.values["forces"], atol=1e-5)
    assert np.ptp([one.get_potential_energy() for one in sampled.frames[3:]]) > 0.05
