"""The gradient search: it reaches targets, compiles once, resumes exactly, keeps its budget."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from mlmat.design.gradient import GradientConfig, make_chunk, search
from mlmat.design.molecules import molecule_problem
from mlmat.design.objective import Objective
from mlmat.design.run import Candidate, SearchConfig, search_pool, select, verify_designs
from mlmat.design.wants import parse_want
from mlmat.errors import DataError, InputError, NoDesignError
from mlmat.oracles.verdict import OK, Verdict
from mlmat.predictor import load_predictor

WANT = parse_want("gap=6.5")  # a valley of the training distribution: noise does not start there
OBJECTIVE = Objective((WANT,))
CONFIG = SearchConfig(WANT, designs=4, budget=16 * (3 * 40 + 3), gradient=GradientConfig(steps=40, chunk=10))


@pytest.fixture(scope="module")
def predictor():
    return load_predictor()


@pytest.fixture(scope="module")
def problem(predictor):
    return molecule_problem(WANT, predictor.capacity)


@pytest.fixture(scope="module")
def whole(problem, predictor):
    return search_pool(problem, predictor, CONFIG)


def test_the_gradient_moves_the_starts_to_the_target(whole):
    distance = np.abs(whole.history - WANT.centre)
    assert np.median(distance[-1]) < 0.6 * np.median(distance[0])
    assert len(whole.pool) >= 8


def test_the_search_is_traced_once(problem, predictor):
    traces = 0

    def counted(predictor, graph):
        nonlocal traces
        traces += 1
        return problem.loss(predictor, graph)

    config = replace(CONFIG.gradient, parallel=8, steps=20)
    found = search(problem._replace(loss=counted), predictor, OBJECTIVE, 1500, 0, config=config)
    assert len(found.history) == 40  # two lives: restarts do not trace again
    assert traces == 1


@pytest.mark.parametrize("changed", [{}, {"parallel": 8, "patience": 1, "temperature": 0.1}])
def test_an_interrupted_search_finds_the_same_molecules(problem, predictor, changed, tmp_path):
    class Killed(Exception):
        pass

    def kill(spent, found):
        if spent > 700:
            raise Killed

    config = replace(CONFIG.gradient, **changed)
    chunk = make_chunk(problem, config)
    state, spent = tmp_path / "search.state", []
    run = partial(search, problem, predictor, OBJECTIVE, CONFIG.budget, 0, config=config, chunk=chunk)
    with pytest.raises(Killed):
        run(state_file=state, report=kill)
    resumed = run(state_file=state, report=lambda done, found: spent.append(done))
    whole = run()
    assert min(spent) > 700
    assert resumed.pool == whole.pool
    assert resumed.spent == whole.spent <= CONFIG.budget
    np.testing.assert_allclose(resumed.history, whole.history, rtol=1e-6)
    with pytest.raises(DataError, match="other settings"):
        search(problem, predictor, OBJECTIVE, CONFIG.budget, 1, config=config, chunk=chunk, state_file=state)


def test_line_searches_are_counted(problem, predictor):
    config = GradientConfig(steps=4, chunk=2, optimiser="lbfgs", climb="ensemble", harvest=0.5)
    found = search(problem, predictor, OBJECTIVE, 1500, 0, config=config)
    gradients = (found.spent - len(found.pool)) / 3
    assert found.spent <= 1500
    assert 2 * found.history.size <= gradients <= 7 * found.history.size
    distance = np.abs(found.history - WANT.centre)
    assert np.median(distance[-1]) < np.median(distance[0])


def test_known_and_forbidden_molecules_are_not_proposed(problem, predictor, whole):
    known = {whole.pool[0].smiles}
    found = search(
        problem,
        predictor,
        OBJECTIVE,
        CONFIG.budget,
        0,
        config=CONFIG.gradient,
        known=known,
        allowed=lambda smiles: "F" not in smiles,
    )
    smiles = {candidate.smiles for candidate in found.pool}
    assert any("F" in candidate.smiles for candidate in whole.pool)
    assert not smiles & known
    assert not any("F" in s for s in smiles)


def test_the_budget_counts_a_gradient_as_three():
    config = GradientConfig(steps=40, chunk=10)
    assert config.harvests == 3
    assert config.starts(8 * (3 * 40 + 3), members=4) == 8
    assert config.starts(8 * (3 * 40 + 3) - 1, members=4) == 4
    with pytest.raises(InputError, match="too small"):
        config.starts(100, members=4)


def test_selection_prefers_near_and_agreed(predictor, whole):
    chosen = select(predictor, whole.pool, WANT, 4)
    scores = [abs(c.gap_predicted - 6.5) + c.gap_std for c in chosen]
    assert scores == sorted(scores)
    assert len({c.smiles for c in chosen}) == len(chosen)
    with pytest.raises(NoDesignError):
        select(predictor, [], WANT, 4)


def test_finished_verdicts_are_never_asked_for_twice(problem, tmp_path):
    asked = []

    def oracle(smiles):
        for index, text in enumerate(smiles):
            asked.append(text)
            if len(asked) == 3:
                raise KeyboardInterrupt
            yield index, Verdict(OK, {"gap": 1.0}, 0.1)

    fake = problem._replace(verify=oracle)
    designs = [Candidate(s, 0, (1.0,)) for s in ("CC", "CCO", "CN", "CS")]
    with pytest.raises(KeyboardInterrupt):
        verify_designs(fake, designs, tmp_path / "v.jsonl")
    verdicts = verify_designs(fake, designs, tmp_path / "v.jsonl")
    assert [v.ok for v in verdicts] == [True] * 4
    assert asked == ["CC", "CCO", "CN", "CN", "CS"]
