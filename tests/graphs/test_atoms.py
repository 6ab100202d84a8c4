"""Structures of other libraries; pymatgen's objects are imitated where it is not installed."""

from types import SimpleNamespace

import ase
import numpy as np
import pytest
from ase.build import bulk

from mlmat.errors import InputError
from mlmat.graphs.atoms import as_atoms
from mlmat.graphs.crystal_graph import CrystalGraphEncoder
from mlmat.graphs.radius_graph import RadiusGraphEncoder


class Foreign(list):
    """Sites with the attributes that pymatgen's classes have."""

    def __init__(self, atoms, ordered=True, lattice=True):
        super().__init__(SimpleNamespace(specie=SimpleNamespace(Z=int(z))) for z in atoms.numbers)
        self.cart_coords = atoms.positions
        self.is_ordered = ordered
        if lattice:
            self.lattice = SimpleNamespace(matrix=atoms.cell.array)


def test_a_structure_of_pymatgen_is_the_same_crystal():
    atoms = bulk("NaCl", "rocksalt", 5.64)
    found = as_atoms(Foreign(atoms))
    assert found.pbc.all()
    np.testing.assert_array_equal(found.cell.array, atoms.cell.array)
    np.testing.assert_array_equal(found.positions, atoms.positions)
    assert found.get_chemical_formula() == "ClNa"
    for encoder in (CrystalGraphEncoder(("Na", "Cl")), RadiusGraphEncoder(("Na", "Cl"))):
        np.testing.assert_array_equal(encoder(Foreign(atoms)).senders, encoder(atoms).senders)


def test_real_pymatgen():
    pymatgen = pytest.importorskip("pymatgen.core", reason="pymatgen is not installed")
    lattice = pymatgen.Lattice.cubic(4.2)
    found = as_atoms(pymatgen.Structure(lattice, ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]))
    np.testing.assert_allclose(found.get_scaled_positions(), [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_molecules_and_atoms():
    water = ase.Atoms("OH2", [[0, 0, 0], [0, 0, 1], [0, 1, 0]])
    assert as_atoms(water) is water
    assert not as_atoms(Foreign(water, lattice=False)).pbc.any()


@pytest.mark.parametrize(
    ("thing", "says"),
    [("NaCl", "str is no structure"), (Foreign(bulk("Cu"), ordered=False), "partly occupied")],
)
def test_what_is_refused(thing, says):
    with pytest.raises(InputError, match=says):
        as_atoms(thing)
