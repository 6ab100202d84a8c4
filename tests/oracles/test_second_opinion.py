"""The second opinion: whom it asks, that it goes on where it stopped, and its interval."""

import json
import math

import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.oracles import second_opinion as module
from mlmat.oracles.second_opinion import second_opinion, spearman_interval
from mlmat.oracles.verdict import OK, Verdict

SMILES = ["C", "CC", "CCC", "CCCC", "CCCCC", "CCCCCC", "CCCCCCC"]
FIRST = [
    Verdict(OK, {"numbers": [6] * n, "positions": [[0.0, 0.0, 0.0]] * n, "gap": 10.0 - n})
    for n in range(1, 8)
]


@pytest.fixture
def fake(monkeypatch):
    """B3LYP whose gap falls with size, but for one swapped pair; counts what it is asked."""
    asked = []

    def judge(oracle, tasks, *, workers, time_limit):
        for index, (numbers, _) in reversed(list(enumerate(tasks))):
            asked.append(len(numbers))
            rank = {2: 3, 3: 2}.get(len(numbers), len(numbers))
            yield index, Verdict(OK, {"b3lyp_gap": 6.0 - 0.5 * rank}, 1.0)

    monkeypatch.setattr(module, "judge", judge)
    monkeypatch.setattr(module, "require_engine", lambda: None)
    return asked


def test_the_best_that_were_verified_are_compared(fake):
    verdicts = [Verdict("timeout"), *FIRST[1:]]
    opinion = second_opinion(SMILES, verdicts, k=5)
    assert opinion.smiles == SMILES[1:6]
    assert opinion.first.tolist() == [8, 7, 6, 5, 4]
    assert [v.values["b3lyp_gap"] for v in opinion.verdicts] == [4.5, 5, 4, 3.5, 3]
    assert opinion.correlation == pytest.approx(0.9)  # one swap among five
    assert opinion.interval == spearman_interval(opinion.correlation, 5)
    assert opinion.shift == pytest.approx(-2.0)


def test_what_was_asked_is_not_asked_again(fake, tmp_path):
    lines = tmp_path / "second.jsonl"
    second_opinion(SMILES, FIRST, k=3, lines=lines)
    with open(lines, "a") as stream:
        stream.write('{"smiles": "CCCC", "sta')  # killed while writing
    opinion = second_opinion(SMILES, FIRST, k=5, lines=lines)
    assert sorted(fake) == [1, 2, 3, 4, 5]
    assert len([json.loads(line) for line in lines.read_text().splitlines()]) == 5
    assert len(opinion.verdicts) == 5


def test_too_few_or_no_successes_give_no_correlation(fake):
    assert second_opinion(SMILES[:3], FIRST[:3]).correlation is None
    none = second_opinion(SMILES, [Verdict("timeout")] * 7)
    assert none == ([], none.first, [], None, None, None)


def test_verdicts_without_geometry_are_refused():
    with pytest.raises(InputError, match="numbers, positions"):
        second_opinion(["C"], [Verdict(OK, {"gap": 1.0})])


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    truth = 6 / math.pi * math.asin(0.7 / 2)  # Spearman's ρ of a normal pair with correlation 0.7
    inside = 0
    for _ in range(1000):
        x, noise = rng.standard_normal((2, 12))
        y = 0.7 * x + math.sqrt(1 - 0.49) * noise
        low, high = spearman_interval(module.spearman(x, y), 12)
        inside += low <= truth <= high
    assert 0.93 <= inside / 1000 <= 0.98


def test_the_interval_of_equal_orders_is_not_a_point():
    low, high = spearman_interval(1.0, 10)
    assert 0.9 < low < 1
    assert high == 1
    assert spearman_interval(-1.0, 10) == (-1.0, pytest.approx(-low))
    with pytest.raises(InputError, match="at least 4"):
        spearman_interval(0.5, 3)
