"""The user's own oracle: found, checked, and run where it can do no harm."""

import math

import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.oracles.user import load_oracle, verify_with

MODULE = """
import time

def length(smiles):
    return len(smiles)

def many(smiles, scale=2.0):
    return {"gap": scale * len(smiles), "dipole": 1}

def moody(smiles):
    if smiles == "raise":
        raise ValueError("no such molecule")
    if smiles == "sleep":
        time.sleep(60)
    return {"nan": float("nan"), "text": "3.2", "empty": {}, "none": None}.get(smiles, 1.5)

def two(smiles, temperature):
    return 0.0

number = 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "lab_of_tests.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_number_gets_the_name_of_the_property(folder):
    verdict = load_oracle("lab_of_tests:length", name="gap")("CCO")
    assert verdict.ok
    assert verdict.values == {"gap": 3.0}


def test_a_dictionary_keeps_its_names_and_defaults_are_fine(folder):
    assert load_oracle("lab_of_tests:many")("CC").values == {"gap": 4.0, "dipole": 1.0}


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("lab_of_tests", "MODULE:FUNCTION"),
        ("lab_of_tests.py:length", "MODULE:FUNCTION"),
        ("lab_of_tests:", "MODULE:FUNCTION"),
        ("no_such_lab:length", "cannot be imported"),
        ("lab_of_tests:width", "has no 'width'"),
        ("lab_of_tests:number", "not a function"),
        ("lab_of_tests:two", "missing a required argument: 'temperature'"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(folder, reference, message):
    with pytest.raises(InputError, match=message):
        load_oracle(reference)


def test_failures_in_workers_are_verdicts_with_reasons(folder):
    tasks = ["C", "raise", "nan", "text", "empty", "none", "sleep"]
    oracle = load_oracle("lab_of_tests:moody", name="gap")
    verdicts = dict(verify_with(oracle, tasks, workers=2, time_limit=4))
    statuses = [verdicts[i].status for i in range(len(tasks))]
    assert verdicts[0].values == {"gap": 1.5}
    assert statuses[1] == "error: ValueError: no such molecule"
    assert statuses[2] == "not finite: gap = nan"
    assert statuses[3].startswith("bad result")
    assert statuses[4].startswith("bad result")
    assert statuses[5].startswith("bad result")
    assert statuses[6] == "timeout"


def test_numbers_of_numpy_are_numbers():
    from mlmat.oracles.user import _read

    assert _read(np.float32(2.0), "gap") == ("ok", {"gap": 2.0})
    assert not math.isnan(_read({"gap": np.int64(2)}, "")[1]["gap"])
    assert _read(True, "gap")[0].startswith("bad result")
