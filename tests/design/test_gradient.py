"""The gradient search: it reaches targets, compiles once, resumes exactly, keeps its budget."""

import jax
import numpy as np
import pytest

from mlmat.design.gradient import GradientConfig, descend, init_search, make_chunk
from mlmat.design.molecules import molecule_problem
from mlmat.design.run import Candidate, SearchConfig, search_pool, select, verify_designs
from mlmat.design.wants import parse_want
from mlmat.errors import InputError, NoDesignError
from mlmat.oracles.verdict import OK, Verdict
from mlmat.predictor import load_predictor

WANT = parse_want("gap=6.5")  # a valley of the training distribution: noise does not start there
CONFIG = SearchConfig(WANT, designs=4, budget=16 * (3 * 40 + 3), gradient=GradientConfig(steps=40, chunk=10))


@pytest.fixture(scope="module")
def predictor():
    return load_predictor()


@pytest.fixture(scope="module")
def problem(predictor):
    return molecule_problem(WANT, predictor.capacity)


@pytest.fixture(scope="module")
def chunk(problem):
    return make_chunk(problem, CONFIG.gradient)


@pytest.fixture(scope="module")
def whole(problem, predictor, chunk):
    return search_pool(problem, predictor, CONFIG, chunk=chunk)


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

    counting = problem._replace(loss=counted)
    state = init_search(counting, CONFIG.gradient, 8, predictor.members, jax.random.key(0))
    assert len(list(descend(counting, predictor, CONFIG.gradient, state))) == 4
    assert traces == 1


def test_an_interrupted_search_finds_the_same_molecules(problem, predictor, chunk, whole, tmp_path):
    class Killed(Exception):
        pass

    def kill(step, found):
        if step == 20:
            raise Killed

    state = tmp_path / "search.state"
    with pytest.raises(Killed):
        search_pool(problem, predictor, CONFIG, chunk=chunk, state_file=state, report=kill)
    steps = []
    resumed = search_pool(
        problem,
        predictor,
        CONFIG,
        chunk=chunk,
        state_file=state,
        report=lambda step, found: steps.append(step),
    )
    assert steps == [30, 40]
    assert resumed.pool == whole.pool
    np.testing.assert_allclose(resumed.history, whole.history, rtol=1e-6)


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
