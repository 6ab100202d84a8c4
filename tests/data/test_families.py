"""Families of structures, and the splits that hold them together."""

import ase
import numpy as np
import pytest
from ase.build import bulk, molecule

from mlmat.data.families import FAMILIES, anion, chemical_system, family_labels, reduced_formula
from mlmat.data.folds import label_of, split_by_name
from mlmat.errors import InputError

PEROVSKITE = ase.Atoms("CaTiO3", np.random.default_rng(0).uniform(0, 3.8, (5, 3)), cell=[3.8] * 3, pbc=True)


def test_labels_by_hand():
    big = PEROVSKITE * (2, 1, 1)
    assert [f(big) for f in (reduced_formula, chemical_system, anion)] == ["CaO3Ti", "Ca-O-Ti", "O"]
    assert family_labels("formula", [PEROVSKITE, big, bulk("Cu")]) == ["CaO3Ti", "CaO3Ti", "Cu"]
    assert anion(bulk("NaCl", "rocksalt", 5.64)) == "Cl"
    assert anion(bulk("Cu") * (2, 2, 2)) == "element"
    assert anion(molecule("CH3OH")) == "O"
    assert anion(ase.Atoms("HeNe", [[0, 0, 0], [0, 0, 3]])) == "none"


def test_label_of_a_split():
    names = (
        "random",
        "group:x",
        "kfold",
        "kfold:3",
        "kfold:3:system",
        "kfold::a",
        "leave-out:anion",
        "skeleton",
    )
    assert [label_of(name) for name in names] == [None, "x", None, None, "system", "a", "anion", None]


def kinds():
    """Forty structures of five anions."""
    anions = ["O", "S", "N", "F", "Cl"]
    return [bulk("Mg" + anions[k % 5], "rocksalt", 4.2 + 0.01 * k) for k in range(40)]


@pytest.mark.parametrize("name", ["leave-out:anion", "kfold:5:anion", "kfold:3:anion", "group:anion"])
def test_no_family_is_in_two_parts(name):
    items = kinds()
    labels = np.array(family_labels("anion", items))
    splits = split_by_name(name, None, list(range(40)), {"anion": labels.tolist()}, (0.6, 0.2, 0.2), 1)
    assert (
        len(splits) == {"leave-out:anion": 5, "kfold:5:anion": 5, "kfold:3:anion": 3, "group:anion": 1}[name]
    )
    for split in splits:
        sets = [set(labels[part]) for part in split]
        assert sum(map(len, sets)) == len(set.union(*sets))
        assert sorted(np.concatenate(split)) == list(range(40))
    if len(splits) > 1:
        assert sorted(np.concatenate([split.test for split in splits])) == list(range(40))
    if len(splits) == 5:
        assert sorted(label for split in splits for label in set(labels[split.test])) == sorted(set(labels))


def test_what_is_refused():
    with pytest.raises(InputError, match="no column 'anion'"):
        split_by_name("kfold:3:anion", None, list(range(9)), {})
    with pytest.raises(InputError, match="use kfold:5:system"):
        split_by_name("leave-out:system", None, list(range(40)), {"system": list(range(40))})
    with pytest.raises(InputError, match="unknown split"):
        split_by_name("leave-out", None, list(range(9)))
    assert FAMILIES == ("formula", "system", "anion")
