"""Molecules as strings and graphs: valences, Kekulé forms, skeletons."""

import numpy as np
import pytest

from mlmat.errors import InputError, SmilesError, UnknownElementError, ValenceError
from mlmat.graphs.chemistry import (
    canonical_smiles,
    graph_from_molecule,
    kekule_forms,
    molecule_from_graph,
    parse_smiles,
    skeleton,
)


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
