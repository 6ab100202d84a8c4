"""Parts of the delta-learning experiment on a made-up system whose answer is known."""

import os

import numpy as np
import pytest

from experiments.delta_learning.curves import curves_of, draw_curves
from experiments.delta_learning.methods import METHODS, measure, methods_of, right_order, shown
from experiments.delta_learning.run import ALL_SYSTEMS, SIZES, parts, random_order
from experiments.delta_learning.summary import metrics_of
from experiments.delta_learning.systems import SYSTEMS, System
from mlmat.learners.local_kernels import Atoms

RANDOM = np.random.default_rng(0)
COUNTS = RANDOM.integers(1, 6, (120, 3)).astype(float)
SHAPE = RANDOM.normal(size=(120, 4))
ROUGH = 30 * RANDOM.normal(size=120)
Y = -24000 * COUNTS[:, 0] + 7 * COUNTS[:, 2] + ROUGH + 3 * np.abs(SHAPE[:, 0])
MADE_UP = System("a → b", "made up", Y, ROUGH, 100 * SHAPE, COUNTS[:, :2], COUNTS, False)
TRAIN, TEST = np.arange(90), np.arange(90, 120)


def error(name, system=MADE_UP):
    return measure(system, METHODS[name], TRAIN, TEST, 0, 4)["mae"]


def test_every_link_of_the_chain_takes_its_share():
    alone = error("no baseline: elements")
    assert alone > 15
    elements, bonds = error("baseline + elements"), error("baseline + elements + bonds and pairs")
    both = error("baseline + elements + bonds and pairs + kernel")
    assert both < bonds < elements < alone
    assert bonds == pytest.approx(3 * 0.48, abs=0.7)


def test_the_test_part_is_not_seen():
    """Other targets of test molecules change no prediction: errors shift by just that much."""
    shifted = MADE_UP._replace(y=np.where(np.arange(120) >= 90, Y + 1e5, Y))
    levels = np.stack([ROUGH + SHAPE[:, 0], ROUGH - SHAPE[:, 1]], axis=1)
    tried = 0
    for name, method in methods_of(MADE_UP._replace(levels=levels), few=True):
        if method.constants:
            found = measure(shifted._replace(levels=levels), method, TRAIN, TEST, 0, 4)["mae"]
            plain = measure(MADE_UP._replace(levels=levels), method, TRAIN, TEST, 0, 4)
            assert found == pytest.approx(1e5, abs=1.01 * plain["mae"]), name
            tried += 1
    assert tried == len(METHODS) - 3


def test_splits_share_no_molecule():
    system = MADE_UP._replace(same_zero=True)
    found = list(parts("b3lyp_experiment", system, 2, False))
    assert [kind for kind, *_ in found] == ["Kennard-Stone", "random", "random"]
    for _, _, train, test in found:
        assert sorted([*train, *test]) == list(range(120))
        assert len(train) == 100


def test_metrics_are_mean_and_spread_over_splits():
    cells = [
        {"system": "a → b", "dataset": "x", "split": "random", "number": k, "method": "baseline",
         "n_train": 5, "n_test": 2, "seconds": 1.0, "mae": 1.0 + k, "rmse": 2.0, "settings": {}}
        for k in range(3)
    ]  # fmt: skip
    first, second = metrics_of(cells)
    assert (first.name, first.value, first.std, first.n_seeds) == ("a → b: MAE", 2.0, 1.0, 3)
    assert second.std == 0.0


def test_embedded_system():
    system = SYSTEMS["hf_mp2"]()
    assert len(system.y) == 2010
    assert system.counts.shape[1] > system.elements.shape[1] + 5
    # Correlation is a small share of the energy.
    assert (system.y < system.baseline).all()
    assert np.abs(system.y / system.baseline - 1).max() < 0.01


def test_another_baseline_that_knows_the_rest_is_used():
    rest = MADE_UP._replace(levels=(ROUGH + 3 * np.abs(SHAPE[:, 0]) + 500 * COUNTS[:, 0])[:, None])
    assert error("several baselines + linear", rest) < 0.2
    # The networks learn it, too, but not to the last digit.
    alone = error("baseline + bootstrapped networks", rest._replace(y=Y + 24000 * COUNTS[:, 0]))
    assert error("several baselines + bootstrapped networks", rest) < 0.5 * alone


def test_methods_fit_the_system():
    names = [name for name, _ in methods_of(MADE_UP, few=False)]
    assert "baseline" not in names
    assert not any("network" in name or "several" in name or "atoms" in name for name in names)
    intensive = MADE_UP._replace(intensive=True)
    assert shown("baseline + elements + kernel", intensive) == "baseline + one constant + kernel"
    assert shown("baseline + elements + kernel", MADE_UP) == "baseline + elements + kernel"


def test_groups_stay_on_one_side():
    groups = np.repeat(np.arange(40), 3)[RANDOM.permutation(120)]
    order = random_order(MADE_UP._replace(groups=groups), 1)
    assert sorted(order) == list(range(120))
    assert not set(groups[order[:60]]) & set(groups[order[60:]])
    assert (order != random_order(MADE_UP._replace(groups=groups), 2)).any()


def test_pairs_in_the_right_order():
    y = np.array([1.0, 2.0, 3.0, 3.0])
    assert right_order(y, y) == 1.0
    assert right_order(-y, y) == 0.0
    # One of five pairs that have an order is swapped.
    assert right_order(np.array([2.0, 1.0, 3.0, 4.0]), y) == pytest.approx(0.8)


def test_kernel_of_atoms_learns_a_sum_over_atoms():
    n_atoms = RANDOM.integers(2, 6, 120)
    x, numbers = RANDOM.normal(size=(n_atoms.sum(), 2)), RANDOM.choice([1, 6], n_atoms.sum())
    each = np.where(numbers == 6, np.sin(x[:, 0]), 2 + np.cos(x[:, 1]))
    y = ROUGH + np.add.reduceat(each, np.cumsum(n_atoms) - n_atoms)
    system = MADE_UP._replace(y=y, atoms=Atoms(x, numbers, n_atoms), geometry=(numbers, x))
    assert "baseline + elements + kernel of atoms" in dict(methods_of(system, few=False))
    assert error("baseline + elements + kernel of atoms", system) < 0.2 * np.std(y - ROUGH)


def test_curves_are_means_over_splits(tmp_path):
    cells = [
        {"system": "a → b", "method": method, "split": "random", "n_train": n, "mae": 8 / n + split}
        for method in ("baseline + elements + kernel", "something else")
        for n in (2, 4, 8)
        for split in (0, 1)
    ]
    assert curves_of(cells) == {"a → b": {"baseline + elements + kernel": [(2, 4.5), (4, 2.5), (8, 1.5)]}}
    draw_curves(cells, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 5_000
    draw_curves(cells[:2], tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def test_every_system_has_sizes():
    assert set(ALL_SYSTEMS) == set(SIZES)


@pytest.mark.skipif("MLMAT_DATA" not in os.environ, reason="needs the public data: set MLMAT_DATA")
def test_dyes_of_a_split_are_new():
    system = ALL_SYSTEMS["dyes"]()
    for _, _, train, test in parts("dyes", system, 1, False):
        assert not set(system.groups[train]) & set(system.groups[test])
    # The published scatter between the two.
    assert np.std(system.y - system.baseline) == pytest.approx(0.42, abs=0.05)
