"""The experiment on weighted forces: parts that do not overlap, gains of the same seed."""

import numpy as np
import pytest

from experiments.simple_nn_gdf.run import metrics_of
from experiments.simple_nn_gdf.sets import FEW, few_defects
from mlmat.data.registry import load
from mlmat.errors import DataError


@pytest.mark.parametrize("seed", [0, 1])
def test_few_defects_are_few_and_in_no_other_part(seed):
    try:
        data = load("mlearn_si")
    except DataError as error:
        pytest.skip(str(error))
    parts = few_defects(data, seed)
    rows = np.concatenate(parts)
    assert len(set(rows.tolist())) == len(rows)
    holes = np.asarray(data["group"]) == "Vacancy"
    assert [int(holes[part].sum()) for part in parts] == [FEW, FEW, int(holes.sum()) - 2 * FEW]
    assert set(np.asarray(data["split"])[parts.train[:-FEW]]) == {"training"}


def test_gains_are_of_the_same_seed():
    errors = {
        ("unweighted", "rarest tenth"): [0.4, 0.8, 0.6],
        ("weighted", "rarest tenth"): [0.2, 0.6, 0.6],
    }
    found = {
        m.variant + m.name: m for m in metrics_of("few defects", errors, {"rarest tenth": 9, "train": 5})
    }
    gain = found["weighted, rarest tenthless than unweighted, few defects"]
    assert gain.value == pytest.approx((0.5 + 0.25 + 0.0) / 3)
    assert gain.n_seeds == 3
    assert found["unweighted, rarest tenthforces RMSE, few defects"].value == pytest.approx(0.6)
    assert "unweighted, rarest tenthless than unweighted, few defects" not in found
