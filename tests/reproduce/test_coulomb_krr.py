"""Helpers of the experiment on QM7, and its unit trap on real molecules."""

import os

import jax
import numpy as np
import pytest

from experiments.coulomb_krr import local
from experiments.coulomb_krr.fits import measure
from experiments.coulomb_krr.run import random_splits, relaxed, stratified_splits
from experiments.coulomb_krr.summary import metrics_of
from experiments.coulomb_krr.variants import VARIANTS, represent
from mlmat.descriptors.fchl19 import fchl19
from mlmat.learners.kernels import kernel

NUMBERS = np.array([[8, 6, 1, 1, 0], [6, 6, 1, 1, 1], [8, 1, 1, 0, 0]])
PLACES = 1.5 * np.random.default_rng(0).normal(size=(3, 5, 3))


def test_stratified_folds_hold_everything_once_and_span_the_values():
    values = np.random.default_rng(0).normal(size=53)
    parts = stratified_splits(values, 5, seed=0)
    np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in parts])), np.arange(53))
    ranks = np.argsort(np.argsort(values))
    for train, test in parts:
        assert sorted(np.concatenate([train, test])) == list(range(53))
        # One of each five neighbours in value.
        assert (np.bincount(ranks[test] // 5, minlength=10)[:10] == 1).all()


def test_random_splits_are_the_ends_of_an_order():
    (train, test), (other, _) = random_splits(20, 12, 5, 2)
    order = np.random.default_rng(0).permutation(20)
    np.testing.assert_array_equal(train, order[:12])
    np.testing.assert_array_equal(test, order[15:])
    assert not np.array_equal(train, other)


def test_metrics_are_mean_and_spread_over_splits():
    cells = [
        {"system": "relaxed", "variant": "sorted, Laplacian", "split": k, "copies": 1, "n_train": 5,
         "n_test": 2, "targets": {"energy": {"mae": 1.0 + k, "rmse": 2.0 + k}}}
        for k in range(3)
    ]  # fmt: skip
    found = {metric.name: metric for metric in metrics_of(cells)}
    error = found["qm7_delta: atomisation energy MAE"]
    assert (error.value, error.std, error.n_seeds) == (2.0, 1.0, 3)
    assert found["qm7_delta: atomisation energy RMSE"].value == 3.0


def test_random_copies_differ_and_the_others_are_one():
    copies = represent("randomly sorted", NUMBERS, PLACES, 0, 4)
    assert copies.shape == (4, 3, 15)
    assert copies.dtype == np.float64
    assert represent("eigenspectrum", NUMBERS, PLACES, 0, 4).shape == (1, 3, 5)


def test_shortened_vectors_keep_the_kernel():
    atoms = local.describe(NUMBERS, PLACES)
    with jax.enable_x64(True):
        np.testing.assert_allclose(atoms.x[:4], np.asarray(fchl19(NUMBERS[0], PLACES[0]))[:4], atol=1e-12)
    short = local.shortened(atoms, tail=1e-12)
    assert short.x.shape[1] < atoms.x.shape[1] / 10
    k = kernel("gaussian", "l2", 2.0)
    whole, found = local.local_gram(k, atoms), local.local_gram(k, short)
    np.testing.assert_allclose(found, whole, rtol=1e-9)
    np.testing.assert_allclose(local.local_gram(k, local.some(atoms, [2, 0])), whole[[2, 0]][:, [2, 0]])


@pytest.mark.skipif("MLMAT_DATA" not in os.environ, reason="needs the public data: set MLMAT_DATA")
def test_lengths_in_angstrom_break_the_eigenspectrum():
    """At 500 molecules; three times the error at 5,000."""
    data = relaxed()
    parts = random_splits(len(data[0]), 500, 300, 1)[0]
    few = {}
    for name in ("eigenspectrum, Gaussian", "eigenspectrum in Å by mistake, Gaussian"):
        rows = np.concatenate(parts)
        part = tuple(array[rows] for array in data)
        few[name] = measure(
            VARIANTS[name],
            part,
            np.arange(500),
            np.arange(500, 800),
            rows=375,
            check_rows=125,
            seed=0,
            copies=1,
        )["targets"]["energy"]["mae"]
    right, wrong = few.values()
    assert right < 20
    assert wrong > 2 * right
