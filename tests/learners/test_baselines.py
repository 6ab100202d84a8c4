"""Baselines against formulas written out, on molecules, structures and labels."""

import numpy as np
import pytest
from ase.build import bulk, molecule

from mlmat.errors import InputError
from mlmat.learners.baseline_kernels import TANIMOTO_REGULARISATIONS
from mlmat.learners.baselines import run_baselines

CHAINS = ["C" * n + tail for n in range(1, 13) for tail in ("", "O", "N", "C(=O)O", "F", "S")]
LENGTH = np.array([float(s.count("C")) for s in CHAINS])


def tanimoto(a, b):
    from mlmat.graphs.fingerprints import morgan_counts

    x, y = morgan_counts(a)[:, None], morgan_counts(b)[None]
    return np.minimum(x, y).sum(-1) / np.maximum(x, y).sum(-1)


@pytest.fixture(scope="module")
def parts():
    order = np.random.default_rng(0).permutation(len(CHAINS))
    return order[:48], order[48:60], order[60:]


def run(parts, y, **options):
    train, validation, test = ([CHAINS[i] for i in part] for part in parts)
    return run_baselines("smiles", train, y[parts[0]], validation, y[parts[1]], test, **options)


def test_each_prediction_is_its_formula(parts):
    result = run(parts, LENGTH)
    train, validation, test = ([CHAINS[i] for i in part] for part in parts)
    y = LENGTH[parts[0]]
    np.testing.assert_allclose(result.predictions["mean"], y.mean())
    np.testing.assert_array_equal(
        result.predictions["nearest neighbour"], y[tanimoto(test, train).argmax(axis=1)]
    )

    def ridge(queries, regularisation):
        gram = tanimoto(train, train) + regularisation * np.eye(len(y))
        return tanimoto(queries, train) @ np.linalg.solve(gram, y - y.mean()) + y.mean()

    errors = {r: np.abs(ridge(validation, r) - LENGTH[parts[1]]).mean() for r in TANIMOTO_REGULARISATIONS}
    tuned = result.tuned["kernel ridge"]
    assert tuned["regularisation"] == min(errors, key=errors.get)
    assert tuned["validation error"] == pytest.approx(min(errors.values()), rel=1e-4)
    np.testing.assert_allclose(
        result.predictions["kernel ridge"], ridge(test, tuned["regularisation"]), rtol=1e-4
    )
    assert set(result.rows.values()) == {48}


def test_rows_beyond_the_limit_are_left_out_and_said_so(parts):
    result = run(parts, LENGTH, max_rows=30, seed=1)
    assert result.rows == {"mean": 48, "nearest neighbour": 30, "kernel ridge": 30}
    assert "30 of 48" in result.notes["kernel ridge"]
    again = run(parts, LENGTH, max_rows=30, seed=1)
    other = run(parts, LENGTH, max_rows=30, seed=2)
    np.testing.assert_array_equal(result.predictions["kernel ridge"], again.predictions["kernel ridge"])
    assert (result.predictions["kernel ridge"] != other.predictions["kernel ridge"]).any()


def test_missing_targets_are_dropped(parts):
    y = LENGTH.copy()
    y[parts[0][:5]] = np.nan
    y[parts[1][0]] = np.inf
    result = run(parts, y)
    assert set(result.rows.values()) == {43}
    assert np.isfinite(np.concatenate(list(result.predictions.values()))).all()
    y[parts[1]] = np.nan
    with pytest.raises(InputError, match="no validation item"):
        run(parts, y)


def test_labels(parts):
    acid = np.array([2.0 if "(=O)O" in s else 5.0 if s.endswith("N") else 3.0 for s in CHAINS])
    result = run(parts, acid, classification=True)
    assert set(result.predictions) == {"majority class", "nearest neighbour", "kernel ridge"}
    assert (result.predictions["majority class"] == 3).all()
    assert set(result.predictions["kernel ridge"]) <= {2.0, 3.0, 5.0}
    right = (result.predictions["kernel ridge"] == acid[parts[2]]).mean()
    assert right > (acid[parts[2]] == 3).mean()


def test_crystals_by_their_distances():
    random = np.random.default_rng(0)
    constants = random.uniform(3.4, 4.6, 90)
    crystals = [bulk(random.choice(["Cu", "Ag"]), "fcc", a) for a in constants]
    y = constants**2 + np.array([c.numbers[0] == 47 for c in crystals])
    result = run_baselines("structure", crystals[:60], y[:60], crystals[60:75], y[60:75], crystals[75:])
    error = {name: np.abs(p - y[75:]).mean() for name, p in result.predictions.items()}
    assert error["kernel ridge"] < error["nearest neighbour"] / 2 < error["mean"] / 4
    assert result.tuned["kernel ridge"]["width"] > 0


def test_equal_structures_and_new_elements_do_not_break():
    train = [molecule("H2O")] * 6
    result = run_baselines(
        "structure", train, np.arange(6.0), train[:2], np.zeros(2), [molecule("CH4"), molecule("NH3")]
    )
    assert all(np.isfinite(p).all() and p.shape == (2,) for p in result.predictions.values())


def test_bad_arguments_are_refused(parts):
    with pytest.raises(InputError, match="smiles or structure"):
        run_baselines("xyz", ["C"], np.ones(1), ["C"], np.ones(1), [])
    with pytest.raises(InputError, match="as many targets"):
        run_baselines("smiles", ["C"], np.ones((1, 2)), ["C"], np.ones(1), [])
    assert run_baselines("smiles", ["C"], np.ones(1), ["C"], np.ones(1), []).predictions["mean"].shape == (0,)


def test_tuning_on_more_rows_takes_the_better_neighbour(parts, monkeypatch):
    """With few rows first, the second stage must use all and stay a neighbour of the first choice."""
    from mlmat.learners import baselines

    monkeypatch.setattr(baselines, "TUNING_ROWS", (20, 40))
    tuned = run(parts, LENGTH)
    assert tuned.tuned["kernel ridge"]["tuning rows"] == 40
    whole = run(parts, LENGTH).tuned["kernel ridge"]["validation error"]
    monkeypatch.setattr(baselines, "TUNING_ROWS", (20, 20))
    assert whole < run(parts, LENGTH).tuned["kernel ridge"]["validation error"]


def test_a_kernel_that_rounding_made_indefinite_is_still_solved():
    """Copies of one structure: the kernel is singular, and the smallest λ cannot lift it."""
    from mlmat.learners.baselines import _Ridge, _solve_all

    y = np.arange(5.0)
    weights, regularisation = _solve_all(_Ridge(y, False), np.ones((5, 5)) - 1e-4 * np.eye(5), 1e-7)
    assert regularisation == pytest.approx(1e-3)
    assert np.isfinite(weights).all()
