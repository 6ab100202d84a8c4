"""Path fingerprints count what can be counted by hand."""

import numpy as np

from mlmat.graphs.fingerprints import path_counts


def test_paths_of_propane_are_counted():
    """Two single bonds, one path of two: each sets RDKit's two bits."""
    counts = path_counts(["CCC", "CC"], size=4096)
    assert counts.dtype == np.float32
    assert sorted(counts[0][counts[0] > 0]) == [1, 1, 2, 2]
    assert sorted(counts[1][counts[1] > 0]) == [1, 1]


def test_longer_paths_are_left_out_and_order_does_not_matter():
    short, long = (path_counts(["CCCO"], longest=k) for k in (1, 3))
    assert short.sum() < long.sum()
    np.testing.assert_array_equal(path_counts(["OCCC"]), path_counts(["CCCO"]))
