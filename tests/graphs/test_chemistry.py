"""The rules of the space: valences, unstable motifs, rings, Kekulé forms, skeletons."""

import numpy as np
import pytest
from rdkit import Chem

from mlmat.errors import InputError, SmilesError, UnknownElementError, ValenceError
from mlmat.graphs.chemistry import (
    UNSTABLE_MOTIFS,
    canonical_smiles,
    graph_from_molecule,
    kekule_forms,
    molecule_from_graph,
    parse_smiles,
    skeleton,
    stability_violations,
)

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


def test_every_motif_is_a_query_with_a_reason():
    for motif in UNSTABLE_MOTIFS:
        assert Chem.MolFromSmarts(motif.smarts) is not None
        assert motif.reason
    assert len({motif.name for motif in UNSTABLE_MOTIFS}) == len(UNSTABLE_MOTIFS)


@pytest.mark.parametrize("smiles", ["CC(=O)c1ccccc1", "C#CC1CS1", "FC(F)CN", "C"])
def test_graph_and_back(smiles):
    molecule = parse_smiles(smiles)
    types, bonds = graph_from_molecule(molecule)
    np.testing.assert_array_equal(bonds, bonds.T)
    assert canonical_smiles(molecule_from_graph(types, bonds)) == canonical_smiles(molecule)


@pytest.mark.parametrize(
    ("smiles", "count"), [("c1ccccc1", 2), ("c1ccc2ccccc2c1", 3), ("c1ccncc1", 2), ("c1ccoc1", 1), ("CCO", 1)]
)
def test_kekule_forms_are_counted_and_are_the_same_molecule(smiles, count):
    molecule = parse_smiles(smiles)
    forms = kekule_forms(molecule)
    assert len(forms) == count
    types, _ = graph_from_molecule(molecule)
    for bonds in forms:
        assert canonical_smiles(molecule_from_graph(types, bonds)) == canonical_smiles(molecule)


def test_skeletons_forget_elements_and_bonds():
    assert skeleton(parse_smiles("OCC=N")) == skeleton(parse_smiles("CCCC"))
    assert skeleton(parse_smiles("CC(C)C")) != skeleton(parse_smiles("CCCC"))


def test_impossible_graphs_are_refused():
    chain = np.array([[0, 2, 0], [2, 0, 1], [0, 1, 0]])
    with pytest.raises(ValenceError, match=r"atom 1 \(O\) has 3 bonds"):
        molecule_from_graph(np.array([0, 2, 0]), chain)
    with pytest.raises(InputError, match="fragments"):
        molecule_from_graph(np.array([0, 0]), np.zeros((2, 2), int))
    with pytest.raises(InputError, match="at least one"):
        molecule_from_graph(np.zeros(0, int), np.zeros((0, 0), int))


def test_bad_smiles_are_named():
    with pytest.raises(UnknownElementError, match="'Si'"):
        parse_smiles("C[SiH3]")
    for text in ("", "C((", "[O-]C", "C.C", "[13CH4]", "[CH3]"):
        with pytest.raises(SmilesError):
            parse_smiles(text)
