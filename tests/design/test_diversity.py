"""Families of molecules, and how many of each are taken."""

import numpy as np
import pytest

from mlmat.design.diversity import NO_CORE, core, spread
from mlmat.design.objective import Objective
from mlmat.design.wants import Want
from mlmat.errors import InputError


def test_the_family_is_the_largest_unsaturated_part():
    assert core("CCN=NC(=N)C=O") == core("CC(C)N=NC(=N)C=O") == core("C1CC1N=NC(=N)C=O")
    assert core("CCN=NC(=N)C=O") != core("CCN=NC(=O)C=O")
    assert core("CCC(=O)CCCO") == core("CC(C)=O")  # a hydroxyl group far from it does not count
    assert core("CC(=O)O") != core("CC(C)=O")
    assert core("CCO") == core("C1CC(O)C1") != core("CCN")
    assert core("CC1CC1") == core("CCC") == NO_CORE


def test_without_a_charge_only_merit_counts():
    merit = [0.3, 0.1, 0.2, 0.1, 0.5]
    assert spread(merit, list("aabba"), 3, 0.0).tolist() == [1, 3, 2]
    assert spread(merit, list("aabba"), 9, 0.0).tolist() == [1, 3, 2, 0, 4]


def test_a_family_pays_for_the_places_it_has():
    merit = np.r_[np.full(50, 0.10), np.full(50, 0.15), np.full(50, 0.50)]
    families = ["a"] * 50 + ["b"] * 50 + ["c"] * 50
    taken = spread(merit, families, 40, 0.2)
    counts = [int(((taken >= 50 * k) & (taken < 50 * (k + 1))).sum()) for k in range(3)]
    # Equal at the margin: 0.10 + 0.2 a / 40 = 0.15 + 0.2 b / 40, with a + b = 40; c never pays.
    assert counts == [25, 15, 0]


def test_the_objective_spreads_what_it_submits():
    smiles = [f"{'C' * n}N=NC(=N)C=O" for n in range(1, 7)] + ["CCC=O", "CCN=O"]
    mean = np.array([[1.0]] * 6 + [[1.05]] * 2)
    args = (("gap",), mean, np.zeros_like(mean), smiles, 4)
    wants = (Want("gap", 1.0, 1.0),)
    assert set(Objective(wants, diversity=0.0).best(*args)) == {0, 1, 2, 3}
    assert {6, 7} <= set(Objective(wants).best(*args))
    with pytest.raises(InputError, match="diversity"):
        Objective(wants, diversity=-1.0)
