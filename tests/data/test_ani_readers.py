"""ANI-1 conformations: layout, units, broken files, and the set at hand."""

import os

import numpy as np
import pytest

from mlmat.data.ani_readers import read_ani1
from mlmat.data.registry import load
from mlmat.errors import DataError
from mlmat.units import HARTREE


def test_conformations_follow_each_other(tmp_path):
    places = np.arange(18.0).reshape(2, 3, 3)
    np.savez(tmp_path / "a.npz", Z_OHH=np.array([8, 1, 1]), R_OHH=places, E_OHH=np.array([-76.0, -75.5]))
    found = read_ani1([tmp_path / "a.npz"])
    np.testing.assert_array_equal(found["numbers"], [8, 1, 1, 8, 1, 1])
    np.testing.assert_array_equal(found["positions"], places.reshape(6, 3))
    np.testing.assert_allclose(found["energy"], [-76.0 * HARTREE, -75.5 * HARTREE])
    assert found["group"].tolist() == ["OHH", "OHH"]


@pytest.mark.parametrize("broken", [{}, {"Z_OHH": np.ones(3)}])
def test_a_file_without_its_arrays_is_refused(tmp_path, broken):
    np.savez(tmp_path / "a.npz", **broken)
    with pytest.raises(DataError):
        read_ani1([tmp_path / "a.npz"])


@pytest.mark.skipif("MLMAT_DATA" not in os.environ, reason="needs the data in MLMAT_DATA")
def test_the_set_is_what_the_catalogue_says():
    data = load("ani1_small", download=False)
    assert len(data) == 27_909
    water = data["group"] == "OHH"
    assert water.sum() == 1800
    assert np.ptp(data["energy"][water]) == pytest.approx(25.9 * 0.0433641, rel=0.01)  # kcal/mol → eV
    numbers, positions = data.molecule(int(np.flatnonzero(water)[0]))
    assert numbers.tolist() == [8, 1, 1]
    assert 0.8 < np.linalg.norm(positions[1] - positions[0]) < 1.33
