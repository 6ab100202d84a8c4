"""Geometries from SMILES have the atoms and bond lengths of the molecule."""

import numpy as np
import pytest

from mlmat.descriptors.coordinates import coordinates_with_charges
from mlmat.errors import CapacityError, SmilesError


def test_water_and_ethene_look_like_themselves():
    numbers, positions = coordinates_with_charges(["O", "C=C"])
    assert numbers.tolist() == [[8, 1, 1, 0, 0, 0], [6, 6, 1, 1, 1, 1]]
    assert np.linalg.norm(positions[0, 0] - positions[0, 1]) == pytest.approx(0.96, abs=0.03)
    assert np.linalg.norm(positions[1, 0] - positions[1, 1]) == pytest.approx(1.33, abs=0.03)
    np.testing.assert_array_equal(positions[0, 3:], 0)


def test_what_cannot_be_read_or_does_not_fit_is_named():
    with pytest.raises(SmilesError, match="C1CC"):
        coordinates_with_charges(["C1CC"])
    with pytest.raises(CapacityError, match="size=3"):
        coordinates_with_charges(["O"], size=2)
