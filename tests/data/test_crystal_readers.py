"""Readers of crystals: packed files, rows that are left out, units that names get wrong; the real sets."""

import numpy as np
import pytest

from mlmat.data import registry
from mlmat.data.catalogue_crystals import CRYSTAL_ENTRIES
from mlmat.data.crystal_readers import (
    read_bimetallics,
    read_elastic,
    read_elpasolites,
    read_mp,
    read_perovskites,
)
from mlmat.data.structures import structures
from mlmat.errors import DataError

SALT = {
    "lattice": np.array([np.eye(3) * 4.0, np.eye(3) * 5.0]),
    "n_atoms": np.array([1, 2]),
    "Z": np.array([29, 11, 17], np.uint8),
    "frac": np.array([[0, 0, 0], [0.25, 0, 0], [0.5, 0.5, 0.5]], np.float32),
}


def packed(tmp_path, **columns):
    np.savez(tmp_path / "packed.npz", **SALT, **columns)
    return [tmp_path / "packed.npz"]


def test_impossible_formation_energies_go_with_their_atoms(tmp_path):
    columns = dict.fromkeys(("band_gap_eV", "efermi_eV", "total_magnetization_muB"), np.zeros(2))
    energies = np.array([-13.6, -2.0])
    paths = packed(
        tmp_path, material_id=np.array(["a", "b"]), formation_energy_per_atom_eV=energies, **columns
    )
    found = read_mp(paths)
    assert found["id"].tolist() == ["b"]
    assert found["numbers"].tolist() == [11, 17]
    np.testing.assert_allclose(found["positions"], [[1.25, 0, 0], [2.5, 2.5, 2.5]])


def test_outliers_of_either_sign(tmp_path):
    paths = packed(tmp_path, id=np.array([1, 2]), formation_energy_eV_per_atom=np.array([283.0, 0.1]))
    assert read_bimetallics(paths)["id"].tolist() == [2]


def test_logarithms_of_moduli(tmp_path):
    columns = {"K_VRH_GPa": np.array([100.0, 0.0]), "G_VRH_GPa": np.array([10.0, 1.0])}
    found = read_elastic(packed(tmp_path, material_id=np.array(["a", "b"]), poisson=np.zeros(2), **columns))
    np.testing.assert_allclose(found["log_bulk_modulus"], [2.0, np.nan])
    np.testing.assert_allclose(found["log_shear_modulus"], [1.0, 0.0])


def test_parts_of_perovskites_have_their_full_names(tmp_path):
    columns = {name: np.zeros(2) for name in ("e_form_eV_per_atom", "gap_gllbsc_eV")}
    sites = {"A": np.array(["Ba", "Na"]), "B": np.array(["Ti", "Cl"])}
    found = read_perovskites(packed(tmp_path, cdvae_split=np.array(["train", "val"]), **columns, **sites))
    assert found["split"].tolist() == ["training", "validation"]


def test_elpasolites_are_named_by_site(tmp_path):
    path = tmp_path / "elpasolites.npz"
    energies = np.array([-20.5])
    np.savez(path, Z_ABCD=np.array([[11, 13, 19, 9]], np.uint8), formation_energy_eV=energies)
    found = read_elpasolites([path])
    assert [found[f"{label}_site"][0] for label in "abcd"] == ["Na", "Al", "K", "F"]
    assert found["formation_energy"] == energies


def test_a_file_without_a_column(tmp_path):
    with pytest.raises(DataError, match="material_id"):
        read_mp(packed(tmp_path))


@pytest.mark.parametrize("entry", CRYSTAL_ENTRIES, ids=lambda entry: entry.name)
def test_real_sets(entry):
    try:
        data = registry.load(entry.name, download=False)
    except DataError as error:
        pytest.skip(str(error))
    assert len(data) == entry.local.items
    if "positions" not in data.arrays:
        assert entry.name == "elpasolites"
        return
    first = structures(data, [0])[0]
    assert first.pbc.all()
    assert first.cell.volume > 5


def test_known_values_of_real_crystals():
    try:
        data, perovskites = registry.load("mp_crystals"), registry.load("perovskites")
    except DataError as error:
        pytest.skip(str(error))
    row = {name: data["id"].tolist().index(name) for name in ("mp-149", "mp-22862")}
    assert abs(data["formation_energy"][row["mp-149"]]) < 1e-3  # silicon
    assert data["formation_energy"][row["mp-22862"]] == pytest.approx(-2.1, abs=0.05)  # rock salt
    # Were it per atom, this spread would be beyond that of any set of oxides and nitrides.
    assert np.nanstd(perovskites["formation_energy"]) == pytest.approx(0.74, abs=0.03)
