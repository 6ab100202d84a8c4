"""Recipes end to end on small tables: each model learns, is calibrated, is saved, is refined."""

from dataclasses import replace

import ase
import ase.build
import jax
import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from rdkit import Chem
from rdkit.Chem.Crippen import MolLogP

from mlmat.data import small_organics
from mlmat.errors import InputError
from mlmat.predictor import load_predictor, predict_items, save_predictor
from mlmat.predictor.forces import check_forces
from mlmat.recipes.choice import choose
from mlmat.recipes.fit import fit_task
from mlmat.recipes.task import Task
from mlmat.recipes.tune import tune_choice
from mlmat.training.config import LossConfig

COUNT = 160
PARTS = np.arange(110), np.arange(110, 140), np.arange(140, COUNT)


@pytest.fixture(scope="module")
def smiles():
    texts = small_organics.load()["smiles"].tolist()
    return texts[:: len(texts) // COUNT][:COUNT]


@pytest.fixture(scope="module")
def logp(smiles):
    values = np.array([MolLogP(Chem.MolFromSmiles(text)) for text in smiles])
    return Task("smiles", smiles, values[:, None], ("logP",), ("1",))


def chosen(kind, **given):
    given = {
        "members": 2,
        "features": 24,
        "layers": 2,
        "epochs": 25,
        "batch": 16,
        "learning_rate": 5e-3,
    } | given
    return choose(kind, len(PARTS[0]), **given)


@pytest.fixture(scope="module")
def trained(logp):
    return fit_task(logp, *PARTS[:2], chosen("smiles"))


def errors(task, predictor, rows=PARTS[2]):
    found = predict_items(predictor, [task.items[i] for i in rows])
    return np.abs(found.mean - task.targets[rows]), found.std


def test_it_learns_from_smiles_and_says_how_sure_it_is(logp, trained):
    error, std = errors(logp, trained.predictor)
    spread = np.abs(logp.targets[PARTS[2]] - logp.targets[PARTS[0]].mean()).mean()
    assert error.mean() < 0.6 * spread
    assert trained.predictor.calibration.shape == (2, 1)
    assert (std > 0).all()
    assert 0.3 < (error / std).mean() < 2.0


@pytest.mark.parametrize(("kind", "expected"), [("mae", 0.0), ("mse", 0.25)])
def test_the_absolute_loss_finds_the_median_and_squares_the_mean(kind, expected):
    targets = (np.arange(COUNT) % 4 == 0).astype(float)[:, None]
    task = Task("smiles", ["CCO"] * COUNT, targets, ("x",), ("1",))
    choice = replace(chosen("smiles", epochs=40, features=8), loss=LossConfig(kind=kind))
    trained = fit_task(task, *PARTS[:2], choice, extensive=False)
    assert predict_items(trained.predictor, ["CCO"]).mean.item() == pytest.approx(expected, abs=0.06)


def test_the_file_gives_the_same_numbers(logp, trained, tmp_path):
    save_predictor(trained.predictor, tmp_path / "p.mlmat")
    again = load_predictor(tmp_path / "p.mlmat")
    np.testing.assert_array_equal(errors(logp, again)[0], errors(logp, trained.predictor)[0])
    assert again.encoder == trained.predictor.encoder


def test_fine_tuning_keeps_frozen_parts_and_refuses_new_elements(logp, trained):
    choice = chosen("smiles", epochs=2)
    frozen = ("Embed_0", "Dense_0")
    tuned = fit_task(logp, *PARTS[:2], choice, init=trained.predictor, frozen=frozen)
    for name in trained.predictor.variables["params"]:
        pair = (p.variables["params"][name] for p in (trained.predictor, tuned.predictor))
        same = all(map(np.array_equal, *map(jax.tree.leaves, pair)))
        assert same == (name in frozen), name
    assert errors(logp, tuned.predictor)[0].mean() < 2 * errors(logp, trained.predictor)[0].mean()
    strange = Task("smiles", ["C[Si](C)C", *logp.items[1:]], logp.targets, ("logP",), ("1",))
    with pytest.raises(InputError, match=r"item 0 has Si.*without --init"):
        fit_task(strange, *PARTS[:2], choice, init=trained.predictor)
    double = Task("smiles", logp.items, np.repeat(logp.targets, 2, axis=1), ("a", "b"), ("1", "1"))
    with pytest.raises(InputError, match="has 1 outputs"):
        fit_task(double, *PARTS[:2], choice, init=trained.predictor)


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"units": ("eV",)}, "convert the data"), ({"classes": ("a", "b")}, "from scratch")],
)
def test_fine_tuning_refuses_another_unit_or_other_classes(logp, trained, change, reason):
    with pytest.raises(InputError, match=reason):
        fit_task(replace(logp, **change), *PARTS[:2], chosen("smiles"), init=trained.predictor)


def test_classes_come_with_probabilities(smiles):
    ring = np.array([[float("1" in text)] for text in smiles])
    task = Task("smiles", smiles, ring, ("ring",), ("1",), classes=("chain", "ring"))
    found = fit_task(task, *PARTS[:2], chosen("smiles", epochs=12))
    probabilities = predict_items(found.predictor, [smiles[i] for i in PARTS[2]]).mean
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)
    assert (probabilities.argmax(axis=1) == ring[PARTS[2], 0]).mean() > 0.9
    assert any("temperature" in note for note in found.notes)


def test_several_targets_with_holes(logp):
    both = np.concatenate([logp.targets, -2 * logp.targets + 1], axis=1)
    both[::2, 1] = np.nan
    task = Task("smiles", logp.items, both, ("logP", "other"), ("1", "1"))
    found = fit_task(task, *PARTS[:2], chosen("smiles"))
    predicted = predict_items(found.predictor, [logp.items[i] for i in PARTS[2]]).mean
    np.testing.assert_allclose(predicted[:, 1], -2 * predicted[:, 0] + 1, atol=1.5)


def test_the_soft_graph_network_is_a_choice(logp):
    found = fit_task(logp, *PARTS[:2], chosen("smiles", model="soft-mpnn", epochs=3))
    assert type(found.predictor.encoder).__name__ == "SoftGraphEncoder"
    assert found.history[-1]["loss"] < found.history[0]["loss"]


@pytest.fixture(scope="module")
def clusters():
    """Argon-like clusters with Lennard-Jones energies (plus 100 eV an atom) and forces."""
    random = np.random.default_rng(0)
    items, energies, forces = [], [], []
    while len(items) < COUNT:
        grid = 1.15 * np.stack(np.meshgrid(*[np.arange(2)] * 3), axis=-1).reshape(-1, 3)
        n = int(random.integers(3, 7))
        atoms = ase.Atoms(f"Ar{n}", grid[random.permutation(8)[:n]] + random.normal(0, 0.06, (n, 3)))
        atoms.calc = LennardJones(rc=20.0)
        items.append(ase.Atoms(atoms.symbols, atoms.positions))
        energies.append(atoms.get_potential_energy() + 100.0 * n)
        forces.append(atoms.get_forces())
    return items, np.array(energies)[:, None], forces


def test_energies_of_structures_are_found_to_add_up(clusters):
    items, energies, _ = clusters
    task = Task("structure", items, energies, ("energy",), ("eV",))
    found = fit_task(task, *PARTS[:2], chosen("structure", cutoff=3.0))
    assert found.predictor.reference is not None
    assert found.predictor.model.pooling == "sum"
    error, _ = errors(task, found.predictor)
    assert error.mean() < 0.7 * np.abs(energies - 100.0 * np.array([[len(a)] for a in items])).std()


def test_dtnn_takes_all_pairs_of_atoms_and_is_saved(clusters, tmp_path):
    items, energies, _ = clusters
    task = Task("structure", items, energies, ("energy",), ("eV",))
    found = fit_task(task, *PARTS[:2], chosen("structure", model="dtnn", members=1, epochs=6))
    assert found.predictor.model.cutoff is None
    assert found.history[-1]["loss"] < 0.9 * found.history[0]["loss"]
    save_predictor(found.predictor, tmp_path / "dtnn.mlmat")
    again, _ = errors(task, load_predictor(tmp_path / "dtnn.mlmat"))
    np.testing.assert_allclose(again, errors(task, found.predictor)[0], rtol=1e-5)
    crystal = [ase.Atoms("Ar", cell=[4.0] * 3, pbc=True)]
    with pytest.raises(InputError, match="--cutoff"):
        chosen("structure", model="dtnn").encoder(crystal)
    assert chosen("structure", model="dtnn", cutoff=6.0).encoder(crystal).cutoff == 6.0


@pytest.mark.parametrize("model", ["cgcnn", "crystal"])
def test_crystals_are_learnt_and_the_predictor_saved(model, tmp_path):
    random = np.random.default_rng(0)
    items = []
    for _ in range(COUNT):
        salt = ase.build.bulk(random.choice(["NaCl", "MgO", "LiF"]), "rocksalt", a=random.uniform(4, 6))
        items.append(salt)
    volumes = np.array([[atoms.cell.volume / len(atoms)] for atoms in items])
    task = Task("structure", items, volumes, ("volume",), ("Å^3/atom",))
    settings = chosen("structure", model=model, members=2, epochs=8, learning_rate=1e-2)
    found = fit_task(task, *PARTS[:2], settings)
    assert found.predictor.model.pooling == "mean"
    error, _ = errors(task, found.predictor)
    assert error.mean() < 0.3 * volumes.std()
    save_predictor(found.predictor, tmp_path / "crystals.mlmat")
    again, _ = errors(task, load_predictor(tmp_path / "crystals.mlmat"))
    np.testing.assert_allclose(again, error, rtol=1e-5)
    with pytest.raises(InputError, match="jumps"):
        check_forces(found.predictor)


def test_nearest_neighbours_have_no_forces(clusters):
    items, energies, forces = clusters
    task = Task("structure", items, energies, ("energy",), ("eV",), forces=forces)
    with pytest.raises(InputError, match="jumps"):
        fit_task(task, *PARTS[:2], chosen("structure", model="cgcnn"))


def test_forces_are_learnt_beside_energies(clusters):
    items, energies, forces = clusters
    task = Task("structure", items, energies, ("energy",), ("eV",), forces=forces)
    found = fit_task(task, *PARTS[:2], chosen("structure", cutoff=3.0, epochs=12))
    history = found.history
    assert history[-1]["validation MAE force"] < 0.7 * history[0]["validation MAE force"]


def test_a_search_finds_a_setting(logp):
    choice, result = tune_choice(logp, *PARTS[:2], chosen("smiles", epochs=4), trials=2)
    assert len(result.trials) >= 2
    assert choice.training.learning_rate == result.best.config["learning_rate"]
    assert choice.fields["layers"] == result.best.config["layers"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"model": "schnet"}, "takes structure"),
        ({"model": "nothing"}, "unknown model"),
        ({"preset": "huge"}, "unknown preset"),
        ({"epochs": 0}, "at least 1"),
    ],
)
def test_impossible_choices_are_refused(wrong, reason):
    with pytest.raises(InputError, match=reason):
        choose("smiles", 100, **wrong)


def test_too_few_items_are_refused(logp):
    with pytest.raises(InputError, match="at least 2"):
        fit_task(logp, np.arange(1), np.arange(1, 2), chosen("smiles"))
