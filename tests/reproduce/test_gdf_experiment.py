"""The experiment on weighted forces: parts that do not overlap, gains of the same seed."""

from itertools import combinations

import numpy as np
import pytest

from experiments.simple_nn_gdf import cold
from experiments.simple_nn_gdf.run import metrics_of
from experiments.simple_nn_gdf.sets import FEW, few_defects
from mlmat.data.registry import load
from mlmat.errors import DataError
from mlmat.potentials import stillinger_weber
from mlmat.potentials.calculator import evaluate_atoms


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


def test_frames_of_the_cold_crystal_are_in_one_part_and_read_again(tmp_path):
    counts = {"train": (2, 1), "validation": (1, 1), "test": (1, 2)}
    task, parts = cold.cold_crystal(3, tmp_path, counts)
    assert [part.tolist() for part in parts] == [[0, 1, 2], [3, 4], [5, 6, 7]]
    assert [len(atoms) for atoms in task.items] == [64, 64, 63, 64, 63, 64, 63, 63]
    positions = [atoms.positions for atoms in task.items if len(atoms) == 64]
    assert min(abs(a - b).max() for a, b in combinations(positions, 2)) > 0.05
    potential = stillinger_weber()
    for atoms, energy, forces in zip(task.items, task.targets[:, 0], task.forces, strict=True):
        found = evaluate_atoms(potential, atoms)
        np.testing.assert_allclose(energy, found[0], rtol=1e-6)
        np.testing.assert_allclose(forces, found[1], atol=1e-4)
    sizes = {path: path.stat().st_size for path in tmp_path.rglob("*.extxyz")}
    again, _ = cold.cold_crystal(3, tmp_path, counts)
    np.testing.assert_array_equal(again.targets, task.targets)
    assert {path: path.stat().st_size for path in tmp_path.rglob("*.extxyz")} == sizes


def test_gains_are_of_the_same_seed():
    errors = {
        ("unweighted", "rarest tenth"): [0.4, 0.8, 0.6],
        ("weighted", "rarest tenth"): [0.2, 0.6, 0.6],
    }
    found = {
        m.variant + m.name: m for m in metrics_of("few defects", errors, {"rarest tenth": 9, "train": 5}, 8)
    }
    gain = found["weighted, rarest tenthless than unweighted, few defects"]
    assert gain.value == pytest.approx((0.5 + 0.25 + 0.0) / 3)
    assert gain.n_seeds == 3
    assert found["unweighted, rarest tenthforces RMSE, few defects"].value == pytest.approx(0.6)
    assert "unweighted, rarest tenthless than unweighted, few defects" not in found
