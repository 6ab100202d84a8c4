"""Sources of plain arrays: every row once an epoch, missing targets and padding without weight."""

import jax
import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.training.arrays import array_source


def rows_of(source, epoch):
    (chunk,) = source.chunks(epoch)
    found = []
    for step in range(source.steps):
        item = jax.tree.map(lambda leaf, step=step: leaf[step], chunk)
        found.append(source.prepare(source.data, item, None))
    return found


def test_each_row_comes_once_and_padding_has_no_weight():
    x, y = np.arange(10.0).reshape(5, 2), np.array([[0.0], [1.0], [np.nan], [3.0], [4.0]])
    found = rows_of(array_source({"x": x}, y, 2, assemble=lambda rows: rows["x"] + 1), 0)
    weights = np.concatenate([one.weights for one in found])[:, 0]
    assert weights.tolist() == [1, 1, 0, 1, 1, 0]
    np.testing.assert_array_equal(np.concatenate([one.batch for one in found])[:5], x + 1)
    assert np.isfinite(np.concatenate([one.targets for one in found])).all()


def test_a_seed_draws_a_new_order_each_epoch():
    source = array_source(np.arange(8.0), np.arange(8.0)[:, None], 4, seed=1)
    orders = [np.concatenate([one.batch for one in rows_of(source, epoch)]) for epoch in (0, 1, 0)]
    assert sorted(orders[0]) == list(range(8))
    assert orders[0].tolist() == orders[2].tolist() != orders[1].tolist()


def test_different_lengths_are_refused():
    with pytest.raises(InputError, match="one row for each"):
        array_source(np.zeros((3, 2)), np.zeros((4, 1)), 2)
