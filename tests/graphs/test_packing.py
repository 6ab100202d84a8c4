import jax
import jax.numpy as jnp
import jraph
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmat.errors import CapacityError, InputError
from mlmat.graphs.packing import Budget, budget_for, pack, unpack
from mlmat.graphs.segment import graph_of_node, segment_max, segment_mean, segment_softmax, segment_sum
from mlmat.graphs.sparse import sparse_graph


def random_graph(rng, index, size):
    bonds = np.triu(rng.integers(1, 4, (size, size)) * (rng.random((size, size)) < 0.4), 1)
    return sparse_graph(rng.integers(0, 5, size), bonds + bonds.T, {"index": index, "gap": rng.normal()})


def random_graphs(count, seed=0, largest=9):
    rng = np.random.default_rng(seed)
    return [random_graph(rng, i, int(rng.integers(1, largest + 1))) for i in range(count)]


def unpacked(batches):
    return [graph for batch in batches for graph in unpack(batch)]


def assert_same(got, want, dtypes=True):
    assert jax.tree.structure(got) == jax.tree.structure(want)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        assert a.dtype == b.dtype or not dtypes
        np.testing.assert_array_equal(a, b)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 9), max_size=25),
    st.integers(10, 40),
    st.integers(2, 9),
    st.none() | st.integers(0, 99),
    st.integers(1, 3),
)
def test_nothing_is_lost_or_changed(sizes, n_node, n_graph, seed, open_batches):
    rng = np.random.default_rng(0)
    graphs = [random_graph(rng, i, size) for i, size in enumerate(sizes)]
    budgets = Budget(n_node, 72, n_graph), Budget(2 * n_node, 150, 2 * n_graph)
    batches = list(pack(iter(graphs), budgets, seed=seed, open_batches=open_batches))
    found = unpacked(batches)
    if seed is None and open_batches == 1:
        assert [int(g.globals["index"][0]) for g in found] == list(range(len(graphs)))
    found.sort(key=lambda g: int(g.globals["index"][0]))
    assert len(found) == len(graphs)
    for got, want in zip(found, graphs, strict=True):
        assert_same(got, want)
    for batch in batches:
        assert Budget(len(batch.nodes), len(batch.edges), len(batch.n_node)) in budgets
        assert (np.diff(batch.receivers) >= 0).all()


def test_same_batches_as_jraph():
    graphs, budget = random_graphs(60), Budget(40, 120, 9)
    theirs = list(jraph.dynamically_batch(iter(graphs), budget.n_node, budget.n_edge, budget.n_graph))
    ours = list(pack(graphs, budget))
    assert len(ours) == len(theirs) > 3
    for a, b in zip(ours, theirs, strict=True):
        assert_same(a, b, dtypes=False)  # jraph promotes edge ends to int64


def test_masks_and_padding():
    graphs = random_graphs(3)
    (batch,) = pack(graphs, Budget(40, 120, 7))
    nodes, edges = sum(len(g.nodes) for g in graphs), sum(len(g.edges) for g in graphs)
    for mask, real in (
        (jraph.get_node_padding_mask(batch), nodes),
        (jraph.get_edge_padding_mask(batch), edges),
        (jraph.get_graph_padding_mask(batch), 3),
    ):
        np.testing.assert_array_equal(mask, np.arange(len(mask)) < real)
    assert (batch.senders[edges:] == nodes).all()
    assert (batch.receivers[edges:] == nodes).all()
    assert batch.n_node.tolist()[3:] == [40 - nodes, 0, 0, 0]
    assert not batch.nodes[nodes:].any()
    assert not batch.globals["gap"][3:].any()


def test_batched_elements_stay_together():
    a, b, c = random_graphs(3)
    batches = list(pack([a, jraph.batch_np([b, c])], Budget(40, 120, 4)))
    assert len(batches) == 1
    for got, want in zip(unpacked(batches), (a, b, c), strict=True):
        assert_same(got, want)


def test_seed_shuffles_reproducibly():
    def order(seed):
        return [int(g.globals["index"][0]) for g in unpacked(pack(graphs, Budget(40, 120, 9), seed=seed))]

    graphs = random_graphs(30)
    assert order(1) == order(1) != order(2)
    assert order(1) != list(range(30))


def test_open_batches_fill_the_gaps():
    graphs = [random_graph(np.random.default_rng(i), i, size) for i, size in enumerate([6, 5, 4, 5])]
    assert len(list(pack(graphs, Budget(11, 100, 9)))) == 3
    assert len(list(pack(graphs, Budget(11, 100, 9), open_batches=2))) == 2


def test_batches_own_their_memory():
    first, second, *_ = pack(random_graphs(40), Budget(40, 120, 9))
    copy = jax.tree.map(np.copy, first)
    for leaf in jax.tree.leaves(second):
        leaf[...] = -1
    for graph in unpack(first):
        graph.receivers[...] = -1
    assert_same(first, copy)


def test_too_large_a_graph_names_the_size_that_fits():
    graphs = [*random_graphs(4, largest=3), random_graph(np.random.default_rng(0), 4, 9)]
    with pytest.raises(CapacityError, match="graph 4 with 9 nodes") as caught:
        list(pack(graphs, Budget(9, 4, 3), seed=3))
    named = str(caught.value).split("use ")[1].split(")")[0] + ")"
    assert named.startswith("Budget(n_node=10, n_edge=")
    assert len(unpacked(pack(graphs, eval(named)))) == 5


def test_unusable_input_is_refused():
    graph, other = random_graphs(2, seed=5)
    budget = Budget(40, 120, 9)
    for bad in (
        graph._replace(receivers=graph.receivers[::-1], senders=graph.senders[::-1]),
        graph._replace(nodes=None),
        graph._replace(n_node=graph.n_node + 1),
    ):
        with pytest.raises(InputError):
            list(pack([bad], budget))
    for bad in (other._replace(globals=None), other._replace(nodes=other.nodes[:, :2])):
        with pytest.raises(InputError):
            list(pack([graph, bad], budget))
    for budgets in ((), (Budget(40, 120, 9), Budget(50, 100, 9))):
        with pytest.raises(InputError):
            pack([graph], budgets)
    with pytest.raises(InputError):
        Budget(10, 10, 1)


def test_budget_for_is_tight_and_holds_every_graph():
    graphs = random_graphs(200)
    budget = budget_for(graphs, 16)
    batches = list(pack(graphs, budget, seed=0))
    assert budget.n_graph == 17
    assert len(batches) <= 16  # 12.5 full ones
    real = sum(len(g.nodes) for g in graphs)
    assert real / sum(len(b.nodes) for b in batches[:-1]) > 0.8
    alone = budget_for(graphs, 1)
    assert len(unpacked(pack(graphs, alone))) == 200
    exact = budget_for(graphs[:1] * 3, 3, multiple=1)
    assert exact == Budget(3 * len(graphs[0].nodes) + 1, 3 * len(graphs[0].edges), 4)
    with pytest.raises(InputError):
        budget_for([], 16)


WEIGHTS = [
    np.random.default_rng(k).normal(size=shape).astype(np.float32) / 2
    for k, shape in enumerate([(5, 8), (17, 8), (17, 1), (8, 8), (24, 1)])
]


def energies(weights, batch):
    """A two-layer attention network that uses every segment operation."""
    embed, message, attend, update, read = weights
    count, ids = len(batch.nodes), batch.receivers
    mask = {"mask": jraph.get_edge_padding_mask(batch), "indices_are_sorted": True}
    h = batch.nodes @ embed
    for _ in range(2):
        pair = jnp.concatenate([h[batch.senders], h[ids], batch.edges], axis=-1)
        weight = segment_softmax(pair @ attend, ids, count, **mask)
        h = jnp.tanh(h @ update + segment_sum(weight * jnp.tanh(pair @ message), ids, count, **mask))
    graphs, node_mask = len(batch.n_node), jraph.get_node_padding_mask(batch)
    pooled = [
        pool(h, graph_of_node(batch), graphs, mask=node_mask)
        for pool in (segment_sum, segment_mean, segment_max)
    ]
    return (jnp.concatenate(pooled, axis=-1) @ read)[:, 0]


def loss(weights, batch):
    values = energies(weights, batch)
    error = jnp.where(jraph.get_graph_padding_mask(batch), values - batch.globals["gap"], 0)
    return (error**2).sum(), values


def test_padding_changes_neither_results_nor_gradients():
    graphs = random_graphs(5, seed=7)
    slope = jax.jit(jax.value_and_grad(loss, has_aux=True))
    buckets = [Budget(40, 130, 7), Budget(64, 256, 16), Budget(301, 1003, 40)]
    outcomes = [slope(WEIGHTS, batch) for budget in buckets for batch in pack(graphs, budget)]
    assert len(outcomes) == 3
    (want_loss, want), want_gradient = outcomes[0]
    for (got_loss, got), gradient in outcomes:
        assert np.isfinite(got).all()
        np.testing.assert_allclose(got[:5], want[:5], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(got_loss, want_loss, rtol=1e-5)
        for a, b in zip(gradient, want_gradient, strict=True):
            assert np.abs(b).max() > 0
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(b).max())
    # And each graph alone in its batch.
    alone = [slope(WEIGHTS, batch)[0][1][0] for batch in pack(graphs, Budget(20, 100, 2))]
    np.testing.assert_allclose(alone, want[:5], rtol=1e-5, atol=1e-5)


def test_inside_a_bucket_results_are_bit_equal():
    """What shares the batch, and where a graph sits in it, changes no bit of its result."""
    graphs, budget = random_graphs(40, seed=8), Budget(64, 256, 9)
    value = jax.jit(energies)
    results = []
    for seed in (None, 1, 2):
        found = {}
        for batch in pack(graphs, budget, seed=seed):
            real = np.asarray(jraph.get_graph_padding_mask(batch))
            values = np.asarray(value(WEIGHTS, batch))[real].tolist()
            found |= zip(batch.globals["index"][real].tolist(), values, strict=True)
        results.append(found)
    assert results[0] == results[1] == results[2]
    assert len(results[0]) == 40


def test_one_trace_for_each_bucket():
    traces = []

    @jax.jit
    def step(batch):
        traces.append(batch.nodes.shape)
        return energies(WEIGHTS, batch)

    graphs = random_graphs(90, seed=9)
    buckets = Budget(24, 100, 4), Budget(80, 320, 14)
    for seed in range(3):
        batches = list(pack(graphs[: 85 + seed], buckets, seed=seed))
        assert len(batches) > 5
        for batch in batches:
            step(batch)
    step(next(pack(graphs[:1], buckets)))
    assert sorted(traces) == [(24, 5), (80, 5)]
