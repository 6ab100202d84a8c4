"""The gradient search: it reaches targets, compiles once, resumes exactly, keeps its budget."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from fakes import CarbonObjective, carbon_predictor

from mlmat.design.molecules.problem import molecule_problem
from mlmat.design.objective import Objective
from mlmat.design.searcher import submit
from mlmat.design.searchers.gradient import GradientConfig, lives, make_chunk, search, tuned
from mlmat.design.searchers.optimisers import langevin
from mlmat.design.wants import parse_want
from mlmat.errors import DataError, InputError, NoDesignError
from mlmat.predictor import load_predictor

WANT = parse_want("gap=6.5")  # a valley of the training distribution: noise does not start there
OBJECTIVE = Objective((WANT,))


@pytest.fixture(scope="module")
def predictor():
    return load_predictor()


@pytest.fixture(scope="module")
def problem(predictor):
    return molecule_problem(WANT, predictor.capacity)


@pytest.fixture(scope="module")
def whole(problem, predictor):
    config = GradientConfig(steps=40, chunk=10)
    return search(problem, predictor, OBJECTIVE, 16 * (3 * 40 + 3), 0, config=config)


def test_the_gradient_moves_the_starts_to_the_target(whole):
    distance = np.abs(whole.history - WANT.centre)
    assert np.median(distance[-1]) < 0.6 * np.median(distance[0])
    assert len(whole.pool) >= 8


@pytest.fixture(scope="module")
def carbons():
    """A search that compiles in a second: problem, predictor and objective."""
    objective = CarbonObjective(8)
    return molecule_problem(objective, 8), carbon_predictor(8), objective


QUICK = GradientConfig(steps=8, chunk=2, parallel=8, learning_rate=0.5)


def test_the_search_is_traced_once(carbons):
    traces = 0
    problem, predictor, objective = carbons

    def counted(predictor, graph):
        nonlocal traces
        traces += 1
        return problem.loss(predictor, graph)

    found = search(problem._replace(loss=counted), predictor, objective, 600, 0, config=QUICK)
    steps, lived = found.history.shape
    assert steps == QUICK.steps
    assert lived > 2 * QUICK.parallel  # restarts do not trace again
    assert traces == 1


@pytest.mark.parametrize("changed", [{"parallel": 0}, {"patience": 1, "temperature": 0.1}, {"samples": 2}])
def test_an_interrupted_search_finds_the_same_molecules(carbons, changed, tmp_path):
    class Killed(Exception):
        pass

    def kill(spent, found):
        if spent > 300:
            raise Killed

    config = replace(QUICK, **changed)
    chunk = make_chunk(carbons[0], config)
    state, spent = tmp_path / "search.state", []
    run = partial(search, *carbons, 700, config=config, chunk=chunk)
    with pytest.raises(Killed):
        run(0, state_file=state, report=kill)
    resumed = run(0, state_file=state, report=lambda done, found: spent.append(done))
    whole = run(0)
    assert min(spent) > 300
    assert resumed.pool == whole.pool
    assert resumed.spent == whole.spent <= 700
    np.testing.assert_allclose(resumed.history, whole.history, rtol=1e-6)
    with pytest.raises(DataError, match="other settings"):
        run(1, state_file=state)


def test_lives_are_told_apart():
    config = replace(QUICK, steps=3)
    history = np.array([[0, 10], [1, 11], [2, 12], [3, 13], [4, 14]], float)
    found = lives(history, config)
    expected = [[0, 10, 3, 13], [1, 11, 4, 14], [2, 12, np.nan, np.nan]]
    np.testing.assert_array_equal(found, expected)
    assert lives(history[:0], config).shape == (3, 0)
    np.testing.assert_array_equal(lives(history, replace(config, patience=1)), history)
    np.testing.assert_array_equal(lives(history, replace(config, parallel=0)), history)


def test_short_lives_find_more_where_evaluations_are_many(carbons):
    plain = search(*carbons, 6_000, 0, config=GradientConfig())
    short = search(*carbons, 6_000, 0)
    assert len(short.pool) > 2 * len(plain.pool)


def test_draws_around_the_better_starts_are_near_the_target_too(carbons):
    alone = search(*carbons, 1_500, 0, config=QUICK)
    traces = 0

    def counted(x, key, temperature):
        nonlocal traces
        traces += 1
        return carbons[0].sample(x, key, temperature)

    problem = carbons[0]._replace(sample=counted)
    drawn = search(problem, *carbons[1:], 1_500, 0, config=replace(QUICK, samples=8))
    assert traces == 1
    assert drawn.spent <= 1_500
    assert len(drawn.pool) > 2 * len(alone.pool)
    assert all(np.isfinite(candidate.merit) for candidate in drawn.pool)
    soft = [candidate for candidate in drawn.pool if candidate.relaxed]
    assert 0 < len(soft) < len(drawn.pool)  # what is drawn was never predicted while soft
    assert max(candidate.start for candidate in drawn.pool) < QUICK.parallel
    none = search(carbons[0]._replace(sample=None), *carbons[1:], 1_500, 0, config=replace(QUICK, samples=8))
    assert [c.name for c in none.pool] == [c.name for c in alone.pool]


def test_line_searches_are_counted(carbons):
    config = GradientConfig(steps=4, chunk=2, optimiser="lbfgs", climb="ensemble")
    found = search(*carbons, 800, 0, config=config)
    gradients = (found.spent - len(found.pool)) / 3
    assert found.spent <= 800
    assert 2 * found.history.size <= gradients <= 7 * found.history.size
    distance = np.abs(found.history - 8)
    assert np.median(distance[-1]) < np.median(distance[0])


def test_noise_leaves_what_is_fixed(carbons):
    x = carbons[0].init(jax.random.key(0))
    slope = x._replace(**{f: jnp.zeros_like(getattr(x, f)) for f in x._fields if f not in ("types", "bonds")})
    moved = langevin(jax.random.key(1), x, slope, 0.1, jnp.float32(1.0))
    assert (moved.tree == x.tree).all()
    assert (moved.mask == x.mask).all()
    assert float(jnp.std(moved.types - x.types)) == pytest.approx(0.2**0.5, rel=0.4)


def test_the_budget_counts_a_gradient_as_three():
    config = GradientConfig(steps=40, chunk=10)
    assert config.harvests == 3
    assert config.starts(8 * (3 * 40 + 3), members=4) == 8
    assert config.starts(8 * (3 * 40 + 3) - 1, members=4) == 4
    with pytest.raises(InputError, match="too small"):
        config.starts(100, members=4)


def test_the_submission_prefers_near_and_agreed(predictor, whole):
    chosen = submit(predictor, whole, OBJECTIVE, 4)
    scores = [abs(c.mean[0] - 6.5) + c.std[0] for c in chosen]
    assert scores == sorted(scores)
    assert len({c.smiles for c in chosen}) == len(chosen)
    with pytest.raises(NoDesignError):
        submit(predictor, whole._replace(pool=[]), OBJECTIVE, 4)


@pytest.mark.parametrize("budget", [200, 2000, 10_000, 50_000, 160_000])
def test_tuned_settings_fit_their_budget(budget):
    config = tuned(budget)
    starts = config.starts(budget, 4)
    assert starts * (config.step_cost * config.steps + config.harvests) <= budget
