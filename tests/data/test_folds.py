"""Splits by name: partitions that keep equal items, groups and skeletons together."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mlmat.data.folds import grouped_split, joined, k_folds, nested, split_by_name
from mlmat.data.leakage import leakage
from mlmat.errors import InputError, SmilesError


def assert_partition(parts, count):
    assert sorted(np.concatenate(parts).tolist()) == list(range(count))


def leaks(split, labels):
    return leakage({name: [labels[i] for i in part] for name, part in split._asdict().items()})


@given(st.lists(st.integers(0, 80), min_size=40, max_size=90), st.integers(0, 9))
@settings(max_examples=30)
def test_duplicates_stay_together(identity, seed):
    assume(len(set(identity)) > 20)
    split = grouped_split(identity, (0.6, 0.2, 0.2), seed)
    assert_partition(split, len(identity))
    assert not leaks(split, identity)
    for a, b in zip(split, grouped_split(identity, (0.6, 0.2, 0.2), seed), strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_duplicates_the_shares_are_exact():
    split = grouped_split([f"item {i}" for i in range(1000)], seed=3)
    assert [len(part) for part in split] == [800, 100, 100]
    assert grouped_split([None] * 1000, seed=3).test.tolist() == split.test.tolist()


def test_joined_follows_chains():
    labels = joined(["a", "a", "b", "c", None, None], [1, 2, 2, 3, 4, 4])
    assert labels.tolist() == [0, 0, 0, 3, 4, 4]
    with pytest.raises(InputError, match="length"):
        joined(["a"], [1, 2])


def test_groups_and_duplicates_both_stay_together():
    random = np.random.default_rng(0)
    identity = random.integers(0, 300, 400).tolist()
    solvent = [f"s{i}" for i in random.integers(0, 200, 400)]
    solvent[5:30] = [None] * 25
    (split,) = split_by_name("group:solvent", None, identity, {"solvent": solvent}, (0.4, 0.3, 0.3))
    assert_partition(split, 400)
    assert not leaks(split, identity)
    assert not leaks(split, solvent)


def test_skeletons_stay_together():
    smiles = ["CCC", "CCO", "CC=O", "C1CC1", "C1CO1", "CCCC", "CCCO", "C1CCC1", "C1CCO1", "CC(C)C"] * 2
    (split,) = split_by_name("skeleton", smiles, smiles, None, (0.6, 0.2, 0.2))
    assert_partition(split, 20)
    for family in (("CCC", "CCO", "CC=O"), ("C1CC1", "C1CO1"), ("CCCC", "CCCO")):
        sides = [{smiles[i] for i in part} & set(family) for part in split]
        assert sum(map(bool, sides)) == 1
    with pytest.raises(InputError, match="SMILES"):
        split_by_name("skeleton", None, smiles)
    with pytest.raises(SmilesError):
        split_by_name("skeleton", ["C1CC"], ["C1CC"])


@pytest.mark.parametrize(("name", "folds"), [("kfold", 5), ("kfold:3", 3)])
def test_folds_test_every_item_once(name, folds):
    identity = np.random.default_rng(1).integers(0, 80, 120).tolist()
    splits = split_by_name(name, None, identity, seed=2)
    assert len(splits) == folds
    np.testing.assert_array_equal(np.sort(np.concatenate([s.test for s in splits])), np.arange(120))
    for split in splits:
        assert_partition(split, 120)
        assert not leaks(split, identity)
        assert len(split.validation) == pytest.approx(len(split.train) / 8, abs=4)


@pytest.mark.parametrize("name", ["scaffold", "random:3", "kfold:x", "kfold:1", "group", "group:dye", ""])
def test_a_bad_name_says_what_there_is(name):
    with pytest.raises(InputError, match=r"choose random|folds must|there are solvent"):
        split_by_name(name, None, list(range(50)), {"solvent": list(range(50))})


def test_an_empty_part_is_refused():
    with pytest.raises(InputError, match="nothing left"):
        split_by_name("random", None, ["one item"] * 30)


@pytest.mark.parametrize("what", [60, [i // 2 for i in range(60)]])
def test_nested_folds_never_see_the_outer_test(what):
    outer = list(nested(what, 5, 3, seed=4))
    np.testing.assert_array_equal(np.sort(np.concatenate([fold.test for fold in outer])), np.arange(60))
    for fold in outer:
        assert_partition((fold.train, fold.test), 60)
        np.testing.assert_array_equal(
            np.sort(np.concatenate([validation for _, validation in fold.inner])), fold.train
        )
        for train, validation in fold.inner:
            assert not set(train) & set(validation)
            assert set(train) | set(validation) == set(fold.train)
            if not isinstance(what, int):
                assert not {i // 2 for i in train} & {i // 2 for i in validation}
    assert len(k_folds(what, 5, 4)) == 5
