"""Edits keep valences and connectivity; the genetic algorithm evolves, remembers and keeps its budget."""

from collections import Counter

import numpy as np
import pytest
from fakes import PROBLEM, CarbonObjective, carbon_predictor
from hypothesis import given, settings
from hypothesis import strategies as st

from mlmat.data.small_organics.sample import grow_graph
from mlmat.design.molecules.breeding import as_member, breed, graph_of
from mlmat.design.molecules.graph_cuts import crossover, cut_chain, cut_ring
from mlmat.design.molecules.kekule import Graph, reached
from mlmat.design.molecules.mutations import MUTATIONS, add_atom, add_ring, delete_atom, delete_ring
from mlmat.design.searchers.genetic import GeneticConfig, search
from mlmat.graphs.chemistry import canonical_smiles, molecule_from_graph, parse_smiles
from mlmat.graphs.stability import stability_violations


def sound(graph: Graph) -> bool:
    """Within valence, symmetric, without loops, in one piece."""
    return (
        bool((graph.free_valences >= 0).all())
        and bool((graph.bonds == graph.bonds.T).all())
        and graph.bonds.diagonal().sum() == 0
        and graph.bonds.min() >= 0
        and graph.bonds.max() <= 3
        and reached(graph.linked, 0).bit_count() == len(graph.types)
    )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.integers(2, 10))
def test_every_edit_of_any_graph_is_a_sound_graph(seed, size):
    rng = np.random.default_rng(seed)
    graph = Graph(*grow_graph(rng, size))
    before = graph.types.copy(), graph.bonds.copy()
    for edit, _ in MUTATIONS:
        product = edit(rng, graph)
        assert product is None or sound(product), edit.__name__
    child = crossover(rng, graph, Graph(*grow_graph(rng, 8)))
    assert child is None or sound(child)
    # Edits are pure: a parent that changed under them would spoil the population.
    assert (graph.types == before[0]).all()
    assert (graph.bonds == before[1]).all()


def smiles_of(graph: Graph) -> str:
    return canonical_smiles(molecule_from_graph(*graph))


def test_edits_do_what_they_say():
    rng = np.random.default_rng(0)
    hexane, benzene = graph_of("CCCCCC"), graph_of("c1ccccc1")
    assert len(add_atom(rng, hexane).types) == 7
    assert len(delete_atom(rng, hexane).types) == 5
    assert not hexane.ring_bonds
    assert len(benzene.ring_bonds) == 6
    assert len(add_ring(rng, hexane).ring_bonds) >= 3
    assert smiles_of(delete_ring(rng, graph_of("C1CCCCC1"))) == "CCCCCC"
    assert cut_chain(rng, benzene) is None
    assert cut_ring(rng, hexane) is None
    one, two = cut_ring(rng, benzene)
    assert len(one.graph.types) + len(two.graph.types) == 6
    assert len(one.ends) == 2
    toluene = {smiles_of(piece.graph) for piece in cut_chain(rng, graph_of("Cc1ccccc1"))}
    assert toluene == {"C", "c1ccccc1"}


def test_reasons_of_children_that_are_no_members():
    with pytest.raises(ValueError, match="size"):
        as_member(graph_of("CCCCCCCC"), capacity=7)
    with pytest.raises(ValueError, match="peroxide"):
        as_member(graph_of("COOC"), capacity=7)
    with pytest.raises(ValueError, match="does not apply"):
        as_member(None, capacity=7)


def test_children_are_new_members_that_are_allowed():
    rng, lost = np.random.default_rng(1), Counter()
    parents = [graph_of(s) for s in ("CCO", "c1ccncc1", "CC(C)C#N", "C1CCCC1")]
    children = breed(rng, parents, 60, 9, {"CCN"}, lost, allowed=lambda smiles: "F" not in smiles)
    assert len(set(children)) == 60
    assert "CCN" not in children
    assert not any("F" in child for child in children)
    assert lost["not allowed"] > 0
    for child in children:
        molecule = parse_smiles(child)
        assert canonical_smiles(molecule) == child
        assert not stability_violations(molecule)
        assert molecule.GetNumAtoms() <= 9


def run(lineage=0, **kwargs):
    config = GeneticConfig(population=20, children=16, lineage=lineage)
    return search(PROBLEM, carbon_predictor(), CarbonObjective(8), 150, 3, config=config, **kwargs)


def test_the_merit_falls_and_each_molecule_costs_one():
    found = run(known=("CCCCCCCC",))
    assert found.spent == len(found.pool) == len({c.smiles for c in found.pool}) == 150
    assert "CCCCCCCC" not in {c.smiles for c in found.pool}
    best = sorted(c.merit for c in found.pool)[:20]
    first = sorted(c.merit for c in found.pool[:20])
    assert np.mean(best) < 0.3 * np.mean(first)


def test_a_new_lineage_begins_with_new_founders():
    whole, cut = run(), run(lineage=68)
    assert cut.pool[:68] == whole.pool[:68]  # founders in two rounds, then children
    assert cut.spent == 150
    merits = [np.mean([c.merit for c in cut.pool[rows]]) for rows in (slice(0, 20), slice(68, 88))]
    children = np.mean([c.merit for c in whole.pool[68:88]])
    assert children < 0.7 * merits[1]
    assert merits[1] == pytest.approx(merits[0], rel=0.3)


@pytest.mark.parametrize("lineage", [0, 40])
def test_a_killed_search_goes_on_exactly(tmp_path, lineage):
    class Killed(Exception):
        pass

    def kill(spent, found):
        if spent > 80:
            raise Killed

    state = tmp_path / "search.jsonl"
    with pytest.raises(Killed):
        run(lineage, state_file=state, report=kill)
    state.write_text(state.read_text() + '{"found": [["CC')  # killed while it wrote
    spent = []
    resumed = run(lineage, state_file=state, report=lambda done, found: spent.append(done))
    assert min(spent) > 80
    assert resumed.pool == run(lineage).pool
    assert resumed.lost == run(lineage).lost
