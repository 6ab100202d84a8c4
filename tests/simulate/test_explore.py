"""Choosing frames by disagreement."""

import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.simulate.explore import uncertain


def test_frames_are_the_most_uncertain_ones_apart_in_time():
    spread = np.array([0.1, 0.9, 0.8, 0.2, 0.1, 0.6, 0.1, 0.05, 0.7, 0.3])
    assert uncertain(spread, 3, 0.25) == [1, 5, 8]
    assert uncertain(spread, 9, 0.65) == [1, 8]
    assert uncertain(spread, 3, 2.0) == []
    assert uncertain(spread[:0], 3, 0.0) == []
    with pytest.raises(InputError, match="at least one"):
        uncertain(spread, 0, 0.1)
