"""Crystals: elastic constants, phonons and vacancies against ASE, finite differences and literature."""

import ase
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT as AseEMT
from ase.optimize import BFGS
from ase.phonons import Phonons as AsePhonons

from mlmat.errors import InputError
from mlmat.potentials import MlmatCalculator, emt, lennard_jones, stillinger_weber
from mlmat.simulate.crystal import elastic_constants, phonons, vacancy_formation


def test_elastic_constants_of_silicon_are_the_published_ones():
    # E. R. Cowley, Phys. Rev. Lett. 60, 2379 (1988): 151.4, 76.4 and 56.4 GPa.
    crystal = bulk("Si", a=5.43095)
    found = elastic_constants(stillinger_weber(), crystal)
    assert found[0, 0] == pytest.approx(151.4, abs=0.3)
    assert found[0, 1] == pytest.approx(76.4, abs=0.3)
    assert found[3, 3] == pytest.approx(56.4, abs=0.3)
    np.testing.assert_allclose(found[:3, 3:], 0, atol=1e-6)
    in_place = elastic_constants(stillinger_weber(), crystal, relaxed=False)
    strained, strain = crystal.copy(), np.zeros((3, 3))
    strain[1, 2] = strain[2, 1] = 1e-5 / 2
    strained.set_cell(crystal.cell.array @ (np.eye(3) + strain), scale_atoms=True)
    strained.calc = MlmatCalculator(stillinger_weber())
    assert in_place[3, 3] == pytest.approx(strained.get_stress()[3] / 1e-5 / ase.units.GPa, rel=1e-3)


def test_elastic_constants_equal_differences_of_stress():
    from mlmat.simulate.relax import relax

    potential = lennard_jones()
    (found,) = relax(potential, [bulk("Ar", "hcp", a=3.75, c=6.1)], cell=True, force=1e-6, stress=1e-6)
    crystal, step = found.atoms, 1e-4
    constants = elastic_constants(potential, crystal)
    for column, (a, b) in enumerate([(0, 0), (1, 1), (2, 2), (1, 2)]):
        stresses = []
        for sign in (1, -1):
            strained, strain = crystal.copy(), np.zeros((3, 3))
            strain[a, b] += sign * step / 2
            strain[b, a] += sign * step / 2
            strained.set_cell(crystal.cell.array @ (np.eye(3) + strain), scale_atoms=True)
            (inside,) = relax(potential, [strained], force=1e-8, steps=300)
            inside.atoms.calc = MlmatCalculator(potential)
            stresses.append(inside.atoms.get_stress())
        slope = (stresses[0] - stresses[1]) / (2 * step) / ase.units.GPa
        np.testing.assert_allclose(constants[:, column], slope, atol=2e-3)


def test_phonons_are_those_of_ase(tmp_path):
    crystal = bulk("Cu")
    theirs = AsePhonons(crystal, AseEMT(), supercell=(5, 5, 5), delta=0.005, name=str(tmp_path / "phonon"))
    theirs.run()
    theirs.read(acoustic=True)
    waves = np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.5], [0.1, 0.27, -0.4]])
    expected = 1e3 * np.sort(theirs.band_structure(waves, verbose=False), axis=1)
    found = phonons(emt(("Cu",)), crystal, (5, 5, 5))
    np.testing.assert_allclose(found.energies(waves), expected, atol=0.02)  # meV of up to 30
    np.testing.assert_allclose(found.energies(np.zeros((1, 3))), 0, atol=0.02)


def test_an_even_repeat_agrees_with_an_odd_one():
    waves = np.array([[0.5, 0.5, 0.0], [0.2, 0.1, 0.3]])
    potential, crystal = lennard_jones(cutoff=6.0), bulk("Ar", "fcc", a=5.25)
    # Wide enough for twice the cutoff, so both are exact.
    even, odd = (phonons(potential, crystal, (m,) * 3).energies(waves) for m in (4, 5))
    np.testing.assert_allclose(even, odd, atol=1e-6)


def test_a_vacancy_in_place_breaks_four_bonds():
    # Energy -ε each, and no angle changes: 4ε less 2ε. Atoms around it feel no force, and come back
    # when they are pushed.
    found = vacancy_formation(stillinger_weber(), bulk("Si", cubic=True, a=5.43095) * 2, force=1e-3)
    assert found.unrelaxed == pytest.approx(2 * 2.16826, abs=1e-4)
    assert found.relaxed == pytest.approx(found.unrelaxed, abs=1e-4)
    with pytest.raises(InputError, match="chemical potential"):
        vacancy_formation(emt(("Cu", "Au")), ase.Atoms("CuAu", [[0, 0, 0], [2, 2, 2]]))


def test_a_vacancy_relaxes_as_in_ase():
    crystal = bulk("Cu", cubic=True) * 2
    found = vacancy_formation(emt(("Cu",)), crystal, force=1e-3)
    whole, rest = crystal.copy(), crystal.copy()
    del rest[0]
    whole.calc, rest.calc = AseEMT(), AseEMT()
    share = len(rest) / len(whole) * whole.get_potential_energy()
    assert found.unrelaxed == pytest.approx(rest.get_potential_energy() - share, abs=1e-6)
    BFGS(rest, logfile=None).run(fmax=1e-3)
    assert found.relaxed == pytest.approx(rest.get_potential_energy() - share, abs=1e-5)
    assert found.relaxed < found.unrelaxed
