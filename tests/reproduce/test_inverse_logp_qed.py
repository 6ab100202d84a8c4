"""The helpers of the experiment on logP, QED and synthetic accessibility; no search is run."""

import numpy as np
import pytest

from experiments.inverse_logp_qed import cells as cells_module
from experiments.inverse_logp_qed.cells import Cell, Design, Result, read_cell, run_cell
from experiments.inverse_logp_qed.figures import draw_curse, draw_hits, draw_qed
from experiments.inverse_logp_qed.run import Config, cells
from experiments.inverse_logp_qed.summary import Truth, all_metrics, base_rate, hit_share
from experiments.inverse_logp_qed.tasks import PYRIDINE, Task, has_pattern, make_tasks
from mlmat.analysis.record import RunRecord
from mlmat.design.searcher import Candidate, Search
from mlmat.oracles.rdkit import describe_smiles
from mlmat.predictor import SHIPPED_RDKIT, load_predictor
from mlmat.pretrained.make_rdkit import PROPERTIES

MEDIANS = {"qed": 0.45, "sa_score": 4.0}
TASKS = {task.name: task for task in make_tasks(MEDIANS)}
SMILES = ["CCCO", "c1ccncc1", "Cc1ccncc1"]


def design(smiles, logp_error=0.1, std=0.05, known=False):
    values = describe_smiles(smiles).values
    exact = tuple(values[name] for name in PROPERTIES)
    return Design(smiles, (exact[0] + logp_error, *exact[1:]), (std,) * 3, exact, known)


def result(*designs):
    return Result(tuple(designs), 10, 100, 2.0, 0.5)


@pytest.fixture
def truth():
    values = np.array([[describe_smiles(s).values[name] for name in PROPERTIES] for s in SMILES])
    mean = values + np.array([0.05, 0.02, 0.1])
    return Truth(SMILES, values, np.array([0, 1]), values, mean, np.full_like(values, 0.1))


def test_every_want_must_be_met():
    values = {"logp": np.array([1.0, 1.05, 1.2]), "sa_score": np.array([3.0, 5.0, 3.0]),
              "qed": np.array([0.5, 0.5, 0.5])}  # fmt: skip
    assert TASKS["several"].hits(values).tolist() == [True, False, False]
    assert TASKS["logp+1"].hits(values).tolist() == [True, True, False]
    assert not TASKS["qed-max"].countable


def test_missing_submissions_are_misses():
    cell = Cell("pyridine", 2000, "gradient", 0, 4)
    inside = [s for s in SMILES if abs(describe_smiles(s).values["logp"] - 1) <= 0.1]
    assert inside == ["c1ccncc1"]
    assert hit_share(cell, result(*map(design, SMILES)), TASKS["pyridine"]) == 0.25
    assert hit_share(cell, result(), TASKS["pyridine"]) == 0


def test_base_rate_is_among_members_that_hold_the_ring(truth):
    assert base_rate(TASKS["logp+1"], truth) == (1, 3)
    assert base_rate(TASKS["pyridine"], truth) == (1, 2)
    assert has_pattern("Cc1ccncc1", PYRIDINE)
    assert not has_pattern("Cc1ccccc1", PYRIDINE)


def test_errors_stand_beside_test_errors(truth):
    results = {Cell("logp+1", 2000, "genetic", 0, 2): result(design("CCCO"), design("c1ccncc1", -0.3))}
    metrics = all_metrics(results, TASKS, truth)
    found = {(m.name, m.variant): m.value for m in metrics}
    of = "logp+1, genetic, 2,000 evaluations"
    assert found["logp: mean absolute error", of] == pytest.approx(0.2)
    assert found["logp: mean absolute error", "test part"] == pytest.approx(0.05)
    assert found["logp: that error over the test error", of] == pytest.approx(4)
    assert found["logp: predicted less exact, mean", of] == pytest.approx(-0.1)
    assert found["logp: median |error/std|", of] == pytest.approx(4)
    assert found["hit share", of] == 0.5
    (share,) = (m for m in metrics if (m.name, m.variant) == ("hit share", of))
    assert 0.2 < share.std < 0.25  # of one of two designs: Wilson's interval is 0.09 to 0.91
    assert found["hits per CPU-second", of] == pytest.approx(1 / 2.5)
    assert found["hit share", "pyridine, random members nobody chose that hold the ring"] == 0.5


def test_qed_of_the_first_three_and_kept_ring(truth):
    rows = [design(s) for s in (*SMILES, "CCO")]
    results = {
        Cell("qed-max", 2000, "random", 0, 4): result(*rows),
        Cell("pyridine", 2000, "random", 0, 4): result(*rows),
        Cell("pyridine", 2000, "gradient", 0, 4): result(),
    }
    metrics = all_metrics(results, TASKS, truth)
    found = {(m.name, m.variant): m.value for m in metrics}
    qed = [row.exact[1] for row in rows]
    of = "qed-max, random, 2,000 evaluations"
    assert found["exact QED, mean", of] == pytest.approx(np.mean(qed))
    assert found["exact QED, best", of] == pytest.approx(max(qed))
    assert found["exact QED, mean of the first 3", of] == pytest.approx(np.mean(qed[:3]))
    assert found["designs that hold the ring", "pyridine, random, 2,000 evaluations"] == 0.5
    assert found["exact QED, mean", "best 128 of the training set"] == pytest.approx(np.mean(qed[:2]))
    assert found["exact QED, best", "training set"] == pytest.approx(max(qed[:2]))
    RunRecord("test", "quick", "", {}, [0], {}, {"run": 1.0}, metrics, {}, "")


def test_order_of_cells_is_small_budgets_first():
    order = cells(Config("full"), tuple(TASKS.values()))
    assert len(order) == 6 * 4 * 3 * 4
    assert [cell.budget for cell in order] == sorted(cell.budget for cell in order)
    assert len({cell.name for cell in order}) == len(order)
    assert len(cells(Config(tasks=("logp+1",)), tuple(TASKS.values()))) == 4


def test_a_cell_is_run_once(tmp_path, monkeypatch):
    calls = []

    def search(problem, predictor, objective, budget, seed, *, allowed, state_file):
        calls.append(allowed)
        state_file.write_text("")
        pool = [Candidate(s, 0, (), (1.0, 0.5, 2.0), (0.1, 0.1, 0.1), 0.0) for s in SMILES]
        return Search(pool, 9, None, {}, problem.members)

    monkeypatch.setattr(cells_module, "get_searcher", lambda name: search)
    predictor = load_predictor(SHIPPED_RDKIT)
    cell = Cell("pyridine", 2000, "genetic", 1, 2)
    first = run_cell(cell, TASKS["pyridine"], predictor, {"CCCO"}, tmp_path)
    again = run_cell(cell, TASKS["pyridine"], predictor, {"CCCO"}, tmp_path)
    assert first == again == read_cell(tmp_path / f"{cell.name}.json")
    assert len(calls) == 1
    assert calls[0]("Cc1ccncc1")
    assert not calls[0]("CCCO")
    assert [d.known for d in first.designs] == [True, False]
    assert first.spent == 9
    assert first.designs[0].exact[0] == pytest.approx(describe_smiles("CCCO").values["logp"])
    assert not list(tmp_path.glob("*.state*"))


def test_figures_are_drawn_from_any_part_of_the_run(truth, tmp_path):
    some = {
        Cell(name, 2000, searcher, seed, 4): result(*map(design, SMILES))
        for name in ("logp+1", "qed-max")
        for searcher in ("gradient", "random")
        for seed in (0, 1)
    }
    some[Cell("logp+1", 10_000, "gradient", 0, 4)] = result()
    draw_hits(some, TASKS, truth, tmp_path / "hits.png")
    draw_qed(some, truth, tmp_path / "qed.png")
    draw_curse(some, TASKS, truth, tmp_path / "curse.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["curse.png", "hits.png", "qed.png"]


def test_no_task_is_unbounded_in_size():
    assert all(isinstance(task, Task) for task in TASKS.values())
    extremes = [want.name for task in TASKS.values() for want in task.parsed if want.extreme]
    assert extremes == ["qed"]
