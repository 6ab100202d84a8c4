"""Training: it learns, it resumes to the same numbers, it refuses bad targets."""

import jax
import numpy as np
import pytest

from mlmat.data import small_organics
from mlmat.errors import DataError, InputError, TargetError
from mlmat.training.config import TrainingConfig
from mlmat.training.ensemble import train_ensemble
from mlmat.training.molecules import augmented, gather, molecule_set

CONFIG = TrainingConfig(members=2, epochs=4, batch=32, learning_rate=5e-3, ema=0.8)


@pytest.fixture(scope="module")
def sets():
    data = small_organics.load()
    rows = np.arange(0, len(data), 25)
    parts = rows[::2], rows[1::2]
    return tuple(molecule_set(data["smiles"][r].tolist(), data["gap"][r][:, None], 10) for r in parts)


def train(sets, **more):
    more = {"features": 16, "layers": 2} | more
    return train_ensemble(*sets, more.pop("config", CONFIG), properties=("gap",), units=("eV",), **more)


@pytest.fixture(scope="module")
def whole(sets):
    return train(sets)


def test_it_learns(sets, whole):
    _, history = whole
    targets = np.asarray(sets[1].targets)
    mean_only = np.abs(targets - np.asarray(sets[0].targets).mean()).mean()
    assert history[-1]["validation MAE gap"] < 0.8 * mean_only
    assert history[-1]["loss"] < history[0]["loss"]


def test_an_interrupted_run_ends_with_the_same_numbers(sets, whole, tmp_path):

    class Killed(Exception):
        pass

    def kill(info):
        if info["epoch"] == 3:
            raise Killed

    state = tmp_path / "run.state"
    with pytest.raises(Killed):  # dies between epochs 3 and 4
        train(sets, checkpoint=state, report=kill)
    epochs = []
    resumed, history = train(sets, checkpoint=state, report=lambda info: epochs.append(info["epoch"]))
    assert epochs == [4]
    assert [row["epoch"] for row in history] == [1, 2, 3, 4]
    for one, two in zip(jax.tree.leaves(whole[0].variables), jax.tree.leaves(resumed.variables), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_damaged_or_foreign_state_is_refused(sets, tmp_path):
    state = tmp_path / "run.state"
    state.write_bytes(b"torn")
    with pytest.raises(DataError, match="damaged"):
        train(sets, checkpoint=state)


def test_members_differ(sets, whole):
    graph = gather(sets[1], np.arange(5), np.zeros(5, int))
    one, two = np.asarray(jax.jit(type(whole[0]).each)(whole[0], graph))
    assert np.abs(one - two).max() > 1e-3


def test_augmented_graphs_keep_every_row_sum():
    """A mixture of two Kekulé forms bonds every atom exactly as often as each form."""
    molecules = molecule_set(["Cc1ccccc1", "CCO"], np.zeros((2, 1)), 8)
    rows = np.tile([0, 1], 20)
    graph = jax.jit(augmented)(molecules, rows, jax.random.key(0))
    plain = gather(molecules, rows, np.zeros(40, int))
    np.testing.assert_allclose(graph.bonds.sum(-1), plain.bonds.sum(-1), atol=1e-5)
    fractional = np.abs(graph.bonds - np.round(graph.bonds)).max(axis=(1, 2))
    assert (fractional[::2] > 0.01).any()
    assert (fractional[1::2] == 0).all()


def test_nan_targets_and_tiny_sets_are_refused(sets):
    with pytest.raises(TargetError, match="row 1"):
        molecule_set(["CC", "CCO"], np.array([[1.0], [np.nan]]), 10)
    tiny = molecule_set(["CC", "CCO"], np.ones((2, 1)), 10)
    with pytest.raises(InputError, match="batch"):
        train((tiny, tiny))
