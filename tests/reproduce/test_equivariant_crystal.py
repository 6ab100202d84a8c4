"""The experiment of the equivariant network on crystals: its cells, settings and record."""

from experiments.cgcnn import cells as cgcnn
from experiments.equivariant_crystal.run import EQUIVARIANT, MODELS, Config, cells, metrics_of, settings


def test_cells_come_cheap_first_and_cover_what_is_compared():
    found = cells(Config(preset="full"))
    assert found[0][:2] == ("log_bulk_modulus", 500)
    assert found[-1][:2] == ("formation_energy", None)
    assert {model for *_, model in found} == set(MODELS)
    assert len(found) == len(set(found)) == 6 * 2 * 4
    assert cells(Config()) == [("log_bulk_modulus", 200, "random", model) for model in MODELS]


def test_only_the_equivariant_network_has_settings_of_its_own():
    options = cgcnn.Config(preset="full", epochs=7)
    ours = settings(options, "log_bulk_modulus", EQUIVARIANT, 500)
    assert (ours.model, ours.training.epochs) == ("equivariant", 7)
    theirs = settings(options, "log_bulk_modulus", "CGCNN", 500)
    assert theirs == cgcnn.settings(cgcnn.Config(preset="full"), "log_bulk_modulus", "CGCNN", 500)


def test_metrics_name_their_networks():
    row = {"name": "log_bulk_modulus", "split": "random", "n_train": 200, "n_test": 50}
    row |= {"mae": 0.1, "std": 0.01, "mean": 0.3}
    metrics = metrics_of([{**row, "model": EQUIVARIANT}, {**row, "model": "CGCNN", "mae": 0.2}])
    assert [m.value for m in metrics] == [0.1, 0.3, 0.2]
    assert metrics[0].variant.startswith("equivariant, random split, 200")
    assert all(metric.paper is None for metric in metrics)
