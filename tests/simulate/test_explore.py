"""Choosing frames by disagreement."""

import ase
import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.simulate.explore import Explored, uncertain


def test_frames_are_the_most_uncertain_ones_apart_in_time():
    frames = [ase.Atoms("Ar", [[k, 0, 0]]) for k in range(10)]
    spread = np.array([0.1, 0.9, 0.8, 0.2, 0.1, 0.6, 0.1, 0.05, 0.7, 0.3])
    explored = Explored(frames, spread, "")
    taken = [int(one.positions[0, 0]) for one in uncertain(explored, 3, 0.25)]
    assert taken == [1, 5, 8]
    assert [int(one.positions[0, 0]) for one in uncertain(explored, 9, 0.65)] == [1, 8]
    assert uncertain(explored, 3, 2.0) == []
    with pytest.raises(InputError, match="at least one"):
        uncertain(explored, 0, 0.1)
