"""A folder of crystals with CGCNN's id_prop.csv: whatever is in it, training and prediction go on."""

import io
import re

import ase
import ase.io
import numpy as np
import pytest
from ase.build import bulk

from mlmat.data.own import iterate_items, read_own_data
from mlmat.data.own.cif import read_cif
from mlmat.graphs.crystal_graph import CrystalGraphEncoder
from mlmat.graphs.radius_graph import RadiusGraphEncoder

SALT, METAL = bulk("NaCl", "rocksalt", 5.64), bulk("Cu")
HEAD = (
    "data_x\n_cell_length_a 4\n_cell_length_b 4\n_cell_length_c 4\n_cell_angle_alpha 90\n"
    "_cell_angle_beta 90\n_cell_angle_gamma 90\n_symmetry_space_group_name_H-M 'P 1'\n"
    "loop_\n_atom_site_label\n"
    "_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n_atom_site_occupancy\n"
)
MIXED = HEAD + "Na1 Na 0 0 0 0.5\nK1 K 0 0 0 0.5\nCl1 Cl 0.5 0.5 0.5 1.0\n"
VACANT = HEAD + "Na1 Na 0 0 0 0.8\nCl1 Cl 0.5 0.5 0.5 1.0\n"
TWO = (HEAD + "Na1 Na 0 0 0 1.0\n") + (HEAD + "K1 K 0 0 0 1.0\n").replace("data_x", "data_y")
POSCAR = "salt\n1.0\n4 0 0\n0 4 0\n0 0 4\nNa Cl\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n"

BAD = {
    "CIF that does not parse": (
        "cif",
        "data_x\n_cell_length_a 5.6\nloop_\n_atom_site_label\nNa1\n",
        "broken CIF",
    ),
    "CIF without atoms": ("cif", "data_x\n_cell_length_a 5.6\n", "broken CIF"),
    "text that is no CIF": ("cif", "<html>404 not found</html>\n", "broken CIF"),
    "empty CIF": ("cif", "", "is empty"),
    "a site that two elements share": ("cif", MIXED, "partly occupied"),
    "a site with vacancies": ("cif", VACANT, "partly occupied"),
    "two crystals in one file": ("cif", TWO, "more than one structure"),
    "unknown element in a CIF": ("cif", HEAD + "Qq1 Qq 0 0 0 1.0\n", "broken CIF|unknown element"),
    "POSCAR cut short": ("vasp", POSCAR[:-16], "broken POSCAR"),
    "POSCAR of nothing": ("vasp", "\n\n", "is empty"),
    "overlapping atoms": ("vasp", POSCAR.replace("0.5 0.5 0.5", "0 0 0.01"), "overlap"),
    "flat cell": ("vasp", POSCAR.replace("0 0 4", "0 4 0"), "cell|broken POSCAR"),
}


def folder_with(tmp_path, suffix=None, text=None, atoms=None):
    ase.io.write(tmp_path / "salt.cif", SALT)
    (tmp_path / "other.vasp").write_text(POSCAR)
    ase.io.write(tmp_path / "metal.cif", METAL)
    rows = "salt,1.5\nother,1.0\nmetal,0.5\n"
    if suffix is not None:
        (tmp_path / f"case.{suffix}").write_text(text)
    if atoms is not None:
        ase.io.write(tmp_path / "case.cif", atoms)
    (tmp_path / "id_prop.csv").write_text(rows + "case,2.5\n")
    return tmp_path


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_a_named_skip_in_training_and_prediction(name, tmp_path):
    suffix, text, says = BAD[name]
    folder = folder_with(tmp_path, suffix, text)
    data = read_own_data(folder, targets=["gap"], units="eV")
    assert data.ids == ["salt", "other", "metal"]
    assert [(skip.row, skip.id) for skip in data.skips] == [(4, "case")]
    assert re.search(says, data.skips[0].reason)
    assert "\n" not in data.skips[0].reason
    if name != "two crystals in one file":  # for a prediction that is as good as two files
        found = [row for row in iterate_items(folder) if row.reason is not None]
        assert len(found) == 1
        assert re.search(says, found[0].reason)


def test_ids_without_files(tmp_path):
    data = read_own_data(folder_with(tmp_path), targets=["gap"], units="eV")
    assert data.skips[0].reason == "no structure file for id 'case'"
    assert len(data) == 3


@pytest.mark.parametrize(
    "atoms",
    [
        ase.Atoms("Na", cell=[30, 30, 30], pbc=True),
        bulk("Cu", cubic=True) * (8, 8, 8),
        ase.Atoms("Cu"),
        bulk("Po", "sc", 3.35),
    ],
    ids=["a single isolated atom", "a cell of 2,048 atoms", "an atom without a cell", "an element seen once"],
)
def test_unusual_but_fine(atoms, tmp_path):
    if atoms.pbc.any():
        folder = folder_with(tmp_path, atoms=atoms)
    else:
        folder = folder_with(tmp_path)
        ase.io.write(folder / "case.extxyz", atoms)
    data = read_own_data(folder, targets=["gap"], units="eV")
    assert data.skips == []
    assert len(data.items[3]) == len(atoms)
    elements = ("Na", "Cl", "Cu", "Po")
    for encoder in (CrystalGraphEncoder(elements), RadiusGraphEncoder(elements)):
        graph = encoder(data.items[3])
        assert graph.n_node[0] == len(atoms)
        assert np.isfinite(graph.edges["shift"]).all()


def test_sites_without_symmetry_are_those_of_ase():
    atoms = bulk("NaCl", "rocksalt", 5.64) * (2, 2, 1)
    atoms.rattle(0.1, seed=0)
    stream = io.BytesIO()
    ase.io.write(stream, atoms, format="cif")
    text = stream.getvalue().decode()
    (found,), theirs = read_cif(text), ase.io.read(io.StringIO(text), format="cif")
    np.testing.assert_array_equal(found.positions, theirs.positions)
    np.testing.assert_array_equal(found.numbers, theirs.numbers)
    np.testing.assert_array_equal(found.cell, theirs.cell)
    assert found.pbc.all()
    # A site listed twice, or across a face of the cell, is one; so it is when symmetry makes it.
    twice = HEAD + "Na1 Na 0 0 0 1.0\nNa2 Na 0.0002 0 0.9999 1.0\nCl1 Cl 0.5 0.5 0.5 1.0\n"
    assert [len(one) for one in read_cif(twice)] == [2]
    (salt,) = read_cif(twice.replace("P 1", "F m -3 m"))
    assert salt.get_chemical_formula() == "Cl4Na4"
    hair = HEAD + "Na1 Na -1e-17 0 0 1.0\nCl1 Cl 0.5 0.5 0.99999999999999999 1.0\n"
    (below,) = read_cif(hair)
    np.testing.assert_allclose(below.positions[:, 2], 0.0, atol=1e-12)


@pytest.mark.parametrize("name", ["POSCAR", "CONTCAR", "POSCAR_12", "x.poscar"])
def test_poscar_by_any_of_its_names(name, tmp_path):
    (tmp_path / name).write_text(POSCAR)
    (row,) = iterate_items(tmp_path / name)
    assert row.reason is None
    assert row.item.get_chemical_formula() == "ClNa"
    assert row.item.pbc.all()
