"""`mlmat train` and `mlmat predict` as a user runs them: files, scores, resume, errors."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import ase.io
import numpy as np
import pytest
from ase.build import molecule
from rdkit import Chem
from rdkit.Chem.Descriptors import MolMR

from mlmat.analysis.record import load_record
from mlmat.cli import main
from mlmat.data import small_organics
from mlmat.predictor import load_predictor, predict_items, read_header
from mlmat.recipes.tune import SPACE, OneOf

FAST = ["--preset", "quick", "--epochs", "4", "--features", "16", "--layers", "2"]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    texts = small_organics.load()["smiles"].tolist()[::50]
    path = tmp_path_factory.mktemp("data") / "mr.csv"
    with path.open("w") as stream:
        stream.write("name,smiles,MR,family,big\n")
        for k, text in enumerate(texts):
            value = MolMR(Chem.MolFromSmiles(text))
            stream.write(f"m{k},{text},{value:.3f},{k % 7},{'yes' if value > 25 else 'no'}\n")
        stream.write("bad,C(C,1.0,0,no\nempty,CC,,0,no\n")
    return path


@pytest.fixture(scope="module")
def finished(table, tmp_path_factory):
    out = tmp_path_factory.mktemp("train") / "run"
    assert main(["train", str(table), "--target", "MR", "--unit", "1", *FAST, "--out", str(out)]) == 0
    return out


def test_every_result_is_there_and_agrees(finished):
    for name in ("parity.png", "residuals.png", "learning_curve.png", "reliability.png", "report.html"):
        assert (finished / name).stat().st_size > 5000, name
    rows = list(csv.DictReader((finished / "predictions.csv").open()))
    errors = [abs(float(row["MR observed"]) - float(row["MR predicted"])) for row in rows]
    record = load_record(finished / "results.json")
    score = record.metric("MR MAE", "model")
    assert score.value == pytest.approx(np.mean(errors), rel=1e-3)
    assert score.n_test == len(rows)
    assert {m.variant for m in record.metrics if m.name == "MR MAE"} >= {
        "model", "mean", "nearest neighbour", "kernel ridge",
    }  # fmt: skip
    assert score.value < record.metric("MR MAE", "mean").value
    skipped = json.loads((finished / "skipped.json").read_text())
    assert ["bad SMILES" in skip["reason"] for skip in skipped] == [True, False]
    assert "no value of MR" in skipped[1]["reason"]
    assert read_header(finished / "predictor.mlmat")["notes"]["test"]["MR MAE"] == score.value


def test_its_predictor_predicts_new_files(finished, tmp_path, capsys):
    (tmp_path / "new.csv").write_text("id,SMILES\na,CCO\nb,oops(\nc,c1ccccc1\nd,C[Pt]\n")
    out = tmp_path / "answers.csv"
    words = ["predict", str(tmp_path / "new.csv"), "--predictor", str(finished / "predictor.mlmat")]
    assert main([*words, "--out", str(out)]) == 0
    rows = list(csv.DictReader(out.open()))
    assert [row["id"] for row in rows] == ["a", "b", "c", "d"]
    assert [row["status"] == "ok" for row in rows] == [True, False, True, False]
    assert "Pt" in rows[3]["status"]
    predictor = load_predictor(finished / "predictor.mlmat")
    graph = predictor.encoder("CCO")
    assert graph.n_node[0] == 3
    assert float(rows[0]["MR"]) < float(rows[2]["MR"])  # benzene is more polarisable than ethanol
    assert main([*words, "--out", "-"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("line,id,input,MR")


def test_resuming_a_finished_run_trains_nothing_again(finished, capsys):
    before = (finished / "predictions.csv").read_text()
    assert main(["train", "--resume", str(finished)]) == 0
    assert (finished / "predictions.csv").read_text() == before
    assert "training" not in capsys.readouterr().out.split("Test part")[0].split("to test")[-1]


def test_an_interrupted_run_goes_on(table, finished, tmp_path):
    out = tmp_path / "run"
    words = ["train", str(table), "--target", "MR", "--unit", "1", *FAST, "--out", str(out)]
    words[words.index("--epochs") + 1] = "400"
    # A test run that was started in the background ignores Ctrl-C, and its children would, too.
    process = subprocess.Popen(
        [sys.executable, "-m", "mlmat.cli", *words],
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 240
    state = out / "seed-0.state"
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(60) == 130
    assert state.exists()
    options = json.loads((out / "options.json").read_text())
    assert options["epochs"] == 400
    done = len((out / "seed-0.log.jsonl").read_text().splitlines())
    assert 0 < done < 400
    assert main(["train", "--resume", str(out)]) == 0
    assert len((out / "seed-0.log.jsonl").read_text().splitlines()) == 400


def test_seeds_and_groups_report_the_spread(table, tmp_path):
    words = ["train", str(table), "--target", "MR", "--unit", "1", *FAST, "--split", "group:family"]
    assert main([*words, "--seeds", "2", "--out", str(tmp_path / "out")]) == 0
    record = load_record(tmp_path / "out" / "results.json")
    over = next(m for m in record.metrics if m.name == "MR MAE" and m.variant == "model")
    each = [m.value for m in record.metrics if m.name == "MR MAE" and m.variant.startswith("model, seed")]
    assert over.n_seeds == 2
    assert over.value == pytest.approx(np.mean(each))
    assert over.std == pytest.approx(np.std(each, ddof=1))


def test_classes_and_folds(table, tmp_path):
    words = ["train", str(table), "--target", "big", "--task", "classification", "--split", "kfold:3"]
    slower = ["20" if word == "4" else word for word in FAST]
    assert main([*words, *slower, "--out", str(tmp_path / "out")]) == 0
    rows = list(csv.DictReader((tmp_path / "out" / "predictions.csv").open()))
    assert len(rows) == len({row["id"] for row in rows})  # every item is tested exactly once
    assert (tmp_path / "out" / "confusion.png").exists()
    record = load_record(tmp_path / "out" / "results.json")
    rates = {m.variant: m.value for m in record.metrics if m.name == "big error rate"}
    assert rates["model"] < rates["majority class"]


def test_structures_with_energies_and_forces(tmp_path):
    from ase.calculators.emt import EMT

    random, frames = np.random.default_rng(0), []
    for _ in range(40):
        atoms = molecule("CH3CH2OH")
        atoms.rattle(0.08, rng=random)
        atoms.calc = EMT()
        frames.append(atoms)
        atoms.get_forces()
    ase.io.write(tmp_path / "frames.extxyz", frames)
    words = ["train", str(tmp_path / "frames.extxyz"), "--target", "energy", "--target", "forces"]
    words += ["--unit", "eV", "--unit", "eV/Å", *FAST, "--out", str(tmp_path / "out")]
    assert main(words) == 0
    answers = tmp_path / "answers.csv"
    predictor = str(tmp_path / "out" / "predictor.mlmat")
    words = ["predict", str(tmp_path / "frames.extxyz"), "--predictor", predictor, "--out", str(answers)]
    assert main([*words, "--forces"]) == 0
    rows = list(csv.DictReader(answers.open()))
    assert len(rows) == 40
    assert {row["status"] for row in rows} == {"ok"}
    record = load_record(tmp_path / "out" / "results.json")
    error = {m.variant: m for m in record.metrics if m.name == "forces MAE"}
    assert set(error) == {"model", "no force"}
    assert error["model"].unit == "eV/Å"
    assert error["model"].value < error["no force"].value
    assert (tmp_path / "out" / "forces.png").exists()
    written = ase.io.read(answers.with_suffix(".extxyz"), ":")
    assert len(written) == 40
    check_gradient(load_predictor(predictor), written[7])


def check_gradient(predictor, atoms):
    """Written forces against finite differences of the predicted energy along a random direction."""
    direction = np.random.default_rng(1).normal(size=(len(atoms), 3))
    moved = [atoms.copy(), atoms.copy()]
    for sign, one in zip((-1, 1), moved, strict=True):
        one.positions += sign * 0.001 * direction
    low, high = predict_items(predictor, moved).mean[:, 0]
    slope = -(atoms.get_forces() * direction).sum()
    np.testing.assert_allclose((high - low) / 0.002, slope, rtol=0.02, atol=0.02)


def test_nested_search_chooses_for_every_fold_by_itself(table, tmp_path, monkeypatch):
    monkeypatch.setitem(SPACE, "features", OneOf((16,)))
    monkeypatch.setitem(SPACE, "layers", OneOf((2,)))
    words = ["train", str(table), "--target", "MR", "--unit", "1", "--preset", "quick", "--epochs", "2"]
    assert main([*words, "--split", "kfold:2", "--search", "2", "--out", str(tmp_path / "out")]) == 0
    logs = [(tmp_path / "out" / f"fold-{k}.search.jsonl").read_text().splitlines() for k in (1, 2)]
    first, second = ([json.loads(line) for line in log] for log in logs)
    assert [row["config"] for row in first[:2]] == [row["config"] for row in second[:2]]
    assert [row["score"] for row in first] != [row["score"] for row in second]  # other training rows
    rows = list(csv.DictReader((tmp_path / "out" / "predictions.csv").open()))
    assert {row["training"] for row in rows} == {"fold 1", "fold 2"}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "name the file"),
        (["FILE"], "--target"),
        (["FILE", "--target", "MR"], "--unit"),
        (["FILE", "--target", "MRR", "--unit", "1"], "MR"),
        (["nowhere.csv", "--target", "MR", "--unit", "1"], "nowhere.csv"),
        (["FILE", "--target", "MR", "--unit", "1", "--model", "schnet"], "takes structure"),
        (["FILE", "--target", "MR", "--unit", "1", "--split", "group:colour"], "colour"),
        (["FILE", "--target", "MR", "--unit", "1", "--split", "sideways"], "unknown split"),
        (["FILE", "--target", "MR", "--unit", "1", "--fractions", "0.5", "0.1", "0.1"], "add up to 1"),
        (["FILE", "--target", "MR", "--unit", "1", "--freeze", "Embed"], "--init"),
        (["FILE", "--target", "MR", "--unit", "1", "--init", "nowhere.mlmat"], "cannot read the predictor"),
        (["--resume", "nowhere"], "holds no interrupted mlmat train"),
    ],
)
def test_mistakes_get_one_clear_error(table, tmp_path, capsys, words, reason):
    words = [str(table) if word == "FILE" else word for word in words]
    out = [] if "--resume" in words else ["--out", str(tmp_path / "out")]
    assert main(["train", *words, *out]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
