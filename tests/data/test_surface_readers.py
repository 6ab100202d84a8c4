"""Readers of surfaces: what A and B are, rows that are left out, joined sources; the real sets."""

import gzip

import numpy as np
import pytest

from mlmat.data import registry
from mlmat.data.catalogue_surfaces import SURFACE_ENTRIES
from mlmat.data.structures import structures
from mlmat.data.surface_readers import read_hea, read_mamun, read_surfaces
from mlmat.errors import DataError

HEAD = "dosnet_index,dos_file,reaction,site,surface_atoms,E_ads_eV,adsorbate"


def table(tmp_path, *surfaces):
    lines = [f"{i},x,0.5N2(g) + * -> N*,top|A,{atoms},{-1.0 - i},N" for i, atoms in enumerate(surfaces)]
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress("\n".join([HEAD, *lines, ""]).encode()))
    return [path]


def test_a_is_what_there_is_more_of_or_comes_first_in_the_alphabet(tmp_path):
    found = read_mamun(table(tmp_path, "V V V Sc " * 3, "Ta Ta Hg Hg " * 3, "Sc V V V " * 3, "Pt " * 12))
    assert found["a"].tolist() == ["V", "Hg", "V", "Pt"]
    assert found["b"].tolist() == ["Sc", "Ta", "Sc", "Pt"]
    assert found["prototype"].tolist() == ["L1_2", "L1_0", "L1_2", "fcc"]
    assert found["alloy"].tolist() == ["V3Sc", "HgTa", "V3Sc", "Pt"]
    assert found["family"].tolist() == ["Sc-V", "Hg-Ta", "Sc-V", "Pt"]
    assert found["adsorption_energy"].tolist() == [-1, -2, -3, -4]


def test_other_compositions_are_refused(tmp_path):
    with pytest.raises(DataError, match="neither A, AB nor A3B"):
        read_mamun(table(tmp_path, "V V Ti Sc " * 3))


def test_a_table_without_a_column(tmp_path):
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"reaction,site\nx,top|A\n"))
    with pytest.raises(DataError, match="surface_atoms"):
        read_mamun([tmp_path / "t.csv.gz"])
    (tmp_path / "t.csv.gz").write_bytes(b"not gzip")
    with pytest.raises(DataError, match="truncated or altered"):
        read_mamun([tmp_path / "t.csv.gz"])


def packed(path, **columns):
    slab = {
        "lattice": np.array([np.eye(3) * 4.0, np.eye(3) * 5.0]),
        "n_atoms": np.array([1, 2]),
        "Z": np.array([29, 28, 78], np.uint8),
        "frac": np.array([[0, 0, 0], [0.25, 0, 0], [0.5, 0.5, 0.5]], np.float32),
    }
    np.savez(path, **slab, **columns)
    return path


def test_clean_slabs_are_no_adsorption(tmp_path):
    columns = {"E_ads_eV": np.array([-400.0, -1.0]), "HEA_id": np.array([1, 2])}
    path = packed(tmp_path / "a.npz", adsorbate=np.array(["slab", "CO"]), **columns)
    found = read_hea([path])
    assert found["adsorption_energy"].tolist() == [-1.0]
    assert found["numbers"].tolist() == [28, 78]
    assert found["pbc"].tolist() == [[True, True, False]]


def test_sources_are_joined_and_lacking_work_functions_are_nan(tmp_path):
    energies = {"id": np.array(["x", "yy"]), "surface_energy_eV_per_A2": np.array([0.1, 0.2])}
    works = {"work_function_eV": np.array([4.0, 5.0])}
    paths = [packed(tmp_path / f"{i}.npz", **energies, **(works if i < 2 else {})) for i in range(3)]
    found = read_surfaces(paths)
    np.testing.assert_array_equal(found["work_function"], [4, 5, 4, 5, np.nan, np.nan])
    assert found["origin"].tolist()[::2] == ["mg_binary", "elements", "intermetallics"]
    assert found["family"].tolist() == ["Cu", "Ni-Pt"] * 3


@pytest.mark.parametrize("entry", SURFACE_ENTRIES, ids=lambda entry: entry.name)
def test_real_sets(entry):
    try:
        data = registry.load(entry.name, download=False)
    except DataError as error:
        pytest.skip(str(error))
    assert len(data) == entry.local.items
    if "positions" in data.arrays:
        first = structures(data, [0])[0]
        assert not first.pbc[2]
        assert len(first) > 10


def test_sites_of_the_real_table_lie_on_the_ordered_surfaces():
    try:
        data = registry.load("adsorption_mamun", download=False)
    except DataError as error:
        pytest.skip(str(error))
    # An alloy A3B has one B in four atoms of a layer, so no two of them touch: were A and B
    # exchanged, most labels of its hollows would be impossible.
    ordered = data["prototype"] == "L1_2"
    impossible = np.char.count(data["site"][ordered], "B_B") > 0
    assert impossible.mean() < 0.01
    # Top sites of one element bind nitrogen alike in both kinds of alloys; exchanged, they do not.
    nitrogen = (data["adsorbate"] == "N") & np.isin(data["site"], ["top|A", "top|B"])
    top_of_a = data["site"] == "top|A"

    def likeness(exchanged):
        ordered = (data["prototype"] == "L1_0") & exchanged
        element = np.where(top_of_a ^ ordered, data["a"], data["b"])
        means = {}
        for kind in ("L1_2", "L1_0"):
            rows = nitrogen & (data["prototype"] == kind)
            for name in sorted(set(element[rows].tolist())):
                values = data["adsorption_energy"][rows & (element == name)]
                means.setdefault(name, []).append(values.mean())
        both = np.array([pair for pair in means.values() if len(pair) == 2])
        return np.corrcoef(both.T)[0, 1]

    assert likeness(False) > 0.8
    assert likeness(False) > likeness(True) + 0.3
