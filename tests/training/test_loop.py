"""The loop: it learns, resumes to the same numbers, stops early, keeps frozen parts, traces once."""

import json
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from problem import CONFIG, flat, problem, train

from mlmat.errors import DataError, InputError
from mlmat.training.arrays import array_source
from mlmat.training.config import TrainingConfig
from mlmat.training.loop import fit
from mlmat.training.step import initial_state, learning_rate, make_run_chunk, rates, run_chunk

PLAIN = replace(CONFIG, shards=1)


@pytest.fixture(scope="module")
def whole():
    return train(PLAIN)


def test_it_learns(whole):
    longer = train(replace(PLAIN, epochs=25))
    assert longer.history[-1]["loss"] < 0.5 * whole.history[0]["loss"]
    assert longer.history[-1]["validation MAE share"] < 0.7 * whole.history[0]["validation MAE share"]
    assert len(longer.history) == 25


def test_an_interrupted_run_ends_with_the_same_numbers(whole, tmp_path):
    class Killed(Exception):
        pass

    def kill(row):
        if row["epoch"] == 2:
            raise Killed

    files = {"checkpoint": tmp_path / "run.state", "log": tmp_path / "log.jsonl"}
    with pytest.raises(Killed):
        train(PLAIN, report=kill, **files)
    resumed = train(PLAIN, **files)
    np.testing.assert_array_equal(flat(resumed.variables), flat(whole.variables))
    assert [row["loss"] for row in resumed.history] == [row["loss"] for row in whole.history]
    logged = [json.loads(line) for line in files["log"].read_text().splitlines()]
    assert [row["epoch"] for row in logged] == [1, 2, 3, 4]


def test_other_settings_do_not_resume_a_checkpoint(tmp_path):
    train(replace(PLAIN, epochs=1), checkpoint=tmp_path / "run.state")
    with pytest.raises(DataError, match="other settings"):
        train(replace(PLAIN, members=1), checkpoint=tmp_path / "run.state")


def test_streamed_chunks_give_the_numbers_of_one_scan(whole):
    streamed = train(PLAIN, chunk_steps=2)
    np.testing.assert_allclose(flat(streamed.variables), flat(whole.variables), rtol=1e-5, atol=1e-6)


def test_one_trace_for_all_epochs_and_chunks():
    objective, source, validation, variables = problem(PLAIN, chunk_steps=2)
    traces = 0

    original = type(objective).loss

    def counted(self, *arguments):
        nonlocal traces
        traces += 1
        return original(self, *arguments)

    type(objective).loss = counted
    run_chunk.clear_cache()  # of what other tests have traced
    try:
        for _ in range(2):
            fit(objective, source, validation, PLAIN, variables)
    finally:
        type(objective).loss = original
    assert traces == 1


def test_other_rates_compile_nothing():
    objective, source, _, variables = problem(PLAIN)
    run, chunk = make_run_chunk(source, PLAIN), next(source.chunks(0))
    slow, fast = (
        rates(replace(PLAIN, learning_rate=rate, epochs=epochs, clip=clip), source.steps)
        for rate, epochs, clip in ((1e-3, 4, 1.0), (1e-2, 9, 0.5))
    )
    state, before = initial_state(variables, slow, jax.random.key(0)), run_chunk._cache_size()
    ends = [flat(run(objective, None, numbers, state, chunk)[0].variables) for numbers in (slow, fast)]
    assert run_chunk._cache_size() <= before + 1
    assert np.abs(ends[0] - ends[1]).max() > 1e-3


def test_the_learning_rate_is_that_of_optax():
    numbers = rates(replace(PLAIN, epochs=10, warmup=0.2), 50)
    expected = optax.warmup_cosine_decay_schedule(
        0.0, PLAIN.learning_rate, 100, 500, 0.01 * PLAIN.learning_rate
    )
    for count in (0, 1, 99, 100, 101, 300, 499, 500, 700):
        np.testing.assert_allclose(learning_rate(numbers, count), expected(count), rtol=1e-5, atol=1e-9)


def test_an_empty_step_changes_nothing():
    objective, source, _, variables = problem(PLAIN)
    numbers = rates(PLAIN, source.steps)
    state = initial_state(variables, numbers, jax.random.key(0))
    chunk = next(source.chunks(0))
    empty = jax.tree.map(np.zeros_like, chunk)
    empty.n_node[:, 0], empty.n_edge[:, 0] = chunk.n_node[0].sum(), chunk.n_edge[0].sum()
    after, _, weights, _ = make_run_chunk(source, PLAIN)(objective, None, numbers, state, empty)
    assert not np.asarray(weights).any()
    np.testing.assert_array_equal(flat(after), flat(state))


def test_patience_stops_and_the_best_epoch_is_kept():
    config = TrainingConfig(members=1, epochs=60, batch=8, learning_rate=0.3, ema=0.0, patience=3)
    stopped = train(config)
    scores = [row["score"] for row in stopped.history]
    assert len(scores) < 60
    assert len(scores) - 1 - int(np.argmin(scores)) == 3


def test_frozen_parameters_stay_and_the_others_move():
    objective, source, validation, variables = problem(PLAIN)
    fitted = fit(objective, source, validation, PLAIN, variables, frozen=("Embed_0", "Dense_0"))
    for name in variables["params"]:
        same = np.array_equal(flat(variables["params"][name]), flat(fitted.variables["params"][name]))
        assert same == (name in ("Embed_0", "Dense_0")), name
    with pytest.raises(InputError, match="Embed_0"):
        fit(objective, source, validation, PLAIN, variables, frozen=("nowhere",))


def test_members_and_seeds_differ(whole):
    first, second = (jax.tree.map(lambda leaf, k=k: leaf[k], whole.variables) for k in (0, 1))
    assert np.abs(flat(first) - flat(second)).max() > 1e-2
    assert np.abs(flat(train(replace(PLAIN, seed=1)).variables) - flat(whole.variables)).max() > 1e-2


def test_a_loss_that_explodes_says_so():
    objective, source, validation, variables = problem(PLAIN)
    broken = jax.tree.map(lambda leaf: leaf * np.nan, variables)
    with pytest.raises(InputError, match="lower the learning rate"):
        fit(objective, source, validation, PLAIN, broken)


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"batch": 10, "shards": 4}, {"precision": "half"}, {"ema": 1.0}, {"optimiser": "sgd"}],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(InputError):
        TrainingConfig(**wrong)


@jax.tree_util.register_static
@dataclass(frozen=True)
class Remembering:
    """A line through the origin that keeps the mean of the last batch, as batch norm keeps statistics."""

    def loss(self, variables, example, key):
        error = (variables["params"] * example.batch - example.targets[:, 0]) ** 2
        return error.sum(), example.weights.sum(), {"batch_stats": example.batch.mean()}


def test_statistics_are_averaged_like_the_weights_they_belong_to():
    x = np.arange(1.0, 7.0, dtype=np.float32)
    source = array_source(x, 2 * x[:, None], 2, seed=3)._replace(own_order=False)
    config = TrainingConfig(members=1, batch=2, ema=0.8)
    variables = {"params": jnp.zeros(1), "batch_stats": jnp.zeros(1)}
    numbers = rates(config, source.steps)
    state = initial_state(variables, numbers, jax.random.key(0))
    (chunk,) = source.chunks(0)
    state, *_ = make_run_chunk(source, config)(Remembering(), source.data, numbers, state, chunk)
    expected = 0.0
    for step in range(source.steps):
        rows = source.prepare(source.data, jax.tree.map(lambda leaf, step=step: leaf[step], chunk), None)
        decay = min(0.8, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * float(rows.batch.mean())
    assert float(state.averaged["batch_stats"][0]) == pytest.approx(expected, rel=1e-6)
    assert float(state.variables["batch_stats"][0]) == pytest.approx(float(rows.batch.mean()))
