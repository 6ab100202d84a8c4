"""Sets with forces and stress: signs, orders and parts, held to the physics that ties them together."""

import os

import numpy as np
import pytest
from ase.stress import voigt_6_to_full_3x3_stress
from scipy.linalg import logm, polar

from mlmat.data.potential_readers import read_crystals, read_md17, read_mlearn, read_qm22, read_si_pyxtal
from mlmat.data.registry import ENTRIES, load, verify
from mlmat.data.structures import of_atoms, published_split, structures
from mlmat.errors import DataError, InputError
from mlmat.units import BOHR, HARTREE

POTENTIALS = [name for name in ENTRIES if ENTRIES[name].local and "potential" in ENTRIES[name].local.reader]
needs_data = pytest.mark.skipif("MLMAT_DATA" not in os.environ, reason="MLMAT_DATA names no data folder")


def packed(path, **changes):
    """A file of two crystals as the packed sets are: two atoms, then one."""
    arrays = {
        "energy_eV": np.array([-10.0, -3.0]),
        "forces_eV_per_A": np.arange(9, dtype=np.float32).reshape(3, 3),
        "virial_stress": np.array([[1.0, 2, 3, 4, 5, 6], [0, 0, 0, 0, 0, 0]]),
        "lattice": np.array([np.diag([2.0, 4, 8]), np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])]),
        "n_atoms": np.array([2, 1], np.int32),
        "Z": np.array([14, 14, 14], np.uint8),
        "frac": np.array([[0.0, 0, 0], [0.5, 0.25, 0.125], [0.5, 0, 0]]),
        "group": np.array(["Elastic", "Mo_Test"]),
        "split": np.array(["training", "val"]),
    } | changes
    np.savez(path, **arrays)
    return [path]


def test_stress_takes_the_order_and_sign_of_ase(tmp_path):
    kbar = 1e8 * 1e-30 / 1.602176634e-19  # eV/Å^3
    silicon = read_mlearn(packed(tmp_path / "Si.npz"))
    # xx yy zz xy yz xz, compression positive → xx yy zz yz xz xy, tension positive.
    np.testing.assert_allclose(silicon["stress"][0], -kbar * np.array([1, 2, 3, 5, 6, 4]), rtol=1e-12)
    nickel = read_mlearn(packed(tmp_path / "Ni.npz", split=np.array(["training", "test"])))
    np.testing.assert_allclose(nickel["stress"][0], -kbar * np.array([1, 2, 3, 6, 5, 4]), rtol=1e-12)
    assert np.isnan(nickel["stress"][1]).all()
    with pytest.raises(DataError, match="mlearn"):
        read_mlearn(packed(tmp_path / "Fe.npz"))


def test_crystals_in_cartesian_coordinates_and_named_parts(tmp_path):
    arrays = read_crystals(packed(tmp_path / "any.npz"))
    np.testing.assert_allclose(arrays["positions"], [[0, 0, 0], [1, 1, 1], [0, 0.5, 0.5]])
    assert arrays["split"].tolist() == ["training", "validation"]
    alloy = read_mlearn(packed(tmp_path / "MoNbTaW_partial.npz"))
    assert alloy["split"].tolist() == ["training", "test"]
    kept = read_si_pyxtal(packed(tmp_path / "Si4.npz"))  # the second one lies at -3 eV/atom
    assert len(kept["energy"]) == 1
    assert len(kept["positions"]) == len(kept["forces"]) == 2


def test_trajectories_and_gradients(tmp_path):
    z = np.array([8, 1, 1], np.uint8)
    r = np.arange(18, dtype=np.float32).reshape(2, 3, 3)
    path = tmp_path / "water.npz"
    np.savez(
        path, Z=z, R_train=r, E_train=np.array([1.0, 2]), F_train=-r, R_test_scan=r[:1], E_test_scan=[3.0]
    )
    arrays = read_md17([path])
    assert arrays["split"].tolist() == ["training", "training", "test"]
    assert arrays["group"].tolist() == ["train", "train", "test_scan"]
    assert np.isnan(arrays["forces"][6:]).all()
    assert (arrays["forces"][:6] == -r.reshape(-1, 3)).all()
    np.savez(path, Z=z, R=r, E_hartree=np.array([1.0, 2]), G_hartree_per_bohr=r)
    arrays = read_qm22([path])
    np.testing.assert_allclose(arrays["forces"], -r.reshape(-1, 3) * HARTREE / BOHR)
    np.testing.assert_allclose(arrays["energy"], np.array([1, 2]) * HARTREE)


@needs_data
@pytest.mark.parametrize("name", POTENTIALS)
def test_every_set_is_what_its_entry_says(name):
    assert [check.status for check in verify([name])] == ["ok"] * len(ENTRIES[name].local.files)
    data = load(name)
    assert len(data) == ENTRIES[name].local.items
    assert set(data.arrays) == {p.name for p in ENTRIES[name].properties}
    if "forces" in data.arrays:
        forces = of_atoms(data, "forces")
        known = [f for f in forces[:50] if np.isfinite(f).all()]
        assert known
        assert max(abs(f.mean(axis=0)).max() for f in known) < 0.01
    if "cell" in data.arrays:
        (atoms,) = structures(data, [len(data) - 1])
        assert atoms.pbc.all()
        assert 0.5 < atoms.cell.volume / len(atoms) < 60
        assert atoms.cell.volume > 0
        assert len(atoms) == data["n_atoms"][-1]


def strained_pairs(data, largest=0.03):
    """Pairs of one crystal before and after a homogeneous strain: rows, log strain, rotation, energy.

    Work done by forces on atoms that moved within the cell is taken off the energy.
    """
    forces, positions = of_atoms(data, "forces"), of_atoms(data, "positions")
    elastic = (
        data["group"] == "Elastic" if (data["group"] == "Elastic").any() else data["group"] == "Mo_Elastic"
    )
    calm = [i for i in np.flatnonzero(elastic | (data["split"] == "training")) if abs(forces[i]).max() < 0.7]
    reference = next(
        i for i in calm if elastic[i] and abs(data["stress"][i]).max() < 0.01 and data["n_atoms"][i] > 20
    )
    inverse = np.linalg.inv(data["cell"][reference])
    for i in calm:
        if i == reference or data["n_atoms"][i] != data["n_atoms"][reference]:
            continue
        moved = positions[i] @ np.linalg.inv(data["cell"][i]) - positions[reference] @ inverse
        moved -= np.round(moved)
        rotation, stretch = polar((inverse @ data["cell"][i]).T)
        strain = logm(stretch).real
        if abs(moved).max() < 0.012 and 1e-3 < abs(strain).max() < largest:
            here, there = moved @ data["cell"][reference], moved @ data["cell"][i]
            work = -0.5 * ((forces[reference] * here).sum() + (forces[i] * there).sum())
            yield reference, i, strain, rotation, data["energy"][i] - data["energy"][reference] - work


@needs_data
@pytest.mark.parametrize("name", ["mlearn_si", "mlearn_ge", "mlearn_mo"])
def test_stress_is_the_derivative_of_the_energy_by_strain(name):
    data = load(name)
    volumes = abs(np.linalg.det(data["cell"]))
    stress = np.array([voigt_6_to_full_3x3_stress(s) for s in data["stress"]])
    found, expected, wrong = [], [], []
    for a, b, strain, rotation, energy in strained_pairs(data):
        found.append(energy)
        turned = rotation.T @ stress[b] @ rotation
        expected.append(0.5 * ((volumes[a] * stress[a] + volumes[b] * turned) * strain).sum())
        swapped = turned[np.ix_([1, 0, 2], [1, 0, 2])] * (1 - np.eye(3)) + turned * np.eye(3)
        wrong.append(0.5 * ((volumes[a] * stress[a] + volumes[b] * swapped) * strain).sum())
    found, expected, wrong = map(np.array, (found, expected, wrong))
    assert len(found) > 10
    slope = (found @ expected) / (expected @ expected)
    assert abs(slope - 1) < 0.05
    assert np.sqrt(((found - expected) ** 2).mean()) < 0.1 * np.sqrt((found**2).mean())
    # The test can fail: with two shears exchanged the balance does not close.
    assert np.sqrt(((found - wrong) ** 2).mean()) > 0.15 * np.sqrt((found**2).mean())


@needs_data
@pytest.mark.parametrize("name", ["rmd17_ethanol", "qm22_ethanol", "qm22_methane"])
def test_forces_are_downhill(name):
    data = load(name)
    atoms = int(data["n_atoms"][0])
    r = data["positions"].reshape(-1, atoms, 3)[:1000]
    f = data["forces"].reshape(-1, atoms, 3)[:1000]
    e = data["energy"][:1000]
    squared = ((r[:, None] - r[None, :200]) ** 2).sum(axis=(2, 3)) + 1e9 * np.eye(1000, 200)
    near = squared.argmin(axis=0)
    step = r[near] - r[:200]
    work = -0.5 * ((f[near] + f[:200]) * step).sum(axis=(1, 2))
    close = squared.min(axis=0) < np.quantile(squared.min(axis=0), 0.5)
    change = (e[near] - e[:200])[close]
    slope = (change @ work[close]) / (work[close] @ work[close])
    assert 0.9 < slope < 1.1
    assert np.abs(change).max() > 0.02


@needs_data
def test_published_parts_and_a_validation_part_from_every_group():
    data = load("mlearn_si")
    parts = published_split(data, seed=1)
    assert [len(part) for part in parts] == [len(parts.train), len(parts.validation), 25]
    assert len(parts.train) + len(parts.validation) == 214
    assert 19 <= len(parts.validation) <= 23
    assert not set(parts.train) & set(parts.validation)
    assert set(data["group"][parts.validation]) >= {"AIMD-NVT", "Elastic", "Vacancy"}
    assert (published_split(data, seed=1).validation == parts.validation).all()
    assert len(published_split(load("si_mo_group")).validation) == 50
    with pytest.raises(InputError, match="test part"):
        published_split(load("si_pyxtal_ff"))
