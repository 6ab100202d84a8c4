"""The experiment on crystals: parts that do not share a family, metrics beside the paper's."""

import json
from dataclasses import replace

import ase.build
import numpy as np
import pytest

from experiments.cgcnn.cells import CRYSTAL, MEMBERS, RESTART, Config, run_cell, settings
from experiments.cgcnn.run import metrics_of
from experiments.cgcnn.targets import TARGETS, Crystals, Target, crystals, parts
from mlmat.data.families import chemical_system
from mlmat.errors import DataError, InputError

FEW = Target("mp_crystals", "formation_energy", "eV/atom", 0.039, 28_046)


def test_families_are_sets_of_elements():
    assert chemical_system(ase.build.bulk("NaCl", "rocksalt", a=5.6)) == "Cl-Na"


@pytest.mark.parametrize("split", ["random", "family"])
def test_parts(split):
    families = [f"{k % 60}" for k in range(600)]
    rows = parts(families, FEW, split, None, 0)
    assert sorted(np.concatenate(rows)) == list(range(600))
    assert len(rows.test) >= 0.07 * 600
    shared = {families[i] for i in rows.train} & {families[i] for i in rows.test}
    assert bool(shared) == (split == "random")
    fewer = parts(families, FEW, split, 50, 0)
    assert len(fewer.train) == 50
    assert set(fewer.train) < set(rows.train)
    np.testing.assert_array_equal(fewer.test, rows.test)


def test_networks():
    config = Config(preset="full")
    full, own, bare = (settings(config, "poisson_ratio", model, 2_041) for model in config.models)
    assert (own.model, own.training) == ("crystal", replace(full.training, members=MEMBERS))
    assert full.fields == {"features": 64, "layers": 4, "hidden": 32, "hidden_layers": 1}
    assert bare.fields["layers"] == 0
    assert full.training == bare.training


def test_metrics_stand_beside_the_paper_in_the_random_split_only():
    row = {
        "name": "band_gap",
        "model": "CGCNN",
        "n_train": 5,
        "n_test": 2,
        "mae": 0.4,
        "std": 0.1,
        "mean": 1.0,
    }
    found = metrics_of([row | {"split": split} for split in ("random", "family")])
    assert [metric.paper for metric in found] == [None, 0.388, None, None]
    assert [metric.value for metric in found] == [1.0, 0.4, 1.0, 0.4]
    assert metrics_of([row | {"split": "random", "loss": "huber"}]) == found[:2]
    (_, other) = metrics_of([row | {"split": "random", "loss": "mae"}])
    assert other.variant == "CGCNN (absolute error), random split, 5 training crystals"


def test_a_later_round_goes_on_from_the_one_before(tmp_path):
    rng = np.random.default_rng(0)
    items = [ase.build.bulk("NaCl", "rocksalt", a=a) for a in rng.uniform(5, 6, 90)]
    found = Crystals(items, np.array([len(a) / a.get_volume() for a in items]), [str(k) for k in range(90)])
    options = {"out": tmp_path, "epochs": 3, "n_train": 60}
    once, twice = (
        run_cell(Config(**options, rounds=rounds), "band_gap", "CGCNN", "random", lambda name: found)
        for rounds in (1, 2)
    )
    first, second = (
        [json.loads(line) for line in (tmp_path / "cells" / f"{stem}.log.jsonl").read_text().splitlines()]
        for stem in ("band_gap-random-CGCNN-60-0", "band_gap-random-CGCNN-60-0-2")
    )
    assert [row["epoch"] for row in first] == [row["epoch"] for row in second] == [1, 2, 3]
    assert second[0]["learning_rate"] == pytest.approx(first[0]["learning_rate"] * RESTART, rel=1e-5)
    # It starts from trained weights, not from fresh ones.
    assert second[0]["loss"] < 0.5 * first[0]["loss"]
    assert "together" not in once
    assert twice["seconds"] > once["seconds"]
    # The triangle inequality: errors of a mean are no larger than the mean of the errors.
    assert 0 < twice["together"]["mae"] <= (once["mae"] + twice["mae"]) / 2 * (1 + 1e-6)
    names = [metric.variant for metric in metrics_of([twice])]
    assert names[1:] == [
        "CGCNN (2 rounds), random split, 60 training crystals",
        "mean over the 2 rounds, random split, 60 training crystals",
    ]


def test_members_of_cgcnn_differ_and_those_that_are_trained_are_read(tmp_path):
    rng = np.random.default_rng(0)
    items = [ase.build.bulk("NaCl", "rocksalt", a=a) for a in rng.uniform(5, 6, 90)]
    found = Crystals(items, np.array([len(a) / a.get_volume() for a in items]), [str(k) for k in range(90)])
    options = {"out": tmp_path, "epochs": 2, "n_train": 60, "optimiser": "muon"}
    one, two = (
        run_cell(Config(**options, members=members), "band_gap", "CGCNN", "random", lambda name: found)
        for members in (1, 2)
    )
    assert two["members"] == 2
    assert two["seconds"] > one["seconds"]
    assert 0 < two["mae"] <= two["alone"]["mae"] * (1 + 1e-6)
    assert two["alone"]["mae"] != pytest.approx(one["mae"], rel=1e-4)
    assert [metric.variant.split(",")[0] for metric in metrics_of([two])][1:] == [
        "CGCNN (Muon)",
        "2 CGCNNs (Muon)",
    ]
    with pytest.raises(InputError, match="leave one of the two out"):
        Config(members=2, rounds=2)


def test_networks_of_an_ensemble_are_scored_alone_and_together(tmp_path):
    rng = np.random.default_rng(0)
    items = [ase.build.bulk("NaCl", "rocksalt", a=a) for a in rng.uniform(5, 6, 90)]
    found = Crystals(items, np.array([len(a) / a.get_volume() for a in items]), [str(k) for k in range(90)])
    config = Config("full", tmp_path, epochs=2, n_train=60)
    row = run_cell(config, "band_gap", CRYSTAL, "random", lambda name: found)
    assert row["members"] == MEMBERS
    assert 0 < row["mae"] <= row["alone"]["mae"] * (1 + 1e-6)
    assert run_cell(config, "band_gap", CRYSTAL, "random", lambda name: None) == row  # read, not run again
    alone, together = metrics_of([row])
    assert (together.value, alone.value) == (row["mae"], row["alone"]["mae"])
    assert together.variant == f"{MEMBERS} crystal networks, random split, 60 training crystals"
    assert alone.variant == "crystal network, random split, 60 training crystals"


def test_gaps_are_of_non_metals():
    try:
        found = crystals("band_gap")
    except DataError as error:
        pytest.skip(str(error))
    assert (found.values > 0).all()
    assert len(found.items) == len(found.families) > TARGETS["band_gap"].train / 2
