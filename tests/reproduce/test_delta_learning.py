"""Parts of the delta-learning experiment on a made-up system whose answer is known."""

import numpy as np
import pytest

from experiments.delta_learning.methods import METHODS, measure
from experiments.delta_learning.run import parts
from experiments.delta_learning.summary import metrics_of
from experiments.delta_learning.systems import SYSTEMS, System

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
    for method in METHODS.values():
        if method.constants:
            found = measure(shifted, method, TRAIN, TEST, 0, 4)["mae"]
            plain = measure(MADE_UP, method, TRAIN, TEST, 0, 4)
            assert found == pytest.approx(1e5, abs=1.01 * plain["mae"])


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
