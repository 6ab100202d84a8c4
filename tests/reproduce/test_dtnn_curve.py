"""The learning-curve experiment: what it makes of finished networks, and one tiny run of it all."""

import json

import numpy as np
import pytest

from experiments.dtnn.data import learned, shown, usable
from experiments.dtnn.run import Config, errors_of, main, n_check, split, untrained
from experiments.dtnn.summary import metrics_of, power_law
from mlmat.data.registry import fetch
from mlmat.errors import DataError, InputError
from mlmat.predictor import predict_items
from mlmat.recipes.task import Task


def test_power_law_is_found():
    sizes = np.array([100, 1_000, 10_000])
    factor, exponent = power_law(sizes, 50.0 * sizes**-0.4)
    np.testing.assert_allclose([factor, exponent], [50.0, 0.4])


def test_extrapolation_is_called_one_and_only_made_of_three_sizes():
    def one(size, cutoff):
        return {
            "cutoff": cutoff, "n_train": size, "n_test": 10, "epochs": 5,
            "errors": {"energy": {"mae": 100.0 * size**-0.5, "std": 0.1, "rmse": 1.0, "unit": "kcal/mol"}},
        }  # fmt: skip

    finished = [one(100, 0.0), one(400, 0.0), one(900, 0.0), one(100, 5.0), one(400, 5.0)]
    found = {(m.name, m.variant.split(";")[0]): m for m in metrics_of(finished, "qm9")}
    extrapolated = [key for key in found if "extrapolated, not measured" in key[0]]
    assert [name for _, name in extrapolated] == ["all pairs, as in the paper"]
    np.testing.assert_allclose(found[extrapolated[0]].value, 100.0 * 100_000**-0.5)
    assert found[extrapolated[0]].paper == 0.84


def test_parts_do_not_overlap_and_training_sets_are_nested():
    config = Config(preset="full", n_test=50)
    small = split(1_000, config, (100,))
    large = split(1_000, config, (100, 400))
    for test, check, train in (small, large):
        assert len(set(test) | set(check) | set(train)) == len(test) + len(check) + len(train)
        assert len(check) == n_check(len(train))
    assert (small[0] == large[0]).all()
    assert (small[2] == large[2][:100]).all()


def test_a_published_split_keeps_its_test_part():
    published = np.arange(300) % 2 == 0
    test, check, train = split(300, Config(preset="full"), (100,), published)
    assert sorted(test) == list(np.flatnonzero(published))
    assert len(set(check) | set(train)) == 150
    assert not published[check].any()
    assert not published[train].any()


def test_frames_stay_below_the_ceiling():
    try:
        fetch("qm22_malonaldehyde", download=False)
    except DataError as error:
        pytest.skip(f"QM-22 is not here: {error}")
    rows, published = usable("qm22_malonaldehyde")
    found = learned("qm22_malonaldehyde", ["energy"], rows, rows)
    assert published is None
    assert 5_000 < len(rows) < 11_145
    assert np.ptp(found.targets) <= 2.0
    assert abs(found.targets.mean()) < 1e-9


def test_a_run_resumes_and_does_not_score_twice(tmp_path):
    try:
        fetch("qm7", download=False)
    except DataError as error:
        pytest.skip(f"QM7 is not here: {error}")
    config = Config(out=tmp_path, dataset="qm7", sizes=(40,), updates=2, cutoffs=(4.0,))
    first = main(config)
    stored = json.loads((tmp_path / "cutoff-40.json").read_text())
    assert stored["epochs"] == 20
    assert first.metric("energy MAE").value == stored["errors"]["energy"]["mae"]
    assert str(tmp_path) not in (tmp_path / "quick.json").read_text()
    before = (tmp_path / "cutoff-40.mlmat").stat().st_mtime_ns
    again = main(config)
    assert (tmp_path / "cutoff-40.mlmat").stat().st_mtime_ns == before
    assert again.metrics == first.metrics


def test_units_of_what_is_learned():
    values, unit = shown("energy", np.array([1.0]))
    assert (values[0], unit) == (pytest.approx(23.0605, abs=1e-3), "kcal/mol")
    assert shown("cv", np.array([0.002])) == (np.array([2.0]), "meV/K")
    assert shown("polarisability", np.array([3.0]))[1] == "Å^3"
    found = errors_of("energy", np.array([0.0, 1.0]), np.array([0.0, 0.0]), 0)
    assert found["mae"] == pytest.approx(23.0605 / 2, abs=1e-3)


def test_several_properties_of_isomers_in_one_network(tmp_path):
    try:
        fetch("c7h10o2", download=False)
    except DataError as error:
        pytest.skip(f"the isomers are not here: {error}")
    rows, train = np.arange(30), np.arange(5, 30)
    data = learned("c7h10o2", ("energy", "zpve"), rows, train)
    assert data.targets.shape == (30, 2)
    assert abs(data.targets[5:, 0].mean()) < 1e-6
    with pytest.raises(InputError, match="no 'gap' to learn"):
        learned("c7h10o2", ("gap",), rows, train)
    task = Task("structure", *data)
    predictor = untrained(task, train, 0.0, Config(dataset="c7h10o2", scaling="elements"))
    found = predict_items(predictor, data.items).mean
    # Isomers: before training, all that counts of atoms can tell is the mean.
    np.testing.assert_allclose(found - data.targets[train].mean(axis=0), 0.0, atol=2e-3)
