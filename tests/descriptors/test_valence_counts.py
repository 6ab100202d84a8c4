"""Elements, bonds and electron pairs of molecules whose Lewis structure is known."""

import numpy as np
import pytest
from ase.build import molecule

from mlmat.descriptors.valence_counts import find_kinds, valence_counts
from mlmat.errors import InputError


def structures(*names):
    return [(molecule(name).numbers, molecule(name).positions) for name in names]


def test_known_molecules():
    found = structures("CH3CH2OH", "H2O", "HCN", "LiF")
    kinds = find_kinds(found)
    rows = [dict(zip(kinds.names(), row, strict=True)) for row in valence_counts(found, kinds)]
    ethanol = {"H": 6, "C": 2, "O": 1, "H-C": 5, "C-C": 1, "C-O": 1, "H-O": 1, "electron pairs": 10}
    assert {k: v for k, v in rows[0].items() if v} == ethanol
    assert {k: v for k, v in rows[1].items() if v} == {"H": 2, "O": 1, "H-O": 2, "electron pairs": 4}
    assert {k: v for k, v in rows[2].items() if v} == {
        "H": 1, "C": 1, "N": 1, "H-C": 1, "C-N": 1, "electron pairs": 5
    }  # fmt: skip
    assert rows[3]["electron pairs"] == 4


def test_order_of_atoms_and_place_do_not_matter():
    numbers, positions = structures("CH3CH2OH")[0]
    order = np.random.default_rng(0).permutation(len(numbers))
    moved = positions[order] + [3.0, -1.0, 20.0]
    kinds = find_kinds([(numbers, positions)])
    pair = valence_counts([(numbers, positions), (numbers[order], moved)], kinds)
    np.testing.assert_array_equal(pair[0], pair[1])


def test_two_molecules_far_apart_add_up():
    (za, ra), (zb, rb) = structures("CH3CH2OH", "H2O")
    kinds = find_kinds([(za, ra), (zb, rb)])
    both = np.concatenate([za, zb]), np.concatenate([ra, rb + 50])
    a, b, ab = valence_counts([(za, ra), (zb, rb), both], kinds)
    np.testing.assert_array_equal(a + b, ab)


def test_unpaired_electrons():
    found = structures("O2", "NO", "CH3")
    kinds = find_kinds(found)
    assert valence_counts(found, kinds)[:, -2:].tolist() == [[6, 0], [5, 1], [3, 1]]
    assert valence_counts(found, kinds, np.array([2, 1, 1]))[0, -2:].tolist() == [5, 2]
    with pytest.raises(InputError, match="multiplicity"):
        valence_counts(found, kinds, np.array([1, 1, 1]))


def test_rare_bonds_have_no_column():
    found = structures("H2O", "H2O", "CH4")
    assert find_kinds(found, least=2).bonds == ((1, 8),)
