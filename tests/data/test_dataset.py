"""The struct of arrays: lengths, units, ragged subsets, immutability."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlmat.data.dataset import Dataset
from mlmat.errors import DataError, InputError


def make(counts, **changes):
    total, items = sum(counts), len(counts)
    arrays = {
        "n_atoms": np.array(counts, np.uint8),
        "numbers": np.arange(total),
        "positions": np.arange(3.0 * total).reshape(total, 3),
        "energy": np.arange(items, dtype=float),
    } | changes
    units = {k: "eV" if k == "energy" else "Å" for k, v in arrays.items() if np.asarray(v).dtype.kind == "f"}
    return Dataset("toy", arrays, units, "nobody", "CC0", "here")


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20), st.data())
def test_subset_takes_whole_molecules(counts, data):
    whole = make(counts)
    indices = data.draw(st.lists(st.integers(-len(counts), len(counts) - 1), max_size=10))
    part = whole.subset(np.array(indices, int))
    assert len(part) == len(indices)
    for k, i in enumerate(indices):
        assert part["energy"][k] == whole["energy"][i]
        for mine, its in zip(part.molecule(k), whole.molecule(i), strict=True):
            np.testing.assert_array_equal(mine, its)


def test_subset_by_mask_and_pickle():
    part = make([1, 2, 3]).subset(np.array([True, False, True]))
    assert part["n_atoms"].tolist() == [1, 3]
    again = pickle.loads(pickle.dumps(part))
    assert again["positions"].tolist() == part["positions"].tolist()
    assert again.units == part.units


def test_nothing_can_be_changed():
    data = make([1, 2])
    with pytest.raises(ValueError, match="read-only"):
        data["energy"][0] = 1
    with pytest.raises(TypeError):
        data.arrays["energy"] = 1
    with pytest.raises(AttributeError):
        data.name = "other"
    with pytest.raises(ValueError, match="read-only"):
        data.molecule(0)[1][:] = 0


@pytest.mark.parametrize("indices", [[2], [-3], [0.5], [[0]], [True]])
def test_bad_indices(indices):
    with pytest.raises(InputError):
        make([1, 2]).subset(np.array(indices))


def test_bad_item_and_name():
    with pytest.raises(InputError, match="0 to 1"):
        make([1, 2]).molecule(2)
    with pytest.raises(DataError, match="it has energy"):
        make([1, 2])["gap"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"energy": np.zeros(3)}, "differ in length"),
        ({"numbers": np.zeros(4, int)}, "adds up to 3 atoms"),
        ({"charges": np.zeros(2)}, "adds up to 3 atoms"),
        ({"positions": np.zeros((3, 2))}, "must be"),
        ({"n_atoms": np.array([1.0, 2.0])}, "n_atoms must be"),
        ({"energy": np.array(1.0)}, "first axis"),
    ],
)
def test_lengths_are_checked(changes, message):
    with pytest.raises(DataError, match=message):
        make([1, 2], **changes)


def test_units_and_partial_geometry_are_checked():
    with pytest.raises(DataError, match="float arrays without unit"):
        Dataset("toy", {"gap": np.zeros(2)}, {}, "", "", "")
    with pytest.raises(DataError, match="units without array"):
        Dataset("toy", {"gap": np.zeros(2)}, {"gap": "eV", "homo": "eV"}, "", "", "")
    with pytest.raises(DataError, match="belong together"):
        Dataset("toy", {"n_atoms": np.ones(2, int)}, {}, "", "", "")


def test_without_geometry():
    data = Dataset("toy", {"smiles": np.array(["C", "O"])}, {}, "", "", "")
    assert len(data.subset(np.array([1]))) == 1
    with pytest.raises(InputError, match="no geometries"):
        data.molecule(0)
