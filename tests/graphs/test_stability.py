"""Unstable motifs and impossible rings are rejected, each by its rule; ordinary molecules are not."""

import pytest
from rdkit import Chem

from mlmat.graphs.chemistry import parse_smiles
from mlmat.graphs.stability import UNSTABLE_MOTIFS, first_violation, located_violations, stability_violations

UNSTABLE = {
    "COOC": "peroxide",
    "CSOC": "sulfenate",
    "CSN(C)C": "sulfenamide",
    "CN(C)F": "heteroatom fluoride",
    "CN(C)N(C)N(C)C": "heteroatom chain",
    "CC(O)=C": "enol",
    "CC(S)=C": "enethiol",
    "C#CO": "ynol or ynamine",
    "CC(O)=NC": "imidic acid",
    "CC(O)O": "geminal diol or hemiaminal",
    "CC(F)N": "alpha-fluoro alcohol or amine",
    "CC=N": "unsubstituted imine",
    "CC=S": "thial or thione",
    "C=C=C=C": "ketene, ketenimine or longer cumulene",
    "CC=C=O": "ketene",
    "COC(=O)O": "carbonic monoacid",
    "C1=CC=C1": "antiaromatic four-membered ring",
    "C1=CC1": "double bond in a three-membered ring",
    "O=C1CC1": "three-membered ring ketone",
    "C1NN1": "saturated heteroatom pair in a three-membered ring",
    "C1C2CC12": "fused three-membered rings",
    "C1CCC#CC1": "triple bond in a ring",
    "C1CCC=C=C1": "allene in a ring",
    "C1CC2=CC1C2": "unsaturated bond at a bridgehead (Bredt)",
}


@pytest.mark.parametrize(("smiles", "rule"), UNSTABLE.items())
def test_unstable_molecules_are_rejected_by_their_rule(smiles, rule):
    assert rule in stability_violations(parse_smiles(smiles))


@pytest.mark.parametrize(
    "smiles",
    ["COC", "CC(=O)C", "CC(=O)O", "CC(=O)N", "Oc1ccccc1", "Nc1ccccc1", "CC=NC", "CNN", "CSSC", "C1CO1",
     "CC#N", "C=CC=C", "c1ccoc1", "c1nnn[nH]1", "NC(N)=S", "C=C=C", "CON=C", "CC(OC)OC"],
)  # fmt: skip
def test_ordinary_molecules_are_members(smiles):
    assert stability_violations(parse_smiles(smiles)) == []


@pytest.mark.parametrize("smiles", [*UNSTABLE, "C1C2CC12O", "COOCC=S", "COC", "c1ccoc1"])
def test_the_first_violation_is_the_first_of_all(smiles):
    found = stability_violations(parse_smiles(smiles))
    assert first_violation(parse_smiles(smiles)) == (found[0] if found else None)


@pytest.mark.parametrize("smiles", [*UNSTABLE, "C1C2CC12O", "COOCC=S", "COC", "c1ccoc1"])
def test_violations_are_located_where_they_are(smiles):
    molecule = parse_smiles(smiles)
    names, where = located_violations(molecule)
    assert names == stability_violations(molecule)
    assert bool(where) == bool(names)
    if smiles == "COOCC=S":
        assert where == {1, 2, 4, 5}  # O-O and C=S, not the carbons between
    if smiles == "C1CCC#CC1":
        assert where == set(range(6))  # a ring rule alone: the whole ring


def test_every_motif_is_a_query_with_a_reason():
    for motif in UNSTABLE_MOTIFS:
        assert Chem.MolFromSmarts(motif.smarts) is not None
        assert motif.reason
    assert len({motif.name for motif in UNSTABLE_MOTIFS}) == len(UNSTABLE_MOTIFS)
