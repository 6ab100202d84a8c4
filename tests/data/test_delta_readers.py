"""Heats of formation at several levels: a made-up file, and the real one against known molecules."""

import os

import numpy as np
import pytest

from mlmat.data import registry
from mlmat.data.delta_readers import PPE1694_LEVELS, RMG_LEVELS, read_ppe1694, read_rmg_reference
from mlmat.errors import DataError
from mlmat.units import KCAL_PER_MOL, convert


def files(folder, rows, atoms=(1, 2)):
    table = ",".join(["sl", "system", *PPE1694_LEVELS]) + "\n" + "".join(f"{row}\n" for row in rows)
    (folder / "a.csv").write_text(table)
    count = sum(atoms)
    np.savez(
        folder / "a.npz", N=np.array(atoms, np.uint8), Z=np.ones(count, np.uint8), R=np.zeros((count, 3))
    )
    return [folder / "a.csv", folder / "a.npz"]


def test_made_up(tmp_path):
    arrays = read_ppe1694(files(tmp_path, ["1,H,52.1,,1,2,3,4,5,6", "2,H2,0,0,1,2,3,4,5,6"]))
    assert arrays["heat_of_formation_experiment"].tolist() == [52.1 * KCAL_PER_MOL, 0]
    assert np.isnan(arrays["heat_of_formation_g4"]).tolist() == [True, False]
    assert arrays["n_atoms"].tolist() == [1, 2]


def test_lengths_and_columns(tmp_path):
    with pytest.raises(DataError, match="one release"):
        read_ppe1694(files(tmp_path, ["1,H,52.1,,1,2,3,4,5,6"]))
    with pytest.raises(DataError, match="truncated or altered"):
        read_ppe1694(files(tmp_path, ["1,H,fifty,,1,2,3,4,5,6"], atoms=(1,)))


@pytest.mark.skipif("MLMAT_DATA" not in os.environ, reason="needs the public data: set MLMAT_DATA")
def test_real_ppe1694():
    data = registry.load("ppe1694", download=False)
    item = registry.ENTRIES["ppe1694"]
    assert len(data) == item.local.items
    assert set(data.arrays) == {p.name for p in item.properties}
    measured = convert(data["heat_of_formation_experiment"], "eV", "kcal/mol")
    row = data["title"].tolist().index("Carbon dioxide")
    # CODATA: -393.51 kJ/mol.
    assert measured[row] == pytest.approx(-94.05, abs=0.05)
    assert sorted(data.molecule(row)[0].tolist()) == [6, 8, 8]
    g4 = convert(data["heat_of_formation_g4"], "eV", "kcal/mol")
    # The mean unsigned error of the paper.
    assert np.nanmean(np.abs(g4 - measured)) == pytest.approx(1.47, abs=0.02)


def test_species_with_charge_and_spin(tmp_path):
    head = ",".join(["label", "charge", "multiplicity", "ref_unc_kcalmol", *RMG_LEVELS])
    paths = files(tmp_path, [], atoms=(1,))
    paths[0].write_text(f"{head}\nH,0,2,,52.1,51,,50,52\n")
    arrays = read_rmg_reference(paths)
    assert arrays["multiplicity"].tolist() == [2]
    assert arrays["heat_of_formation_reference"].tolist() == [52.1 * KCAL_PER_MOL]
    assert np.isnan(arrays["reference_uncertainty"]).all()
    paths[0].write_text(f"{head}\nH,zero,2,,52.1,51,,50,52\n")
    with pytest.raises(DataError, match="truncated or altered"):
        read_rmg_reference(paths)


@pytest.mark.skipif("MLMAT_DATA" not in os.environ, reason="needs the public data: set MLMAT_DATA")
def test_real_rmg_reference():
    data = registry.load("rmg_reference", download=False)
    item = registry.ENTRIES["rmg_reference"]
    assert len(data) == item.local.items
    assert set(data.arrays) == {p.name for p in item.properties}
    values = {
        level: convert(data[f"heat_of_formation_{level}"], "eV", "kcal/mol") for level in RMG_LEVELS.values()
    }
    # Mean unsigned errors, recomputed from the raw table when it was made.
    for level, error in (("g4", 0.98), ("b3lyp", 7.3), ("ccsdt_f12", 0.82)):
        assert np.nanmean(np.abs(values[level] - values["reference"])) == pytest.approx(error, abs=0.1)
    numbers, _ = data.molecule(data["title"].tolist().index("(E)-Diazene"))
    assert sorted(numbers.tolist()) == [1, 1, 7, 7]
