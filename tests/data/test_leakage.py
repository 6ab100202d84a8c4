"""Leakage: what is counted, what is shown, what is not called a leak."""

import pytest

from mlmat.data.leakage import Leak, leakage, leakage_summary, smiles_leakage
from mlmat.errors import SmilesError


def test_shared_items_are_counted_in_the_later_part():
    parts = {"train": ["a", "b", "b"], "validation": ["c", "a", "d", "a"], "test": ["b", "e"]}
    assert leakage(parts) == [
        Leak("train", "validation", 2, ("a",), "identity", 0.5),
        Leak("train", "test", 1, ("b",), "identity", 0.5),
    ]


def test_repetitions_inside_a_part_and_missing_identities_are_no_leak():
    assert leakage({"train": ["a", "a", None], "test": [None, "b", "b"]}) == []
    assert leakage({"train": [], "test": []}) == []


def test_any_hashable_is_an_identity():
    (leak,) = leakage({"train": [(1, 2), 3], "test": [(1, 2)]})
    assert leak.examples == ("(1, 2)",)


def test_another_spelling_of_a_molecule_is_the_same_molecule():
    (leak,) = smiles_leakage({"train": ["OCC", "CC"], "test": ["C(O)C", "CCN"]})
    assert (leak.count, leak.examples, leak.kind) == (1, ("C(O)C",), "identity")


def test_near_duplicates_have_equal_fingerprints():
    leaks = smiles_leakage({"train": ["C[C@H](N)C(=O)O", "CCO"], "test": ["C[C@@H](N)C(=O)O", "OCC", "CCS"]})
    assert [(leak.kind, leak.count, leak.examples) for leak in leaks] == [
        ("identity", 1, ("OCC",)),
        ("fingerprint", 1, ("C[C@@H](N)C(=O)O",)),
    ]


def test_an_unreadable_molecule_is_named():
    with pytest.raises(SmilesError, match="C1CC"):
        smiles_leakage({"train": ["CC"], "test": ["C1CC"]})


def test_the_summary_is_plain():
    assert leakage_summary([]).startswith("No item")
    text = leakage_summary(smiles_leakage({"train": ["CCO", "N[C@H](C)O"], "test": ["OCC", "N[C@@H](C)O"]}))
    assert text == (
        "1 test item (50 %) is also in train, e.g. OCC.\n"
        "1 test item (50 %) has a near twin in train (equal Morgan fingerprint), e.g. N[C@@H](C)O."
    )
