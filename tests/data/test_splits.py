"""Splits are partitions, repeatable, close to the wanted shares, and never cut a group."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmat.data.dataset import Dataset
from mlmat.data.splits import Split, group_split, kfold, random_split, skeleton_split, split, stratified_split
from mlmat.errors import InputError, SmilesError, TargetError

THIRDS = (0.5, 0.25, 0.25)
seeds = st.integers(0, 2**32 - 1)


def assert_partition(parts, count):
    assert sorted(np.concatenate(parts).tolist()) == list(range(count))


@given(st.integers(20, 300), seeds)
def test_random(count, seed):
    parts = random_split(count, seed=seed)
    assert_partition(parts, count)
    np.testing.assert_allclose(parts.fractions, (0.8, 0.1, 0.1), atol=1 / count)
    for mine, again in zip(parts, random_split(count, seed=seed), strict=True):
        np.testing.assert_array_equal(mine, again)


def test_the_seed_matters():
    assert random_split(100, seed=0).test.tolist() != random_split(100, seed=1).test.tolist()


@given(st.integers(10, 400), seeds)
def test_stratified(count, seed):
    values = np.random.default_rng(seed).normal(size=count)
    parts = stratified_split(values, seed=seed)
    assert_partition(parts, count)
    assert all(len(part) for part in parts)


def test_stratified_parts_look_alike():
    values = np.random.default_rng(0).permutation(np.exp(np.linspace(0, 5, 1000)))
    shares = [
        np.histogram(values[part], np.quantile(values, np.linspace(0, 1, 11)))[0]
        for part in stratified_split(values)
    ]
    assert np.ptp(shares[2]) <= 1  # every decile gives the test set the same number
    assert np.ptp(shares[0]) <= 1


@given(st.lists(st.integers(0, 30), min_size=1, max_size=300), seeds)
def test_groups_are_never_cut(groups, seed):
    try:
        parts = group_split(groups, THIRDS, seed)
    except InputError as error:
        assert "nothing left" in str(error)  # noqa: PT017
        return
    assert_partition(parts, len(groups))
    sides = [{groups[i] for i in part} for part in parts]
    assert sum(map(len, sides)) == len(set(groups))
    # Each side is filled only while below its share, so it is over by one group at most.
    largest = max(np.unique(groups, return_counts=True)[1])
    for part, share in zip(parts, THIRDS, strict=True):
        assert len(part) <= share * len(groups) + largest
    for mine, again in zip(parts, group_split(groups, THIRDS, seed), strict=True):
        np.testing.assert_array_equal(mine, again)


def test_many_small_groups_and_a_big_one_reach_the_shares():
    groups = [0] * 300 + [i // 3 for i in range(3, 700)]
    np.testing.assert_allclose(group_split(groups).fractions, (0.8, 0.1, 0.1), atol=0.01)


def test_skeletons_go_to_one_side():
    # Bonds, elements and charges are erased: each line is one skeleton.
    families = [
        ["CCC", "CC=C", "CCO", "NC=[NH2+]"],
        ["C1CC1", "C1OC1", "C1[SiH2]C1"],
        ["CCCC", "OCCO", "C=CC=C"],
        ["CC(C)C", "CC(=O)N"],
        ["c1ccccc1", "C1CCCCC1", "c1ccncc1"],
    ]
    smiles = [s for family in families for s in family]
    label = np.repeat(np.arange(len(families)), [len(family) for family in families])
    for seed in range(10):
        parts = skeleton_split(smiles, THIRDS, seed)
        assert_partition(parts, len(smiles))
        assert sum(len(set(label[part])) for part in parts) == len(families)


def test_skeleton_of_no_molecule():
    with pytest.raises(SmilesError):
        skeleton_split(["CC", "C(("])
    with pytest.raises(SmilesError):
        skeleton_split(["CC", ""])


@given(st.integers(5, 100), st.integers(2, 5), seeds)
def test_kfold(count, folds, seed):
    pairs = kfold(count, folds, seed)
    assert_partition([test for _, test in pairs], count)
    for train, test in pairs:
        assert_partition([train, test], count)
        assert abs(len(test) - count / folds) < 1


def test_kfold_by_group():
    groups = np.repeat(np.arange(12), 5)
    for train, test in kfold(60, 4, groups=groups.tolist()):
        assert not set(groups[train]) & set(groups[test])
        assert len(test) == 15


@pytest.mark.parametrize("fractions", [(0.8, 0.1), (0.8, 0.1, 0.2), (1.1, -0.1, 0.0), (np.nan, 0.5, 0.5), ()])
def test_bad_fractions(fractions):
    with pytest.raises(InputError, match="fractions must be"):
        random_split(100, fractions)


def test_empty_and_too_small():
    for count in (0, -1):
        with pytest.raises(InputError, match="empty set"):
            random_split(count)
    with pytest.raises(InputError, match="nothing left for validation, test"):
        random_split(2)
    with pytest.raises(InputError, match="nothing left"):
        group_split([0] * 50)
    assert len(random_split(2, (0.5, 0, 0.5)).validation) == 0
    for folds in (1, 4):
        with pytest.raises(InputError, match="between 2 and 3"):
            kfold(3, folds)


def test_nan_target():
    with pytest.raises(TargetError, match="NaN"):
        stratified_split(np.array([1.0, np.nan] * 20))


class TestSplit:
    data = Dataset(
        "toy",
        {"smiles": np.array(["C" * (1 + i % 20) for i in range(200)]), "gap": np.arange(200.0)},
        {"gap": "eV"}, "", "", "",
    )  # fmt: skip

    @pytest.mark.parametrize(
        ("by", "options"),
        [
            ("random", {}),
            ("stratified", {"target": "gap"}),
            ("group", {"groups": "smiles"}),
            ("skeleton", {}),
        ],
    )
    def test_by(self, by, options):
        parts = split(self.data, by, seed=1, **options)
        assert isinstance(parts, Split)
        assert_partition(parts, 200)

    def test_group_by_label_equals_skeleton_here(self):
        by_group, by_skeleton = split(self.data, "group", groups="smiles"), split(self.data, "skeleton")
        assert all((a == b).all() for a, b in zip(by_group, by_skeleton, strict=True))

    def test_own_values(self):
        assert_partition(split(50, "stratified", target=np.arange(50.0)), 50)
        assert len(split(50, "kfold", folds=3, groups=[i % 7 for i in range(50)])) == 3

    def test_mistakes(self):
        for message, options in (
            ("choose random", {"by": "scaffold"}),
            ("needs target=", {"by": "stratified"}),
            ("needs groups=", {"by": "group"}),
            ("needs a data set", {"data": 5, "by": "skeleton"}),
            ("2 values for 200 items", {"by": "group", "groups": [1, 2]}),
        ):
            with pytest.raises(InputError, match=message):
                split(**({"data": self.data} | options))
