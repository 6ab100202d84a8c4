"""Search: draws, ranking, failures, resuming, and scores that the search cannot see."""

import json

import numpy as np
import pytest

from mlmat.errors import DataError, InputError, MlmatError, TargetError
from mlmat.training.search import nested_cross_validation, random_search, successive_halving
from mlmat.training.space import Choice, IntUniform, LogUniform, Uniform, sample

SPACE = {
    "rate": LogUniform(1e-4, 1e-1),
    "width": IntUniform(8, 10),
    "drop": Uniform(-1, 2),
    "act": Choice(["relu", None, True]),
}


def bowl(config, budget=1):
    return np.log10(config["rate"] / 3e-3) ** 2 + 1 / budget


def test_draws_stay_inside_reach_everything_and_have_the_right_law():
    draws = [sample(SPACE, 0, k) for k in range(2000)]
    rates = np.log10([d["rate"] for d in draws])
    assert -4 <= rates.min() < -3.98
    assert -1.02 < rates.max() <= -1
    np.testing.assert_allclose(np.quantile(rates, (0.25, 0.5, 0.75)), (-3.25, -2.5, -1.75), atol=0.12)
    assert {d["width"] for d in draws} == {8, 9, 10}
    assert {d["act"] for d in draws} == {"relu", None, True}
    assert -1 <= min(d["drop"] for d in draws) < max(d["drop"] for d in draws) <= 2
    assert sample(SPACE, 0, 7) == draws[7] == sample(dict(reversed(SPACE.items())), 0, 7)
    assert sample(SPACE, 1, 7) != draws[7]


@pytest.mark.parametrize(
    "make",
    [lambda: Uniform(2, 1), lambda: LogUniform(0, 1), lambda: IntUniform(0.5, 2), lambda: Choice([]),
     lambda: Uniform(0, float("nan")), lambda: Choice([(1, 2)]), lambda: sample({}, 0, 0)],
)  # fmt: skip
def test_a_bad_space_is_refused(make):
    with pytest.raises(InputError):
        make()


def test_random_search_returns_the_best_draw():
    seen = []
    result = random_search(SPACE, bowl, 30, seed=1, progress=seen.append)
    assert result.trials == seen
    assert result.best.score == min(trial.score for trial in seen) == bowl(result.best.config)
    longer = random_search(SPACE, bowl, 31, seed=1)
    assert [t.config for t in longer.trials[:30]] == [t.config for t in seen]


def test_ties_go_to_the_earlier_trial_and_failures_never_win():
    def evaluate(config):
        evaluate.calls += 1
        if evaluate.calls == 1:
            raise TargetError("no targets")
        return [np.nan, -np.inf, 0.5, 0.5][evaluate.calls - 2]

    evaluate.calls = 0
    result = random_search(SPACE, evaluate, 5, seed=0)
    assert result.best.number == 3
    assert [trial.reason for trial in result.trials][:2] == ["no targets", "the score is nan"]
    assert [trial.score for trial in result.trials] == [None, None, None, 0.5, 0.5]


def test_all_failed_is_an_error_but_a_bug_is_not_hidden():
    def fail(config, budget=1):
        raise MlmatError("out of cheese")

    for search in (lambda f: random_search(SPACE, f, 3, 0), lambda f: successive_halving(SPACE, f, 3, 1, 9)):
        with pytest.raises(InputError, match=r"all 3 trials failed.*out of cheese"):
            search(fail)
        with pytest.raises(ZeroDivisionError):
            search(lambda *_: 1 / 0)
    with pytest.raises(InputError, match="at least one"):
        random_search(SPACE, bowl, 0, 0)


def test_halving_spends_more_on_the_better_third():
    calls = []

    def evaluate(config, budget):
        calls.append((budget, config["rate"]))
        return bowl(config, budget)

    result = successive_halving(SPACE, evaluate, 18, 2, 30, eta=3, seed=5)
    budgets = [budget for budget, _ in calls]
    assert [budgets.count(b) for b in (2, 6, 18, 30)] == [18, 6, 2, 1]
    first = sorted(bowl({"rate": rate}, 2) for budget, rate in calls if budget == 2)
    second = sorted(bowl({"rate": rate}, 2) for budget, rate in calls if budget == 6)
    assert second == first[:6]
    assert result.best.budget == 30
    assert result.best.config["rate"] == calls[-1][1]


def test_halving_with_one_budget_or_failing_rungs():
    assert successive_halving(SPACE, bowl, 4, 3, 3).best.budget == 3
    result = successive_halving(SPACE, lambda c, b: bowl(c, b) if b < 5 else np.nan, 9, 1, 9)
    assert result.best.budget == 3
    with pytest.raises(InputError, match="eta"):
        successive_halving(SPACE, bowl, 4, 3, 9, eta=1)


@pytest.mark.parametrize("halving", [False, True])
def test_a_killed_search_goes_on_without_running_a_trial_twice(tmp_path, halving):
    def search(evaluate, log):
        if halving:
            return successive_halving(SPACE, evaluate, 9, 1, 9, seed=3, log=log)
        return random_search(SPACE, evaluate, 9, seed=3, log=log)

    calls = []

    def evaluate(config, budget=1, stop=None):
        if len(calls) == stop:
            raise KeyboardInterrupt
        calls.append(budget)
        return np.nan if len(calls) == 2 else bowl(config, budget)

    log = tmp_path / "trials.jsonl"
    with pytest.raises(KeyboardInterrupt):
        search(lambda *a: evaluate(*a, stop=5), log)
    with open(log, "a") as stream:
        stream.write('{"number": 5, "bud')  # what a kill in the middle of a write leaves
    resumed = search(evaluate, log)
    ran = len(calls)
    assert ran == len(resumed.trials) == len(log.read_text().splitlines())
    assert search(evaluate, log) == resumed
    assert len(calls) == ran
    assert all(json.loads(line)["seconds"] >= 0 for line in log.read_text().splitlines())


def test_a_log_of_another_search_is_refused(tmp_path):
    log = tmp_path / "trials.jsonl"
    random_search(SPACE, bowl, 2, seed=3, log=log)
    with pytest.raises(DataError, match="another space or seed"):
        random_search(SPACE, bowl, 2, seed=4, log=log)
    log.write_text('{"other": 1}\n')
    with pytest.raises(DataError, match="cannot read"):
        random_search(SPACE, bowl, 2, seed=3, log=log)


def test_nested_scores_come_from_items_the_search_never_saw():
    """Memorising noise wins the search, and must not win the outer score."""
    noise = np.random.default_rng(0).normal(size=100)
    space = {"offset": Uniform(-1, 1)}

    def search(train, fold):
        return random_search(space, lambda c: abs(noise[train].mean() - c["offset"]), 50, seed=fold)

    def evaluate(config, train, test):
        assert not set(train) & set(test)
        return np.abs(noise[test] - config["offset"]).mean()

    nested = nested_cross_validation(100, search, evaluate, seed=1)
    assert len(nested.scores) == 5
    assert nested.mean == pytest.approx(np.mean(nested.scores))
    assert nested.mean > 0.5, "the inner scores are far smaller"
    assert nested.std > 0


def test_a_failed_outer_fold_is_named_and_left_out():
    folds = [(np.array([0]), np.array([1])), (np.array([1]), np.array([0]))]

    def search(train, fold):
        return random_search(SPACE, bowl if fold else (lambda c: np.nan), 2, seed=0)

    nested = nested_cross_validation(folds, search, lambda c, a, b: 2.0)
    assert nested.scores == [None, 2.0]
    assert nested.mean == 2
    assert np.isnan(nested.std)
    assert "all 2 trials failed" in nested.reasons[0]
    with pytest.raises(InputError, match="all 2 outer folds failed"):
        nested_cross_validation(folds, search, lambda c, a, b: np.nan)
