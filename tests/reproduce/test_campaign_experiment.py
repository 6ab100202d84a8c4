"""The campaign experiment: means over seeds, and the figure it draws."""

import numpy as np
import pytest

from experiments.campaign.run import draw, over_seeds
from mlmat.design.campaign.table import DesignError, RoundSummary

UNITS = {"gap": "eV"}


def summary(number, mae, test, hits):
    error = DesignError(mae, mae - 0.1, mae + 0.1, 0.0, 40, test)
    return RoundSummary(number, 48, 48, 40, hits, (hits / 48 - 0.1, hits / 48 + 0.1), {"gap": error})


ROUNDS = {
    seed: [summary(1, 0.4 + 0.02 * seed, 0.2, 20 + seed), summary(2, 0.3, 0.2, 30)] for seed in (0, 1, 2)
}


def test_ratios_are_averaged_over_seeds_not_over_errors():
    found = {(m.variant, m.name): m for m in over_seeds(ROUNDS, UNITS)}
    ratio = found["round 1", "gap error on designs over test error"]
    assert ratio.value == pytest.approx(np.mean([0.40, 0.42, 0.44]) / 0.2)
    # Student's t with two degrees of freedom is 4.303.
    assert 1.96 * ratio.std == pytest.approx(4.303 * 0.1 / np.sqrt(3), rel=1e-3)
    assert (ratio.n_seeds, ratio.n_test) == (3, 120)
    assert found["round 1", "hit share"].value == pytest.approx(21 / 48)
    assert found["round 2", "gap error on designs (MAE)"].unit == "eV"


def test_few_seeds_have_no_interval():
    two = {seed: ROUNDS[seed] for seed in (0, 1)}
    assert all(metric.std is None for metric in over_seeds(two, UNITS))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_figure_is_drawn_for_any_number_of_seeds(tmp_path, count):
    draw({seed: ROUNDS[seed] for seed in range(count)}, tmp_path / "campaign.png", 0.01)
    assert (tmp_path / "campaign.png").stat().st_size > 5000
