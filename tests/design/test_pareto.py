"""Non-dominated sorting against its definition, crowding against a hand calculation."""

import numpy as np
import pytest

from mlmat.design.pareto import crowding_distance, pareto_front, pareto_merit, pareto_ranks, pareto_select
from mlmat.errors import InputError


def slow_ranks(costs):
    """Fronts peeled off one by one, straight from the definition."""
    ranks, rest, rank = np.full(len(costs), -1), set(range(len(costs))), 0
    while rest:
        front = {
            i
            for i in rest
            if not any((costs[j] <= costs[i]).all() and (costs[j] < costs[i]).any() for j in rest)
        }
        ranks[list(front)] = rank
        rest -= front
        rank += 1
    return ranks


@pytest.mark.parametrize("goals", [1, 2, 3])
@pytest.mark.parametrize("levels", [4, 1000])
def test_ranks_are_those_of_the_definition(goals, levels):
    costs = np.random.default_rng(goals).integers(0, levels, (80, goals)).astype(float)
    np.testing.assert_array_equal(pareto_ranks(costs, ("min",) * goals), slow_ranks(costs))


def test_directions_and_equal_rows():
    values = np.array([[1.0, 5.0], [1.0, 5.0], [2.0, 5.0], [0.0, 1.0]])
    assert list(pareto_front(values, ("min", "max"))) == [0, 1, 3]
    assert list(pareto_front(values, ("max", "max"))) == [2]


def test_crowding_is_the_perimeter_of_the_box_between_neighbours():
    front = np.array([[0.0, 4.0], [1.0, 3.0], [3.0, 1.0], [4.0, 0.0]])
    np.testing.assert_allclose(crowding_distance(front), [np.inf, 3 / 4 + 3 / 4, 3 / 4 + 3 / 4, np.inf])
    assert not np.isnan(crowding_distance(np.ones((3, 2)))).any()


def test_selection_takes_fronts_first_and_spreads_within_one():
    near = [[1.0, 3.0], [1.01, 2.99], [1.02, 2.98]]
    values = np.array([[0.0, 4.0], *near, [4.0, 0.0], [5.0, 5.0]])
    chosen = pareto_select(values, ("min", "min"), 3)
    assert set(chosen[:2]) == {0, 4}
    assert chosen[2] == 3  # the one of the cluster with the most room around it
    assert pareto_merit(values, ("min", "min")).argmax() == 5


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="direction"):
        pareto_ranks(np.zeros((2, 2)), ("min",))
    with pytest.raises(InputError, match="finite"):
        pareto_ranks(np.array([[np.nan, 1.0]]), ("min", "min"))
