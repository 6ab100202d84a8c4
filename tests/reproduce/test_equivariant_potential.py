"""The experiment's quick path on a small network, and the record of several elements."""

import os
from dataclasses import replace

import pytest

from experiments.equivariant_potential.run import Config, main
from experiments.equivariant_potential.summary import merged
from mlmat.analysis.record import Metric, RunRecord, load_record

needs_data = pytest.mark.skipif("MLMAT_DATA" not in os.environ, reason="MLMAT_DATA names no data folder")


def record(element, value):
    variant = f"{element}, 2 layers"
    return RunRecord(
        system="Equivariant potential",
        preset="full",
        command="x",
        config={"element": element},
        seeds=[0],
        data={element: "0"},
        seconds={"run": 1.0, "training": 2.0},
        metrics=[
            Metric("forces MAE", value, "eV/Å", variant=variant),
            Metric("forces MAE", value, "eV/Å", variant=f"{variant}; Elastic"),
        ],
        versions={"jax": "0"},
        device="cpu",
    )


def test_records_of_elements_become_one():
    both = merged({"Si": record("Si", 0.1), "Ge": record("Ge", 0.2)}, "full")
    assert [m.value for m in both.metrics] == [0.1, 0.1, 0.2, 0.2]
    assert [m.paper for m in both.metrics] == [0.069, None, 0.098, None]
    assert both.seconds == {"run": 2.0, "training Si": 2.0, "training Ge": 2.0}
    assert set(both.data) == {"Si", "Ge"}


@needs_data
@pytest.mark.slow
def test_a_tiny_network_runs_from_training_to_record(tmp_path):
    config = Config(out=tmp_path, epochs=1, features=4, order=1, cutoff=3.0, batch=16)
    found = main(config)
    assert load_record(tmp_path / "Si-quick.json") == found
    assert found.metric("forces MAE").n_test == 25
    groups = {m.variant.split("; ")[1] for m in found.metrics if ";" in m.variant}
    assert groups == {"AIMD-NVT", "Elastic", "Surface", "Vacancy"}
    assert {m.name.split(" M")[0] for m in found.metrics} >= {"energy per atom", "forces", "stress"}
    assert main(replace(config, score=False)) is None  # nothing is trained again, nothing scored
