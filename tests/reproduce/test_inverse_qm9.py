"""DIDgen's case: misses are counted, the judge is calibrated, finished verdicts are kept."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from experiments.inverse_qm9 import dft
from experiments.inverse_qm9.run import Config, cell_metrics
from mlmat.oracles.verdict import OK, Verdict


def test_what_fails_or_is_not_submitted_is_a_miss():
    cell = {
        "target": 4.0,
        "searcher": "gradient",
        "seconds": 6.0,
        "found": 3,
        "smiles": ["CCO", "CCN", "CCC"],
        "predicted": [4.1, 4.0, 3.9],
        "verdicts": [4.4, 5.0, None],
    }
    found = {metric.name: metric.value for metric in cell_metrics("low", cell, 10)}
    assert found["hit share"] == pytest.approx(0.1)
    assert found["error on designs (MAE)"] == pytest.approx((0.3 + 1.0) / 2)
    assert found["processor time for a molecule"] == pytest.approx(2.0)


def test_verdicts_are_kept_and_the_judge_is_compared_with_the_data(tmp_path, monkeypatch):
    asked = []

    def judge(oracle, tasks, **options):
        asked.extend(tasks)
        for index, task in enumerate(tasks):
            yield index, Verdict(OK, {"b3lyp_gap": float(len(task)), "gap": 1.0}, 2.0)

    monkeypatch.setattr(dft, "judge", judge)
    file = tmp_path / "verdicts.jsonl"
    file.write_text(json.dumps({"smiles": "CCC", **asdict(Verdict("changed bonding"))}) + "\n")
    shifts = dft.calibrate(["CCO", "CCC", "CCNC"], np.array([2.5, 9.0, 4.5]), file)
    np.testing.assert_allclose(shifts, [0.5, -0.5])
    assert asked == ["CCO", "CCNC"]
    again = dft.judged(["CCNC", "CCO"], file)
    assert [verdict.values["b3lyp_gap"] for verdict in again] == [4.0, 3.0]
    assert asked == ["CCO", "CCNC"]


def test_sizes_come_from_the_preset_unless_given():
    assert Config(preset="full").number("designs") > Config().number("designs")
    assert Config(preset="full", designs=3).number("designs") == 3
