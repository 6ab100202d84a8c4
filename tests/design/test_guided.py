"""One linearisation ranks mutants: exactly where the predictor is linear."""

from collections import Counter

import numpy as np
from fakes import CarbonObjective, carbon_predictor

from mlmat.design.genetic import graph_of
from mlmat.design.guided import guided, linearisation_cost, mutants
from mlmat.graphs.chemistry import canonical_smiles, parse_smiles, stability_violations


def carbons(smiles: str) -> int:
    return smiles.upper().count("C")


def test_mutants_are_members_and_keep_the_atoms():
    lost = Counter()
    found = mutants(np.random.default_rng(0), graph_of("NCc1ccncc1"), 40, 8, {"CCc1ccncc1"}, lost)
    assert len(found) > 20
    assert "CCc1ccncc1" not in found
    for smiles, graph in found.items():
        assert canonical_smiles(parse_smiles(smiles)) == smiles
        assert not stability_violations(parse_smiles(smiles))
        assert len(graph.types) == 8


def test_the_linearisation_of_a_linear_predictor_ranks_without_error():
    predictor, objective = carbon_predictor(8), CarbonObjective(8)
    rng = np.random.default_rng(1)
    families = [
        mutants(rng, graph_of(s), 30, 8, (), Counter()) for s in ("OCC1CCCCO1", "Nc1ccc(N)nn1", "NCCOCCN")
    ]
    chosen = guided(predictor, objective, families, 5, batch=4)
    for family in families:
        taken = [carbons(s) for s in chosen if s in family]
        left = [carbons(s) for s in family if s not in chosen]
        assert len(taken) == 5
        assert min(taken) >= max(left)
    assert linearisation_cost(objective, predictor) == 5
