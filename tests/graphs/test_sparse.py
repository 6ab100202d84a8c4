import jraph
import numpy as np
import pytest

from mlmat.data.small_organics.sample import random_member
from mlmat.errors import InputError, UnknownElementError, ValenceError
from mlmat.graphs.chemistry import canonical_smiles, graph_from_molecule, parse_smiles
from mlmat.graphs.sparse import from_molecule, sort_edges, sparse_graph, to_integer_graph, to_molecule


def test_a_molecule_by_hand():
    graph = from_molecule(parse_smiles("N#CC"), {"gap": 7.5, "charges": [0.1, 0.2, 0.3], "index": 4})
    np.testing.assert_array_equal(graph.nodes, [[0, 1, 0, 0, 0], [1, 0, 0, 0, 0], [1, 0, 0, 0, 0]])
    np.testing.assert_array_equal(graph.receivers, [0, 1, 1, 2])
    np.testing.assert_array_equal(graph.senders, [1, 0, 2, 1])
    np.testing.assert_array_equal(graph.edges, [[3], [3], [1], [1]])
    assert (graph.n_node.tolist(), graph.n_edge.tolist()) == ([3], [4])
    assert {name: leaf.shape for name, leaf in graph.globals.items()} == {
        "gap": (1,),
        "charges": (1, 3),
        "index": (1,),
    }
    assert graph.globals["gap"].dtype == graph.nodes.dtype == graph.edges.dtype == np.float32
    assert graph.globals["index"].dtype == graph.receivers.dtype == graph.n_node.dtype == np.int32


@pytest.mark.parametrize("size", range(3, 11))
def test_round_trip_of_random_members(size):
    rng = np.random.default_rng(size)
    for _ in range(5):
        molecule = random_member(rng, size)
        types, bonds = graph_from_molecule(molecule)
        graph = sparse_graph(types, bonds)
        order = list(zip(graph.receivers, graph.senders, strict=True))
        assert order == sorted(order)
        back = to_integer_graph(graph)
        np.testing.assert_array_equal(back[0], types)
        np.testing.assert_array_equal(back[1], bonds)
        assert canonical_smiles(to_molecule(graph)) == canonical_smiles(molecule)


def test_single_atom_has_no_edges():
    graph = from_molecule(parse_smiles("C"))
    assert graph.edges.shape == (0, 1)
    assert canonical_smiles(to_molecule(graph)) == "C"


def test_sort_edges_restores_the_order():
    graph = from_molecule(parse_smiles("c1ccsc1C=O"))
    order = np.random.default_rng(0).permutation(len(graph.edges))
    mixed = graph._replace(
        edges=graph.edges[order], receivers=graph.receivers[order], senders=graph.senders[order]
    )
    for got, want in zip(sort_edges(mixed), graph, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    ("types", "bonds"),
    [
        ([0, 0], [[0, 1], [0, 0]]),
        ([0, 0], [[1, 1], [1, 0]]),
        ([0, 0], [[0, -1], [-1, 0]]),
        ([0, 5], [[0, 1], [1, 0]]),
        ([0, -1], [[0, 1], [1, 0]]),
        ([0, 0, 0], [[0, 1], [1, 0]]),
    ],
)
def test_bad_graphs_are_refused(types, bonds):
    with pytest.raises(InputError):
        sparse_graph(np.array(types), np.array(bonds))


def test_bad_targets_elements_and_batches_are_refused():
    graph = from_molecule(parse_smiles("CO"))
    with pytest.raises(InputError, match="numbers"):
        from_molecule(parse_smiles("CO"), {"name": "methanol"})
    with pytest.raises(InputError, match="unpack"):
        to_molecule(jraph.batch_np([graph, graph]))
    with pytest.raises(InputError, match="one-hot"):
        to_molecule(graph._replace(nodes=graph.nodes * 0.5))
    with pytest.raises(ValenceError):
        to_molecule(graph._replace(edges=graph.edges * 3))
    from rdkit import Chem

    with pytest.raises(UnknownElementError):
        from_molecule(Chem.MolFromSmiles("C[SiH3]"))
