"""`mlmat learn` from the command line: real worker processes, a user's oracle, interrupted and resumed."""

import json
from pathlib import Path

import ase.io
import pytest
from ase.calculators.emt import EMT
from ase.cluster import Octahedron

from mlmat.cli import main

TINY = ("--rounds", "1", "--labels", "4", "--epochs", "2", "--cutoff", "3.5", "--workers", "1",
        "--least", "0", "--furthest", "99", "--frames", "4", "--interval", "1")  # fmt: skip


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ase.io.write("particle.xyz", Octahedron("Cu", 2))
    Path("own_engine.py").write_text(
        "from ase.calculators.emt import EMT\n\n\ndef label(atoms):\n    return EMT()\n"
    )


def labelled(path, count):
    frames = []
    for seed in range(count):
        atoms = Octahedron("Cu", 2)
        atoms.rattle(0.1, seed=seed)
        atoms.calc = EMT()
        atoms.get_forces()
        frames.append(atoms)
    ase.io.write(path, frames, format="extxyz")


def test_a_run_ends_with_a_predictor_that_is_a_potential(capsys):
    labelled("known.extxyz", 4)
    labelled("test.extxyz", 2)
    words = ["--oracle", "own_engine:label", "--known", "known.extxyz", "--test", "test.extxyz", *TINY]
    assert main(["learn", "particle.xyz", *words, "--out", "run"]) == 0
    record = json.loads(Path("run/results.json").read_text())
    values = {(one["variant"], one["name"]): one["value"] for one in record["metrics"]}
    assert values["round 1", "force MAE on what was submitted"] > 0
    assert values["end", "force MAE"] > 0
    assert {one["n_train"] for one in record["metrics"] if one["variant"] == "end"} == {
        4 + values["round 1", "labels"]
    }
    assert len(ase.io.read("run/labels.extxyz", ":")) == 4 + values["round 1", "labels"]
    assert Path("run/campaign.png").stat().st_size > 1000
    text = Path("run/results.json").read_text()
    assert str(Path.cwd()) not in text
    # A finished run that is resumed has nothing left to do.
    before = Path("run/predictor.mlmat").read_bytes()
    assert main(["learn", "--resume", "run"]) == 0
    assert Path("run/predictor.mlmat").read_bytes() == before
    words = ["--potential", "run/predictor.mlmat", "--steps", "2", "--interval", "1", "--out", "md"]
    assert main(["md", "particle.xyz", *words, "--time-step", "0.1"]) == 0


def test_wrong_input_is_one_line_and_makes_no_folder(capsys):
    cases = {
        ("particle.xyz",): "--oracle",
        ("particle.xyz", "--oracle", "dft"): "MODULE:FUNCTION",
        ("none.xyz", "--oracle", "emt"): "no file none.xyz",
        ("particle.xyz", "--oracle", "emt", "--known", "particle.xyz"): "no energy and forces",
        ("particle.xyz", "--oracle", "emt", "--labels", "1"): "labels",
    }
    for words, message in cases.items():
        assert main(["learn", *words, "--out", "run"]) == 2
        assert message in capsys.readouterr().err
    assert not Path("run").exists()
