"""GFN2-xTB labels: against ASE's own use of tblite, against chemistry, and when they fail."""

import numpy as np
import pytest
from rdkit import Chem

from mlmat.oracles.conformers import same_bonding, start_geometry
from mlmat.oracles.xtb import atom_energies, label_smiles


@pytest.fixture(scope="module")
def acetone():
    return label_smiles("CC(C)=O")


def test_a_label_is_a_relaxed_minimum(acetone):
    from ase import Atoms
    from tblite.ase import TBLite

    atoms = Atoms(acetone.values["numbers"], acetone.values["positions"])
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    assert atoms.get_potential_energy() == pytest.approx(acetone.values["energy"], abs=1e-4)
    assert np.abs(atoms.get_forces()).max() < 0.06
    assert acetone.values["gap"] == pytest.approx(acetone.values["lumo"] - acetone.values["homo"])


def test_charges_sum_to_zero_and_the_dipole_is_acetones(acetone):
    assert sum(acetone.values["charges"]) == pytest.approx(0, abs=1e-6)
    assert 2.0 < acetone.values["dipole"] < 4.5  # experiment: 2.88 D


def test_labels_repeat(acetone):
    assert label_smiles("CC(C)=O").values["gap"] == pytest.approx(acetone.values["gap"], abs=1e-6)


def test_molecules_are_bound(acetone):
    atoms = atom_energies()
    assert acetone.values["energy"] < 3 * atoms["C"] + 6 * atoms["H"] + atoms["O"] - 30


@pytest.mark.parametrize("smiles", ["C[Si]C", "C((", "[Na+]"])
def test_bad_input_is_a_verdict(smiles):
    verdict = label_smiles(smiles)
    assert not verdict.ok
    assert verdict.status.startswith("bad input")


def test_changed_bonding_is_seen():
    explicit, positions = start_geometry(Chem.MolFromSmiles("CCO"))
    assert same_bonding(explicit, positions)
    torn, fused = positions.copy(), positions.copy()
    torn[2] += 3.0
    fused[0] = positions[2] + 0.9
    assert not same_bonding(explicit, torn)
    assert not same_bonding(explicit, fused)
