"""`mlmat train` on energies, forces and stress: an extxyz file, an ASE database, a set of the registry."""

import os

import ase.db
import ase.io
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator

from mlmat.analysis.record import load_record
from mlmat.cli import main
from mlmat.commands.train import chosen_loss
from mlmat.commands.train_options import TrainOptions
from mlmat.data.own import read_own_data
from mlmat.data.own.registered import registered_data
from mlmat.errors import InputError
from mlmat.predictor import load_predictor
from mlmat.recipes.choice import AMP_LOSS
from mlmat.recipes.mechanics_scores import predict_mechanics
from mlmat.training.config import LossConfig
from mlmat.units import GPA

FAST = ["--preset", "quick", "--members", "1", "--features", "8", "--layers", "2", "--cutoff", "4"]
needs_data = pytest.mark.skipif("MLMAT_DATA" not in os.environ, reason="MLMAT_DATA names no data folder")


def frames(count=24):
    """Strained, rattled cells of four copper atoms with EMT's energy, forces and stress."""
    random, found = np.random.default_rng(0), []
    for number in range(count):
        atoms = bulk("Cu", cubic=True)
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + random.normal(0, 0.03, (3, 3))), scale_atoms=True)
        atoms.rattle(0.06, rng=random)
        atoms.calc = EMT()
        results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
        if number:  # one structure has no stress
            results["stress"] = atoms.get_stress()
        atoms.calc = SinglePointCalculator(atoms, **results)
        found.append(atoms)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("cells")
    ase.io.write(path / "cells.extxyz", frames())
    with ase.db.connect(path / "cells.db") as database:
        for atoms in frames():
            database.write(atoms)
    return path


@pytest.mark.parametrize("name", ["cells.extxyz", "cells.db"])
def test_stress_is_read_in_any_unit(folder, name):
    targets = ("energy", "forces", "stress")
    plain = read_own_data(folder / name, targets=targets, units="eV")
    expected = np.array([atoms.get_stress() for atoms in frames()[1:]])
    np.testing.assert_allclose(plain.stress[1:], expected, atol=1e-7)
    assert np.isnan(plain.stress[0]).all()
    labelled = read_own_data(folder / name, targets=targets, units=("eV", "eV/Å", "GPa"))
    np.testing.assert_allclose(labelled.stress[1:], expected * GPA, atol=1e-9)
    with pytest.raises(InputError, match="cannot be brought"):
        read_own_data(folder / name, targets=targets, units=("eV", "eV/Å", "fs"))
    with pytest.raises(InputError, match="together with forces"):
        read_own_data(folder / name, targets=("energy", "stress"), units="eV")


def test_the_loss_is_the_models_own_but_for_what_is_asked():
    huber, amp = LossConfig(), AMP_LOSS
    assert chosen_loss(TrainOptions(), huber) == LossConfig(stress=1.0)
    assert chosen_loss(TrainOptions(), amp) == amp
    assert chosen_loss(TrainOptions(loss="mae"), huber) == LossConfig(stress=1.0, kind="mae")
    weighted = TrainOptions(loss_weights=(2.0, 1.0, 3.0))
    assert chosen_loss(weighted, amp) == LossConfig(2.0, 1.0, 3.0, "mse")


@pytest.mark.slow
def test_a_potential_learns_stress_too(folder, tmp_path):
    words = ["train", str(folder / "cells.extxyz"), "--target", "energy", "--target", "forces"]
    words += ["--target", "stress", "--unit", "eV", "--model", "schnet", *FAST]
    words += ["--epochs", "60", "--batch", "4", "--learning-rate", "0.01", "--loss-weights", "1", "1", "3"]
    assert main([*words, "--fractions", "0.6", "0.2", "0.2", "--out", str(tmp_path / "out")]) == 0
    record = load_record(tmp_path / "out" / "results.json")
    stress, forces = (record.metric(f"{name} MAE", "model") for name in ("stress", "forces"))
    assert (stress.unit, forces.unit) == ("GPa", "eV/Å")
    spread = np.std([atoms.get_stress() for atoms in frames()[1:]]) / GPA
    assert stress.value < 0.5 * spread
    assert forces.value < 0.5 * record.metric("forces MAE", "no force").value
    assert record.metric("energy per atom MAE", "model").unit == "meV"
    predictor = load_predictor(tmp_path / "out" / "predictor.mlmat")
    found = predict_mechanics(predictor, frames(8))
    check_derivatives(predictor, frames(8)[3], found.stress[3])


def check_derivatives(predictor, atoms, stress):
    """Predicted stress against finite differences of the predicted energy by a strain."""
    rng = np.random.default_rng(2)
    strain = rng.normal(size=(3, 3))
    strain = (strain + strain.T) / 2
    moved = []
    for sign in (-1, 1):
        one = atoms.copy()
        one.set_cell(one.cell.array @ (np.eye(3) + sign * 2e-3 * strain), scale_atoms=True)
        moved.append(one)
    low, high = predict_mechanics(predictor, moved).energies
    six = strain[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]] * [1, 1, 1, 2, 2, 2]
    slope = atoms.cell.volume * (stress @ six)
    np.testing.assert_allclose((high - low) / 4e-3, slope, rtol=0.02, atol=0.02)


@needs_data
def test_a_set_of_the_registry_comes_with_its_parts():
    data = registered_data("mlearn_si")
    assert data.properties == ("energy",)
    assert data.stress.shape == (239, 6)
    assert data.parts.count("test") == 25
    assert set(data.groups) == {"AIMD-NVT", "Elastic", "Surface", "Vacancy"}
    assert registered_data("qm22_methane").stress is None
    with pytest.raises(InputError, match="name what is to be learnt"):
        registered_data("qm22_hydronium")
    with pytest.raises(InputError, match="no 'gap' to learn"):
        registered_data("mlearn_si", ("gap",))


@needs_data
@pytest.mark.slow
def test_training_on_a_set_by_name(tmp_path):
    words = ["train", "--data", "methanol_aimd", "--model", "schnet", *FAST, "--epochs", "2"]
    assert main([*words, "--fractions", "0.3", "0.1", "0.6", "--out", str(tmp_path / "out")]) == 0
    record = load_record(tmp_path / "out" / "results.json")
    assert "--data methanol_aimd" in record.command
    assert record.metric("forces MAE", "model").dataset == "methanol_aimd"
    assert list(record.data) == ["methanol_aimd"]
    resumed = load_record(tmp_path / "out" / "results.json")
    assert resumed == record


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--data", "mlearn_si", "--unit", "eV"], "its own units"),
        (["--data", "nothing_known"], "unknown data set"),
        (["--data", "mlearn_si", "--data-dir", "nowhere"], "nowhere"),
        (["FILE", "--target", "energy", "--unit", "eV", "--split", "published"], "no published test part"),
    ],
)
def test_mistakes_get_one_clear_error(folder, tmp_path, capsys, words, reason):
    words = [str(folder / "cells.extxyz") if word == "FILE" else word for word in words]
    assert main(["train", *words, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
