"""One linearisation ranks mutants: exactly where the predictor is linear."""

from collections import Counter

import numpy as np
from fakes import CarbonObjective, carbon_predictor

from mlmat.design.molecules.breeding import graph_of
from mlmat.design.molecules.guided import (
    corrected,
    families,
    first_members,
    mutants,
    rank,
)
from mlmat.design.searchers.linearisation import linearisation_cost
from mlmat.graphs.chemistry import ELEMENTS, canonical_smiles, molecule_from_graph, parse_smiles
from mlmat.graphs.stability import stability_violations


def litter(smiles: str, count: int = 30, seed: int = 1):
    return mutants(np.random.default_rng(seed), graph_of(smiles), count)


def carbons(graph) -> int:
    return int((graph.types == ELEMENTS.index("C")).sum())


def test_mutants_keep_the_atoms_and_the_first_members_are_members():
    lost = Counter()
    [family] = families(carbon_predictor(8), CarbonObjective(8), [litter("NCc1ccncc1", 40)], 1)
    assert len(family.graphs) == 40
    assert all(len(graph.types) == 8 for graph in family.graphs)
    known = first_members(family, range(40), 3, 8, (), Counter())
    found = first_members(family, range(40), 100, 8, known, lost, lambda smiles: "S" not in smiles.upper())
    assert len(found) > 10
    assert not set(found) & set(known)
    for smiles, place in found.items():
        assert canonical_smiles(molecule_from_graph(*family.graphs[place])) == smiles
        assert canonical_smiles(parse_smiles(smiles)) == smiles
        assert not stability_violations(parse_smiles(smiles))
        assert "S" not in smiles.upper()
    assert len(found) + lost.total() == 40
    some = first_members(family, range(40), 5, 8, known, Counter(), lambda s: "S" not in s.upper())
    assert list(some) == list(found)[:5]


def test_the_linearisation_of_a_linear_predictor_is_exact():
    predictor, objective = carbon_predictor(8), CarbonObjective(8)
    litters = [litter(s) for s in ("OCC1CCCCO1", "Nc1ccc(N)nn1", "NCCOCCN")]
    found = families(predictor, objective, litters, batch=4)
    assert len(found) == 3
    for graphs, family in zip(litters, found, strict=True):
        counts = np.array([carbons(graph) for graph in graphs])
        np.testing.assert_allclose(family.linear[:, 0], counts, atol=1e-4)
        order = rank(predictor, objective, family, family.linear)
        assert sorted(order) == list(range(30))
        assert (np.diff(counts[order]) <= 0).all()
        assert len(set(counts)) > 1
    assert linearisation_cost(objective, predictor) == 3


def test_what_is_known_corrects_the_linearisation():
    """The linearisation is off by a level and by what single edits do: few mutants tell."""
    [family] = families(carbon_predictor(8), CarbonObjective(8), [litter("OCC1CCCCO1", 200)], 1)
    edits = family.batch.types[:, 2, ELEMENTS.index("N")] + 2 * family.batch.bonds[:, 3, 4]
    truth = family.linear + 3.0 + edits[:, None]
    known, hidden = np.arange(0, 200, 4), np.arange(1, 200, 4)
    assert corrected(family, [], np.zeros((0, 1))) is family.linear
    error = np.abs(corrected(family, known, truth[known]) - truth)
    assert error[known].mean() < 0.1
    assert error[hidden].mean() < 0.65 * np.abs(edits - edits.mean()).mean()
