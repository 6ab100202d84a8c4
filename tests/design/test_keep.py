"""Patterns become atoms with bonds and room, as their text says."""

import pytest

from mlmat.design.molecules.keep import keep_core, keep_query
from mlmat.errors import InputError
from mlmat.graphs.chemistry import ELEMENTS, molecule_from_graph, parse_smiles


@pytest.mark.parametrize(
    ("text", "elements", "room"),
    [
        ("CO", "CO", (3, 1)),
        ("C(=O)[NH2]", "CON", (1, 0, 0)),  # brackets count hydrogens
        ("C(=O)N", "CON", (1, 0, 2)),
        ("c1cc[nH]c1", "CCCNC", (1, 1, 1, 0, 1)),
        ("[CX4;H3]", "C", (1,)),
        ("[CX4H2][CX4H2]", "CC", (1, 1)),
        ("[CX3](=O)[OX2H1]", "COO", (1, 0, 0)),
        ("[N,O;H1]C", "NC", (1, 3)),
        ("[#6]~[#7]", "CN", (3, 2)),
        ("FC(F)F", "FCFF", (0, 1, 0, 0)),
    ],
)
def test_the_core_has_the_atoms_of_the_pattern_and_the_room_it_leaves(text, elements, room):
    core, _ = keep_core(text)
    assert "".join(ELEMENTS[kind] for kind in core.types) == elements
    assert tuple(core.room) == room


@pytest.mark.parametrize("text", ["c1ccncc1", "O=C1CCCN1", "C#CC(F)F", "[OH]c1ccccc1", "[R]1~[#7]~*~*~1"])
def test_the_core_alone_is_a_molecule_and_matches(text):
    core, _ = keep_core(text)
    assert molecule_from_graph(core.types, core.bonds).HasSubstructMatch(keep_query(text))


def test_the_core_of_a_start_is_its_own_atoms_in_the_order_of_the_pattern():
    start = parse_smiles("CC(N)=O")
    core, match = keep_core("C(=O)[NH2]", start)
    assert match == (1, 3, 2)
    assert tuple(core.room) == (0, 0, 0)
    assert core.bonds.tolist() == [[0, 2, 1], [2, 0, 0], [1, 0, 0]]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "cannot read"),
        ("((", "cannot read"),
        ("C.C", "one connected"),
        ("[#6].[#7]", "several parts"),
        ("C[Si]", "not neutral and of"),
        ("[NH4+]", "not neutral and of"),
        ("[$(C=O)]", "write it as a SMILES"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_the_reason(text, reason):
    with pytest.raises(InputError, match=reason):
        keep_core(text)
    with pytest.raises(InputError, match="does not contain"):
        keep_core("CN", parse_smiles("CCO"))
