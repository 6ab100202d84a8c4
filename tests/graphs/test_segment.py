from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from mlmat.graphs.segment import graph_of_node, segment_max, segment_mean, segment_softmax, segment_sum
from mlmat.graphs.sparse import sparse_graph

IDS = np.array([0, 0, 1, 1, 1, 3, 4])
MASK = np.array([1, 1, 1, 0, 1, 1, 0])
SEGMENTS = 6  # 2 and 5 are empty, 4 is masked
DATA = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)

REFERENCE = {
    segment_sum: lambda x: x.sum(axis=0),
    segment_mean: lambda x: x.mean(axis=0) if len(x) else np.zeros(3),
    segment_max: lambda x: x.max(axis=0) if len(x) else np.zeros(3),
}


@pytest.mark.parametrize("reduce", REFERENCE)
@pytest.mark.parametrize("mask", [None, MASK])
def test_reductions_agree_with_numpy(reduce, mask):
    got = reduce(DATA, IDS, SEGMENTS, mask=mask, indices_are_sorted=True)
    keep = np.ones(7, bool) if mask is None else mask == 1
    want = [REFERENCE[reduce](DATA[keep & (segment == IDS)]) for segment in range(SEGMENTS)]
    np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parametrize("reduce", REFERENCE)
def test_unsorted_indices_give_the_same(reduce):
    order = np.random.default_rng(1).permutation(7)
    got = reduce(DATA[order], IDS[order], SEGMENTS, mask=MASK[order])
    np.testing.assert_allclose(got, reduce(DATA, IDS, SEGMENTS, mask=MASK), rtol=1e-6)


def test_softmax_agrees_with_numpy_and_survives_large_logits():
    logits = DATA + np.float32(200)  # exp overflows without the shift
    got = np.asarray(segment_softmax(logits, IDS, SEGMENTS, mask=MASK))
    for segment in (0, 1, 3):
        chosen = (segment == IDS) & (MASK == 1)
        weights = np.exp(logits[chosen] - logits[chosen].max(axis=0))
        np.testing.assert_allclose(got[chosen], weights / weights.sum(axis=0), rtol=1e-5)
    assert (got[MASK == 0] == 0).all()


@pytest.mark.parametrize("function", [*REFERENCE, segment_softmax])
def test_gradients_match_finite_differences(function):
    with jax.enable_x64(True):
        check_grads(
            lambda x: jnp.sin(function(x, IDS, SEGMENTS, mask=MASK)).sum(),
            (jnp.asarray(DATA, jnp.float64),),
            order=1,
            modes=["rev"],
        )


@pytest.mark.parametrize("function", [*REFERENCE, segment_softmax])
@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e30])
def test_masked_entries_touch_neither_value_nor_gradient(function, poison):
    @jax.jit
    @partial(jax.grad, has_aux=True)
    def slope(x):
        out = function(x, IDS, SEGMENTS, mask=MASK)
        return (out**2).sum(), out

    poisoned = np.where(MASK[:, None] == 1, DATA, np.float32(poison))
    gradient, value = slope(poisoned)
    clean_gradient, clean = slope(DATA)
    np.testing.assert_array_equal(value, clean)
    np.testing.assert_array_equal(gradient, clean_gradient)
    assert (np.asarray(gradient)[MASK == 0] == 0).all()


def test_max_does_not_hide_nan():
    assert np.isnan(segment_max(np.array([np.nan, 1.0]), np.array([0, 0]), 1)[0])


def test_graph_of_node():
    graph = sparse_graph(np.zeros(5, int), np.zeros((5, 5), int))
    batch = graph._replace(n_node=np.array([2, 0, 3]))
    np.testing.assert_array_equal(jax.jit(graph_of_node)(batch), [0, 0, 2, 2, 2])
