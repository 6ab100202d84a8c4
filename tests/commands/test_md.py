"""`mlmat md` and `mlmat relax` from the command line."""

import csv
import json
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.build import bulk

from mlmat.cli import main


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_run_writes_trajectory_log_figures_and_record(capsys):
    ase.io.write("argon.xyz", bulk("Ar", "fcc", a=5.3, cubic=True))
    words = ["--potential", "lennard-jones", "--ensemble", "nve", "--steps", "45", "--interval", "1"]
    assert main(["md", "argon.xyz", *words, "--temperature", "20", "--out", "run"]) == 0
    frames = ase.io.read("run/trajectory.extxyz", ":")
    assert len(frames) == 46
    record = json.loads(Path("run/results.json").read_text())
    values = {metric["name"]: metric["value"] for metric in record["metrics"]}
    assert 2 < values["mean temperature"] < 30
    assert abs(values["drift of conserved energy"]) < 1
    for name in ("energy.png", "distribution.png", "log.csv"):
        assert Path("run", name).stat().st_size > 100
    # A finished run that is resumed has nothing left to do, and the same files.
    before = Path("run/trajectory.extxyz").read_bytes()
    assert main(["md", "--resume", "run"]) == 0
    assert Path("run/trajectory.extxyz").read_bytes() == before


def test_wrong_input_is_one_line_and_makes_no_folder(capsys, tmp_path):
    ase.io.write("copper.xyz", bulk("Cu"))
    assert main(["md", "copper.xyz"]) == 2
    assert "--potential" in capsys.readouterr().err
    assert main(["md", "copper.xyz", "--potential", "stillinger-weber", "--out", "run"]) == 2
    assert "unknown element 'Cu'" in capsys.readouterr().err
    assert main(["md", "none.xyz", "--potential", "emt"]) == 2
    assert "no file none.xyz" in capsys.readouterr().err
    assert main(["md", "copper.xyz", "--potential", "emt", "--time-step", "-1", "--out", "run"]) == 2
    assert "time_step must be a positive number" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_structures_are_relaxed_side_by_side():
    frames = [bulk("Cu", cubic=True), bulk("Au"), bulk("Cu", a=3.7)]
    frames[0].rattle(0.1, seed=0)
    ase.io.write("metals.xyz", frames)
    assert main(["relax", "metals.xyz", "--potential", "emt", "--cell", "--force", "0.001"]) == 0
    relaxed = ase.io.read("metals-relaxed.extxyz", ":")
    rows = list(csv.DictReader(Path("metals-relaxed.csv").read_text().splitlines()))
    assert [row["converged"] for row in rows] == ["yes"] * 3
    assert float(rows[0]["energy (eV)"]) / 4 == pytest.approx(float(rows[2]["energy (eV)"]), abs=1e-4)
    assert np.abs(relaxed[0].get_forces()).max() < 1e-3


def test_options_of_constant_pressure_reach_the_barostat():
    from mlmat.commands.md import _ensemble
    from mlmat.commands.md_options import MdOptions
    from mlmat.simulate.barostat import NPT

    options = MdOptions(ensemble="npt", pressure=2.0, barostat_time=500.0, compressibility=0.1, cell="axes")
    assert _ensemble(options) == NPT(1.0, 300.0, 2.0, 5.0, 500.0, 0.1, "axes")
