"""`mlmat design` as a user runs it: results, errors, interruption, resume."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from rdkit import Chem
from rdkit.Chem.Crippen import MolLogP
from rich.console import Console

from mlmat.analysis.design_table import DesignRow, PropertyVerdict
from mlmat.analysis.record import load_record
from mlmat.cli import main
from mlmat.commands.design_closing import first_designs, unpredicted
from mlmat.design.objective import Objective
from mlmat.design.wants import parse_wants

SMALL = ["--designs", "4", "--budget", "1300", "--workers", "1", "--want", "gap=4.0"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    out = tmp_path_factory.mktemp("design") / "run"
    assert main(["design", *SMALL, "--out", str(out)]) == 0
    return out


def test_every_result_file_is_there_and_agrees(finished):
    rows = list(csv.DictReader((finished / "designs.csv").open()))
    assert len(rows) >= 3
    assert list(rows[0]) == [
        "rank",
        "start",
        "method",
        "smiles",
        "status",
        "hit",
        "gap_relaxed",
        "gap_predicted",
        "gap_std",
        "gap_verified",
        "gap_error",
        "in_training",
        "nearest_tanimoto",
        "seconds",
        "logp",
        "qed",
        "sa_score",
    ]
    for row in rows:
        if row["status"] == "ok":
            error = float(row["gap_predicted"]) - float(row["gap_verified"])
            assert float(row["gap_error"]) == pytest.approx(error, abs=2e-4)
    record = load_record(finished / "results.json")
    hits = sum(row["status"] == "ok" and 3.7 <= float(row["gap_verified"]) <= 4.3 for row in rows)
    assert record.metric("hit share").value == pytest.approx(hits / 4)
    assert hits == sum(row["hit"] == "True" for row in rows)
    structures = list(Chem.SDMolSupplier(str(finished / "structures.sdf"), removeHs=False))
    assert len(structures) == sum(row["status"] == "ok" for row in rows)
    for name in ("molecules.png", "descent.png", "parity.png", "report.html"):
        assert (finished / name).stat().st_size > 5000


def test_the_report_stands_alone(finished):
    page = (finished / "report.html").read_text()
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert "not an optical gap" in page


def test_resuming_a_finished_run_changes_nothing(finished):
    before = (finished / "designs.csv").read_text()
    assert main(["design", "--resume", str(finished)]) == 0
    assert (finished / "designs.csv").read_text() == before


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_a_killed_or_interrupted_run_goes_on(tmp_path, sign, code):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "mlmat.cli", "design"]
    # A test run that was started in the background ignores Ctrl-C, and its children would, too.
    process = subprocess.Popen(
        # Enough verdicts that a busy machine cannot finish them before the signal comes.
        [*command, "--designs", "16", *SMALL[2:], "--out", str(out)],
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 240
    while not (out / "search-hybrid.gradient").exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    os.kill(process.pid, sign)
    assert process.wait(60) == code
    assert (out / "search-hybrid.gradient").exists()
    assert not (out / "designs.csv").exists()
    assert main(["design", "--resume", str(out)]) == 0
    assert len(list(csv.DictReader((out / "designs.csv").open()))) >= 3


def test_several_wants_constraints_and_baselines(tmp_path):
    words = ["--want", "logp=1..2", "--want", "qed=max", "--elements", "C,N,O", "--rings", "none"]
    words += ["--designs", "4", "--budget", "1300", "--workers", "1", "--compare", "--pareto"]
    assert main(["design", *words, "--out", str(tmp_path / "run")]) == 0
    rows = list(csv.DictReader((tmp_path / "run" / "designs.csv").open()))
    assert {row["method"] for row in rows} == {"hybrid", "genetic", "random"}
    for row in rows:
        molecule = Chem.MolFromSmiles(row["smiles"])
        assert not molecule.GetRingInfo().NumRings()
        assert {atom.GetSymbol() for atom in molecule.GetAtoms()} <= set("CNO")
        assert (row["hit"] == "True") == (1 <= float(row["logp_verified"]) <= 2)
        assert float(row["logp_verified"]) == pytest.approx(MolLogP(molecule), abs=1e-3)
    assert (tmp_path / "run" / "comparison.png").stat().st_size > 5000
    record = load_record(tmp_path / "run" / "results.json")
    assert {m.variant for m in record.metrics if m.name == "hit share"} == {"hybrid", "genetic", "random"}


def test_ranges_are_met_before_the_least_of_something(tmp_path):
    words = ["--want", "qed=0.4..0.5", "--want", "logp=1..2", "--want", "sa_score=min", "--method", "random"]
    words += ["--designs", "16", "--budget", "1300", "--workers", "1", "--out", str(tmp_path / "run")]
    assert main(["design", *words]) == 0
    rows = list(csv.DictReader((tmp_path / "run" / "designs.csv").open()))
    # 13 when this was written; 4 where the least of the SA score counts as much as the ranges.
    assert sum(row["hit"] == "True" for row in rows) >= 10
    # Easy molecules all the same: training molecules have 3.6 in the mean.
    assert sum(float(row["sa_score_verified"]) for row in rows) / len(rows) < 2.8


def test_the_closing_table_shows_every_molecule_in_a_narrow_terminal():
    verdict = PropertyVerdict(None, 11.38, 0.12, 10.91)
    judged = dict.fromkeys(("gap", "logp", "sa_score"), verdict)
    row = DesignRow(1, 0, "hybrid", "CC(=O)Nc1ccccc1", "ok", False, judged, None, None, 1.0)
    terminal = Console(width=80, file=io.StringIO())
    terminal.print(first_designs([row], {"gap": "eV", "logp": "1", "sa_score": "1"}))
    shown = terminal.file.getvalue()
    assert "CC(=O)Nc1ccccc" in shown
    assert shown.count("11.38 → 10.91") == 3
    assert "miss" in shown


def test_what_cannot_be_had_is_said():
    def designs(*gaps):
        return [
            DesignRow(
                1,
                0,
                "hybrid",
                "C",
                "ok",
                None,
                {"gap": PropertyVerdict(None, gap, 0.1, None)},
                None,
                None,
                1.0,
            )
            for gap in gaps
        ]

    wanted = Objective(parse_wants(["gap=5"]))
    assert "gap from 3.66 to 4.17" in unpredicted(wanted, designs(4.17, 3.66))
    assert unpredicted(wanted, designs(4.17, 4.71)) == ""
    assert unpredicted(wanted, []) == ""
    assert unpredicted(Objective(parse_wants(["gap=max"])), designs(4.17)) == ""


def test_your_own_oracle_judges(tmp_path, monkeypatch):
    (tmp_path / "my_lab.py").write_text(
        "def measure(smiles):\n"
        "    if 'N' in smiles:\n"
        "        raise ValueError('no nitrogen here')\n"
        "    return len(smiles)\n"
    )
    monkeypatch.chdir(tmp_path)
    words = [
        "--want",
        "logp=1..2",
        "--method",
        "random",
        "--budget",
        "300",
        "--designs",
        "20",
        "--workers",
        "1",
    ]
    assert main(["design", *words, "--oracle", "my_lab:measure", "--out", "run"]) == 0
    rows = list(csv.DictReader((tmp_path / "run" / "designs.csv").open()))
    assert {row["status"] for row in rows} == {"ok", "error: ValueError: no nitrogen here"}
    assert all(float(row["logp_verified"]) == len(row["smiles"]) for row in rows if row["status"] == "ok")


@pytest.fixture
def own_table(tmp_path, monkeypatch):
    """Words that train on a table; a shallow network, since it is the way that is tested, not the result."""
    from mlmat.data import small_organics
    from mlmat.pretrained import make

    monkeypatch.setattr(make, "train_ensemble", partial(make.train_ensemble, layers=1))
    data = small_organics.load()
    lines = [f"{s},{g:.3f}" for s, g in zip(data["smiles"][::60], data["gap"][::60], strict=True)]
    words = _table(tmp_path, "smiles,gap\n" + "\n".join(lines))
    return [*SMALL, *words, "--epochs", "2", "--method", "random"]


def test_training_on_your_own_table_comes_first_if_asked(own_table, tmp_path):
    out = tmp_path / "run"
    assert main(["design", *own_table, "--out", str(out)]) in (0, 3)
    assert (out / "trained.mlmat").exists()
    assert (out / "designs.csv").exists()


def test_a_campaign_retrains_between_its_rounds(own_table, tmp_path):
    from mlmat.predictor import load_predictor, predict_smiles

    out = tmp_path / "run"
    assert main(["design", *own_table, "--rounds", "2", "--out", str(out)]) in (0, 3)
    rows = list(csv.DictReader((out / "designs.csv").open()))
    rounds = {row["method"]: {r["smiles"] for r in rows if r["method"] == row["method"]} for row in rows}
    assert set(rounds) == {"round 1", "round 2"}
    assert not rounds["round 1"] & rounds["round 2"]
    first, second = (load_predictor(out / name) for name in ("trained.mlmat", "round-2/predictor.mlmat"))
    assert (predict_smiles(first, ["CCO"]).mean != predict_smiles(second, ["CCO"]).mean).all()
    assert (out / "campaign.png").stat().st_size > 5000


def _table(folder: Path, text: str) -> list[str]:
    path = folder / "table.csv"
    path.write_text(text)
    return ["--data", str(path)]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("smiles,gap\n", "is empty"),
        ("", "is empty"),
        ("smiles,gap\nCC,nan\n", "line 2: gap is 'nan'"),
        ("smiles,gap\nCC,9\nC[Si]C,8\n", "line 3: unknown element 'Si'"),
        ("smiles,gap\nC(C,9\n", "line 2: bad SMILES"),
        ("smiles,energy\nCC,9\n", "no column 'gap'"),
    ],
)
def test_bad_tables_get_one_clear_error(tmp_path, capsys, content, reason):
    assert main(["design", "--out", str(tmp_path / "out"), *_table(tmp_path, content)]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--want", "gap=5..4"], "low end above"),
        (["--want", "gap=-1"], "negative"),
        (["--want", "gap=nan"], "finite"),
        (["--want", "gap=40"], "outside the training data"),
        (["--want", "smell=1"], "knows gap"),
        (["--designs", "0"], "at least 1"),
        (["--budget", "10"], "too small"),
        (["--want", "gap=4", "--want", "gap=5"], "wanted twice"),
        (["--want", "gap=4", "--pareto"], "several wants"),
        (["--want", "dipole=2"], "knows gap"),
        (["--want", "similarity=1"], "--start"),
        (["--keep", "C1CC"], "C1CC"),
        (["--rings", "big"], "ring sizes"),
        (["--oracle", "nothing"], "MODULE:FUNCTION"),
        (["--want", "logp=1", "--second-opinion", "3"], "gap"),
        (["--predictor", "nowhere.mlmat"], "cannot read the predictor"),
        (["--resume", "nowhere"], "holds no interrupted mlmat design"),
        (["--out", "/proc/nowhere"], "cannot make the output folder"),
    ],
)
def test_bad_options_get_one_clear_error(tmp_path, capsys, words, reason):
    out = [] if "--out" in words or "--resume" in words else ["--out", str(tmp_path / "out")]
    assert main(["design", *words, *out]) == 2
    assert reason in capsys.readouterr().err


def test_a_corrupted_predictor_is_refused(tmp_path, capsys):
    from mlmat.predictor import SHIPPED

    bad = tmp_path / "bad.mlmat"
    bad.write_bytes(SHIPPED.read_bytes()[:-1])
    assert main(["design", "--predictor", str(bad), "--out", str(tmp_path / "out")]) == 2
    assert "truncated or altered" in capsys.readouterr().err


def test_another_run_is_not_overwritten(finished, capsys):
    assert main(["design", *SMALL, "--out", str(finished)]) == 2
    assert "--resume" in capsys.readouterr().err


def test_options_are_kept_for_the_resume(finished):
    assert json.loads((finished / "options.json").read_text())["budget"] == 1300
