"""One-hot vectors of the elements."""

import numpy as np
import pytest

from mlmat.descriptors.element_vectors import element_vectors
from mlmat.elements import table
from mlmat.errors import InputError


def test_length_and_parts():
    vectors = element_vectors(tuple(table())[:94])
    assert vectors.shape == (94, 92)
    assert set(np.unique(vectors)) == {0.0, 1.0}
    assert (vectors.sum(axis=1) <= 9).all()


def test_what_the_bits_mean():
    carbon, silicon, iron = element_vectors(("C", "Si", "Fe"))
    assert carbon[13] == silicon[13] == 1  # group 14
    assert carbon[18 + 1] == silicon[18 + 2] == 1  # periods 2 and 3
    assert carbon.sum() == 9
    assert iron[7] == iron[78 + 2] == 1  # group 8, d block


def test_elements_differ():
    vectors = element_vectors(tuple(table())[:54])
    assert len({tuple(row) for row in vectors}) == 54


def test_unknown():
    with pytest.raises(InputError):
        element_vectors(("Xx",))
