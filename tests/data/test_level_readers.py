"""Molecules at two levels: made-up files, and the real ones against each other and known values."""

import lzma
import os

import numpy as np
import pytest
from scipy.spatial import cKDTree

from mlmat.data import registry
from mlmat.data.level_readers import (
    ISOMER_COLUMNS,
    read_c7h10o2,
    read_dyes,
    read_qm8,
    read_qm9_g4mp2,
    read_qm9_rimp2,
)
from mlmat.errors import DataError
from mlmat.units import HARTREE, KCAL_PER_MOL, convert

real_data = pytest.mark.skipif("MLMAT_DATA" not in os.environ, reason="needs the public data: set MLMAT_DATA")


def table(path, text):
    path.write_bytes(lzma.compress(text.encode()))
    return path


def arrays(path, **values):
    np.savez(path, **{key: np.array(value) for key, value in values.items()})
    return path


def geometry(folder):
    """GDB 2 is H2, GDB 5 an H atom, GDB 9 H3."""
    numbers, places = np.ones(6, np.uint8), np.arange(18.0).reshape(6, 3)
    return arrays(folder / "geometry.npz", gdb=[2, 5, 9], N=[2, 1, 3], Z=numbers, R=places)


def test_join_takes_the_right_atoms_and_rows(tmp_path):
    energies = arrays(
        tmp_path / "e.npz", gdb=[9, 7, 2], AE_HF_hartree=[-9.0, -7.0, -2.0],
        AE_RIMP2_hartree=[-9.5, -7.5, -2.5], homo_HF_hartree=[0.0] * 3, lumo_HF_hartree=[1.0] * 3,
    )  # fmt: skip
    found = read_qm9_rimp2([geometry(tmp_path), energies])
    assert found["gdb"].tolist() == [2, 9]
    assert found["n_atoms"].tolist() == [2, 3]
    assert found["positions"][:, 0].tolist() == [0, 3, 9, 12, 15]
    np.testing.assert_allclose(found["atomisation_energy_hf"], np.array([-2, -9]) * HARTREE)


def test_other_molecules_are_refused(tmp_path):
    energies = arrays(
        tmp_path / "e.npz", gdb=[7], AE_HF_hartree=[-7.0], AE_RIMP2_hartree=[-7.5], homo_HF_hartree=[0.0],
        lumo_HF_hartree=[1.0],
    )  # fmt: skip
    with pytest.raises(DataError, match="no molecule of this set"):
        read_qm9_rimp2([geometry(tmp_path), energies])


def test_energies_at_0_k_are_nan_where_missing(tmp_path):
    labels = arrays(tmp_path / "l.npz", gdb=[2, 9], U298_hartree=[-1.2, -1.8])
    high = arrays(tmp_path / "h.npz", gdb=[2, 5, 9], AE0_G4MP2_hartree=[-0.2, 0.0, -0.3])
    some = table(tmp_path / "f.csv.xz", "gdb,u0_atom\n9,-100\n")
    found = read_qm9_g4mp2([geometry(tmp_path), labels, high, some])
    assert found["gdb"].tolist() == [2, 9]
    free = -0.498857 * np.array([2, 3])
    np.testing.assert_allclose(
        found["atomisation_energy_b3lyp_u298"], (np.array([-1.2, -1.8]) - free) * HARTREE
    )
    np.testing.assert_allclose(found["atomisation_energy_b3lyp_u0"], [np.nan, -100 * KCAL_PER_MOL])
    np.testing.assert_allclose(found["atomisation_energy_g4mp2"], np.array([-0.2, -0.3]) * HARTREE)


def test_unresolved_molecules_of_qm8_are_left_out(tmp_path):
    head = "gdb,smiles," + ",".join(
        f"{x}-{level}" for level in ("CC2", "PBE0", "CAM") for x in ("E1", "E2", "f1", "f2")
    )
    rows = [",".join([str(gdb), "C", *[str(k + gdb / 10) for k in range(12)]]) for gdb in (-1, 2, 9)]
    found = read_qm8([geometry(tmp_path), table(tmp_path / "q.csv.xz", "\n".join([head, *rows]))])
    assert found["gdb"].tolist() == [2, 9]
    np.testing.assert_allclose(found["excitation1_cc2"], np.array([0.2, 0.9]) * HARTREE)
    np.testing.assert_allclose(found["oscillator_strength2_cam_b3lyp"], [11.2, 11.9])


def test_isomers_must_be_in_order(tmp_path):
    shape = arrays(tmp_path / "g.npz", id=[1, 2], Z=np.ones((2, 2), int), R=np.zeros((2, 2, 3)))
    head = ",".join(["name", "smiles", *(column for column, _ in ISOMER_COLUMNS.values())])
    rows = [",".join([f"dsC7O2H10nsd_000{k}", "C", *["1"] * len(ISOMER_COLUMNS)]) for k in (1, 2)]
    found = read_c7h10o2([shape, table(tmp_path / "p.csv.xz", "\n".join([head, *rows]))])
    np.testing.assert_allclose(found["u0"], HARTREE)
    with pytest.raises(DataError, match="differ in order"):
        read_c7h10o2([shape, table(tmp_path / "p.csv.xz", "\n".join([head, *rows[::-1]]))])
    with pytest.raises(DataError, match="differ in length"):
        read_c7h10o2([shape, table(tmp_path / "p.csv.xz", "\n".join([head, rows[0]]))])


def test_dyes_without_a_partner_and_errors_of_entry_are_left_out(tmp_path):
    low = table(tmp_path / "t.csv.xz", "smiles,energy_max_osc\nC,3.0\nCC,4.0\n")
    measured = "smiles,solvent,peakwavs_max\nC,O,400\nC,CO,500\nN,O,400\nCC,O,15\n"
    found = read_dyes([low, table(tmp_path / "m.csv.xz", measured)])
    assert found["solvent"].tolist() == ["O", "CO"]
    np.testing.assert_allclose(found["absorption_experiment"], [3.09960, 2.47968], atol=1e-4)
    with pytest.raises(DataError, match="share no dye"):
        read_dyes([low, table(tmp_path / "m.csv.xz", measured.replace("C,", "N,"))])
    low.write_bytes(b"plain")
    with pytest.raises(DataError, match="truncated or altered"):
        read_dyes([low, low])


@real_data
@pytest.mark.parametrize("name", ["qm9_g4mp2", "qm9_rimp2", "c7h10o2", "qm8", "dyes"])
def test_real_files_have_the_catalogue_s_names(name):
    data, item = registry.load(name, download=False), registry.ENTRIES[name]
    assert len(data) == item.local.items
    assert set(data.arrays) == {p.name for p in item.properties}


@real_data
def test_two_levels_of_qm9_agree_with_known_values():
    data = registry.load("qm9_g4mp2", download=False)
    high, low = (
        convert(data[f"atomisation_energy_{name}"], "eV", "kcal/mol") for name in ("g4mp2", "b3lyp_u0")
    )
    methane = data["gdb"].tolist().index(1)
    # D0 of methane is measured: 392.5 kcal/mol.
    assert high[methane] == pytest.approx(-392.5, abs=1)
    known = np.isfinite(low)
    assert known.sum() > 18_000
    # The same quantity at two levels, no thermal terms.
    assert np.abs(high - low)[known].mean() < 12
    other = registry.load("qm9_rimp2", download=False)
    assert (other["atomisation_energy_rimp2"] < other["atomisation_energy_hf"]).all()


@real_data
def test_energies_of_isomers_are_those_of_g4mp2():
    """Where both sets hold the same conformer, they differ by the free atoms alone."""
    isomers, qm9 = (registry.load(name, download=False) for name in ("c7h10o2", "qm9_g4mp2"))
    expected = [6] * 7 + [8] * 2 + [1] * 10
    assert sorted(isomers.molecule(0)[0].tolist()) == sorted(expected)

    def shapes(data, rows):
        """Principal radii of gyration ``[m, 3]``: to 1e-4 Å a fingerprint of a conformer."""
        places = np.stack([data.molecule(k)[1] for k in rows]).astype(float)
        places -= places.mean(axis=1, keepdims=True)
        return np.sqrt(np.linalg.eigvalsh(np.einsum("mai,maj->mij", places, places) / 19))

    rows = np.flatnonzero(
        (qm9["n_atoms"] == 19) & (np.add.reduceat(np.asarray(qm9["numbers"], int), qm9.offsets[:-1]) == 68)
    )
    apart, near = cKDTree(shapes(qm9, rows)).query(shapes(isomers, range(len(isomers))))
    sure = apart < 1e-4
    difference = isomers["u0"][sure] - qm9["atomisation_energy_g4mp2"][rows[near[sure]]]
    assert sure.sum() > 100
    # Seven C, ten H and two O in G4MP2.
    assert np.median(difference) == pytest.approx(-419.5853 * HARTREE, abs=0.003)
    assert np.percentile(np.abs(difference - np.median(difference)), 99) < 0.01
