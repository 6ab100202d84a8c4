"""Max–min selection, against the rule written naively."""

import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.learners import kennard_stone as module
from mlmat.learners.kennard_stone import kennard_stone


def naive(x, count):
    d = np.array([[np.sqrt(((a - b) ** 2).sum()) for b in x] for a in x])
    chosen = list(np.unravel_index(d.argmax(), d.shape))
    while len(chosen) < count:
        rest = [k for k in range(len(x)) if k not in chosen]
        chosen.append(max(rest, key=lambda k: min(d[k, c] for c in chosen)))
    return chosen


def test_naive_rule(monkeypatch):
    monkeypatch.setattr(module, "ROWS", 7)
    x = np.random.default_rng(1).normal(size=(40, 3))
    for count in (2, 3, 25, 40):
        assert kennard_stone(x, count).tolist() == naive(x, count)


def test_on_a_line_it_takes_the_ends_then_the_middle():
    assert kennard_stone(np.array([[0.0], [1.0], [2.1], [3.0], [4.0]]), 3).tolist() == [0, 4, 2]


def test_equal_items_are_each_chosen_once():
    assert sorted(kennard_stone(np.ones((5, 2)), 5)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("x", "count"), [(np.ones((3, 1)), 4), (np.ones((3, 1)), 1), (np.ones(3), 2)])
def test_impossible_counts(x, count):
    with pytest.raises(InputError, match="choose 2 to N"):
        kennard_stone(x, count)


def test_nan():
    with pytest.raises(InputError, match="NaN"):
        kennard_stone(np.array([[0.0], [np.nan], [1.0]]), 2)
