import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mlmat.analysis.record import (
    SCHEMA,
    Metric,
    RunRecord,
    load_record,
    package_versions,
    peak_memory,
    save_record,
)
from mlmat.errors import DataError, InputError


def make(**changes):
    values = {
        "system": "test",
        "preset": "quick",
        "command": "mlmat design --seed 3",
        "config": {"hidden": (8, 8), "out": Path("a") / "b", "rate": np.float32(0.5), "nested": {"on": True}},
        "seeds": [3],
        "data": {"small_organics": "00ff"},
        "seconds": {"compile": 1.5, "run": 2},
        "metrics": [
            Metric("gap MAE", np.float64(0.25), "eV", n_test=np.int64(7), paper=0.3, source="Table 2")
        ],
        "device": "1 x cpu",
    }
    return RunRecord(**values | changes)


def altered(tmp_path, change):
    path = tmp_path / "results.json"
    save_record(make(), path)
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


def test_a_record_survives_the_file(tmp_path):
    record = make()
    save_record(record, tmp_path / "results.json")
    loaded = load_record(tmp_path / "results.json")
    assert loaded == record
    assert loaded.config == {"hidden": [8, 8], "out": str(Path("a/b")), "rate": 0.5, "nested": {"on": True}}
    assert loaded.metric("gap MAE").n_test == 7


def test_the_file_has_exactly_the_fields_of_the_schema(tmp_path):
    save_record(make(), tmp_path / "results.json")
    content = json.loads((tmp_path / "results.json").read_text())
    assert set(content) == {
        "schema", "system", "preset", "command", "config", "seeds", "data", "versions", "device", "seconds",
        "peak_memory", "metrics",
    }  # fmt: skip
    assert " ".join(content["metrics"][0]) == (
        "name value unit std dataset split variant n_train n_test n_seeds paper source"
    )


@pytest.mark.parametrize("bad", [math.nan, math.inf, None, "0.3", True])
def test_a_metric_without_a_number_is_refused(bad):
    with pytest.raises(InputError, match=r"'gap MAE'.*value"):
        Metric("gap MAE", bad, "eV")


@pytest.mark.parametrize(
    ("field", "bad"), [("std", math.nan), ("n_test", 2.5), ("dataset", 3), ("paper", "x")]
)
def test_a_metric_checks_its_other_fields(field, bad):
    with pytest.raises(InputError, match=field):
        Metric("gap MAE", 0.2, "eV", **{field: bad})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"config": {"a": {"b": [1.0, math.nan]}}}, r"config\['a'\]\['b'\]\[1\] is nan"),
        ({"config": {"a": object()}}, r"config\['a'\] is a object"),
        ({"seeds": 3}, "seeds must be list"),
        ({"seeds": [0.5]}, r"seeds\[0\] must be int"),
        ({"data": {"qm9": None}}, r"data\['qm9'\] must be str"),
        ({"seconds": {"compile": 1.0}}, "lacks run"),
        ({"seconds": {"run": math.inf, "compile": 1.0}}, "is inf"),
        ({"metrics": [{"name": "x"}]}, "must be Metric"),
        ({"command": None}, "command must be str"),
        ({"schema": SCHEMA + 1}, "schema"),
    ],
)
def test_a_wrong_record_cannot_be_made(changes, message):
    with pytest.raises(InputError, match=message):
        make(**changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("device"), r"lacks \[device\]"),
        (lambda c: c.update(extra=1), r"unknown \[extra\]"),
        (lambda c: c.update(schema=99), "says 99"),
        (lambda c: c.pop("schema"), "says None"),
        (lambda c: c["metrics"][0].pop("unit"), r"metric 1 .*lacks \[unit\]"),
        (lambda c: c["metrics"][0].update(value=None), "value must be float"),
        (lambda c: c.update(metrics={}), "metrics must be a list"),
        (lambda c: c["metrics"].append("x"), "metric 2"),
        (lambda c: c.update(seeds="3"), "seeds must be list"),
    ],
)
def test_an_altered_file_gives_one_clear_error(tmp_path, change, message):
    with pytest.raises(DataError, match=message):
        load_record(altered(tmp_path, change))


@pytest.mark.parametrize("text", ["", "{", "[]", "3"])
def test_a_file_that_is_no_record(tmp_path, text):
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"results\.json"):
        load_record(path)
    with pytest.raises(DataError, match="cannot read"):
        load_record(tmp_path / "missing.json")


def test_an_unknown_metric_names_the_known_ones():
    with pytest.raises(InputError, match="gap MAE"):
        make().metric("no such metric")


def test_versions_and_memory_are_of_this_process():
    assert package_versions()["python"] == ".".join(map(str, sys.version_info[:3]))
    assert package_versions()["numpy"] == np.__version__
    memory = peak_memory()
    assert memory is None or 10e6 < memory < 1e12


def test_reading_records_and_tables_does_not_import_jax():
    modules = "record, design_table, plots, report, drawing"
    code = f"import sys; from mlmat.analysis import {modules}; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
