"""CGCNN and the equivariant network through the recipe: classes, missing targets, ensembles, going on."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk

from mlmat.errors import InputError
from mlmat.predictor import load_predictor, predict_items, save_predictor
from mlmat.recipes.choice import choose
from mlmat.recipes.fit import fit_task
from mlmat.recipes.task import Task

SALTS = [
    ("Na", "Cl"),
    ("K", "Cl"),
    ("Na", "Br"),
    ("K", "Br"),
    ("Mg", "O"),
    ("Ca", "O"),
    ("Mg", "S"),
    ("Ca", "S"),
]
ITEMS = [bulk("".join(SALTS[k % 8]), "rocksalt", 4.6 + 0.02 * k) for k in range(48)]
VOLUMES = np.array([atoms.cell.volume / 20 for atoms in ITEMS])
OXYGEN = np.array(
    [("O" in atoms.get_chemical_symbols() or "S" in atoms.get_chemical_symbols()) for atoms in ITEMS]
)
ROWS = np.random.default_rng(0).permutation(48)
TRAIN, CHECK, TEST = ROWS[:30], ROWS[30:38], ROWS[38:]


def chosen(model, **given):
    given = {
        "members": 1,
        "features": 8,
        "layers": 1,
        "epochs": 30,
        "batch": 8,
        "learning_rate": 1e-2,
    } | given
    return choose("structure", len(TRAIN), model=model, **given)


@pytest.mark.parametrize("model", ["cgcnn", "crystal"])
def test_crystals_are_learnt_with_muon_and_its_rate_unless_told_otherwise(model):
    usual, asked = (choose("structure", 30, model=model, optimiser=how).training for how in (None, "adamw"))
    assert (usual.optimiser, asked.optimiser) == ("muon", "adamw")
    assert usual.learning_rate > asked.learning_rate
    assert choose("structure", 30, model="schnet").training.optimiser == "adamw"


def test_classes():
    task = Task(
        "structure", ITEMS, OXYGEN[:, None].astype(float), ("kind",), ("",), ("halide", "chalcogenide")
    )
    trained = fit_task(task, TRAIN, CHECK, chosen("cgcnn", members=2))
    found = predict_items(trained.predictor, [ITEMS[i] for i in TEST]).mean
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-5)
    assert (found.argmax(axis=1) == OXYGEN[TEST]).all()


@pytest.fixture(scope="module")
def two_targets():
    """Volumes, known for every second crystal only, and their negative for all."""
    targets = np.stack([VOLUMES, -2 * VOLUMES], axis=1)
    targets[::2, 0] = np.nan
    return Task("structure", ITEMS, targets, ("volume", "minus"), ("Å^3", "Å^3"))


@pytest.fixture(scope="module")
def trained(two_targets):
    return fit_task(two_targets, TRAIN, CHECK, chosen("cgcnn"), extensive=False)


def test_missing_targets_are_learnt_from_what_is_there(trained):
    found = predict_items(trained.predictor, [ITEMS[i] for i in TEST]).mean
    spread = np.abs(VOLUMES[TEST] - VOLUMES[TRAIN].mean()).mean()
    assert np.isfinite(found).all()
    assert np.abs(found[:, 0] - VOLUMES[TEST]).mean() < 0.5 * spread
    assert np.abs(found[:, 1] + 2 * VOLUMES[TEST]).mean() < spread


def test_going_on_from_a_saved_predictor_keeps_its_statistics_and_frozen_parts(
    trained, two_targets, tmp_path
):
    save_predictor(trained.predictor, tmp_path / "p.mlmat")
    start = load_predictor(tmp_path / "p.mlmat")
    again = fit_task(
        two_targets, TRAIN[:10], CHECK, chosen("cgcnn", epochs=2), init=start, frozen=("embedding",)
    ).predictor
    np.testing.assert_array_equal(
        again.variables["params"]["embedding"]["kernel"], start.variables["params"]["embedding"]["kernel"]
    )
    np.testing.assert_array_equal(again.scale, start.scale)
    before, after = (
        np.abs(predict_items(p, [ITEMS[i] for i in TEST]).mean[:, 1] + 2 * VOLUMES[TEST]).mean()
        for p in (start, again)
    )
    assert after < 3 * before + 0.1


def test_the_equivariant_network_takes_intensive_properties():
    task = Task("structure", ITEMS, VOLUMES[:, None], ("volume",), ("Å^3",))
    model = chosen("equivariant", epochs=1, cutoff=4.0)
    model = replace(model, fields={"features": 4, "layers": 2, "order": 1, "basis": 3})
    predictor = fit_task(task, TRAIN, CHECK, model, extensive=False).predictor
    assert predictor.model.pooling == "mean"
    # A potential may tell finer differences apart: its atoms are of one material.
    potential = model.network(model.encoder(ITEMS), 1, True)
    assert (predictor.model.degree, potential.degree) == (2, 4)
    assert (predictor.model.symbols, potential.symbols) == (predictor.encoder.elements, ())
    assert predictor.model.whitening > potential.whitening
    one, eight = predict_items(predictor, [ITEMS[0], ITEMS[0] * (2, 2, 2)]).mean[:, 0]
    assert one == pytest.approx(eight, rel=1e-4)


def test_numbers_of_neighbours():
    for model, usual in (("cgcnn", 12), ("crystal", 16)):
        choice = chosen(model, neighbours=18)
        encoder = choice.encoder(ITEMS)
        assert encoder.neighbours == choice.network(encoder, 1, False).neighbours == 18
        assert chosen(model).encoder(ITEMS).neighbours == usual
    with pytest.raises(InputError, match="leave --neighbours out"):
        chosen("schnet", neighbours=18)
