"""Sources: every example once an epoch, in an order that the seed decides; threads that end."""

import threading
import time

import jax
import numpy as np
import pytest
from problem import rings

from mlmat.errors import InputError
from mlmat.training.source import graph_source, prefetched, with_targets


def met(source, epoch):
    """The targets of all real examples of an epoch, in order."""
    found = []
    for chunk in source.chunks(epoch):
        values, weights = chunk.globals["targets"], chunk.globals["weights"]
        found.append(values.reshape(-1, 2)[weights.reshape(-1, 2)[:, 0] > 0])
    return np.concatenate(found)


@pytest.fixture(scope="module")
def marked():
    graphs, _ = rings(50)
    return with_targets(graphs, np.stack([np.arange(50.0), -np.arange(50.0)], axis=1))


@pytest.mark.parametrize("options", [{}, {"chunk_steps": 2}, {"shards": 2}, {"shards": 2, "chunk_steps": 3}])
def test_every_example_comes_once_an_epoch(marked, options):
    source = graph_source(marked, 8, seed=3, **options)
    first, again, second = met(source, 0), met(source, 0), met(source, 1)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, second)
    for order in (first, second):
        np.testing.assert_array_equal(np.sort(order[:, 0]), np.arange(50))
    shapes = {
        jax.tree.map(np.shape, chunk).nodes["species"] for epoch in (0, 1) for chunk in source.chunks(epoch)
    }
    assert len(shapes) == 1


def test_without_a_seed_the_order_is_kept(marked):
    np.testing.assert_array_equal(met(graph_source(marked, 8), 0)[:, 0], np.arange(50))


def test_missing_targets_weigh_nothing_and_infinite_ones_are_refused():
    graphs, _ = rings(2)
    marked = with_targets(graphs, np.array([[1.0, np.nan], [2.0, 3.0]]))
    np.testing.assert_array_equal(marked[0].globals["weights"], [[1.0, 0.0]])
    assert np.isfinite(marked[0].globals["targets"]).all()
    with pytest.raises(InputError, match="infinite"):
        with_targets(graphs, np.array([1.0, np.inf]))


def test_no_graphs_are_refused():
    with pytest.raises(InputError, match="nothing to train on"):
        graph_source([], 8)


def test_an_error_in_the_thread_is_raised_where_it_is_awaited():
    def items():
        yield 1
        raise OSError("the disk is gone")

    stream = prefetched(items())
    assert next(stream) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(stream)


def test_a_reader_that_stops_early_ends_the_thread():
    def endless():
        while True:
            yield 0

    before = threading.active_count()
    stream = prefetched(endless())
    next(stream)
    stream.close()
    assert threading.active_count() == before


def test_closing_waits_for_the_item_that_is_being_made():
    made = []

    def slow():
        yield 0
        time.sleep(0.3)
        made.append(1)
        yield 1

    stream = prefetched(slow())
    next(stream)
    stream.close()
    assert made == [1]
