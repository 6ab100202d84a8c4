"""Relaxation against known minima and against ASE."""

import ase
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT as AseEMT
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS

from mlmat.errors import InputError
from mlmat.potentials import emt, lennard_jones
from mlmat.simulate.relax import relax


def icosahedron():
    golden = (1 + 5**0.5) / 2
    corners = [(0, a, b * golden) for a in (1, -1) for b in (1, -1)]
    corners = [np.roll(corner, k) for corner in corners for k in range(3)]
    atoms = ase.Atoms("Ar13", positions=np.vstack([np.zeros(3), corners]) / 1.902 * 1.1)
    atoms.rattle(0.05, seed=2)
    return atoms


@pytest.mark.parametrize("method", ["lbfgs", "fire"])
def test_clusters_side_by_side_reach_their_minima(method):
    # Published minima of Lennard-Jones clusters in units of ε: D. J. Wales, J. P. K. Doye,
    # J. Phys. Chem. A 101, 5111 (1997): LJ2 -1, LJ3 -3, LJ13 -44.326801.
    potential = lennard_jones(epsilon=1.0, sigma=1.0, cutoff=60.0, smooth=False)
    pair = ase.Atoms("Ar2", [[0, 0, 0], [1.3, 0, 0]])
    triangle = ase.Atoms("Ar3", [[0, 0, 0], [1.2, 0, 0], [0.5, 1.1, 0.1]])
    found = relax(potential, [pair, icosahedron(), triangle], method=method, force=1e-4, steps=2000)
    assert all(one.converged for one in found)
    np.testing.assert_allclose([one.energy for one in found], [-1.0, -44.326801, -3.0], atol=2e-5)
    assert len({one.steps for one in found}) > 1


def test_positions_and_cell_are_those_of_ase():
    atoms = bulk("Cu", cubic=True)
    atoms.symbols[0] = "Au"
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.04 * np.array([[1, 0.5, 0], [0.5, -1, 0], [0, 0, 2]])),
                   scale_atoms=True)  # fmt: skip
    atoms.rattle(0.1, seed=1)
    theirs = atoms.copy()
    theirs.calc = AseEMT()
    BFGS(FrechetCellFilter(theirs), logfile=None).run(fmax=1e-4, steps=300)
    (ours,) = relax(emt(("Cu", "Au")), [atoms], cell=True, force=1e-4, stress=1e-3)
    assert ours.converged
    assert ours.energy == pytest.approx(theirs.get_potential_energy(), abs=1e-5)
    np.testing.assert_allclose(ours.atoms.cell.cellpar(), theirs.cell.cellpar(), atol=2e-3)
    # Pressure squeezes: bulk modulus of EMT's copper-gold is somewhere near 150 GPa.
    (squeezed,) = relax(emt(("Cu", "Au")), [atoms], cell=True, pressure=5.0, force=1e-3, stress=1e-2)
    shrink = squeezed.atoms.get_volume() / ours.atoms.get_volume()
    assert 0.95 < shrink < 0.98
    squeezed.atoms.calc = AseEMT()
    np.testing.assert_allclose(squeezed.atoms.get_stress()[:3] / ase.units.GPa, -5.0, atol=0.02)


def test_a_relaxation_cut_short_says_so():
    (found,) = relax(lennard_jones(), [ase.Atoms("Ar2", [[0, 0, 0], [5.5, 0, 0]])], force=1e-6, steps=3)
    assert not found.converged
    assert found.steps == 3
    with pytest.raises(InputError, match="unknown method"):
        relax(lennard_jones(), [], method="newton")
