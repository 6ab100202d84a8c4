"""Constants for each kind, against the normal equations; kinds nobody has; size extensivity."""

import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.learners.additive_correction import fit, predict

RANDOM = np.random.default_rng(0)
X = RANDOM.integers(0, 5, (50, 4)).astype(float)
Y = RANDOM.normal(size=50)


@pytest.mark.parametrize("strength", [0.0, 2.5])
def test_normal_equations(strength):
    expected = np.linalg.inv(X.T @ X + strength * np.eye(4)) @ X.T @ Y
    np.testing.assert_allclose(fit(X, Y, regularisation=strength).constants, expected, rtol=1e-9)


def test_constants_are_found_and_add_up():
    state = fit(X, X @ [1.0, -2.0, 0.5, 3.0])
    np.testing.assert_allclose(state.constants, [1.0, -2.0, 0.5, 3.0], rtol=1e-9)
    np.testing.assert_allclose(predict(state, X[:1] + X[1:2]), predict(state, X[:1]) + predict(state, X[1:2]))


def test_a_kind_nobody_has_and_equal_columns():
    """Both leave the normal equations singular."""
    x = np.column_stack([X, np.zeros(50), X[:, 0]])
    state = fit(x, X @ [1.0, -2.0, 0.5, 3.0])
    assert state.constants[4] == 0
    assert state.seen[4] == 0
    np.testing.assert_allclose(state.constants[[0, 5]], 0.5, rtol=1e-9)


def test_several_targets():
    both = fit(X, np.stack([Y, 2 * Y], axis=1))
    assert predict(both, X).shape == (50, 2)
    np.testing.assert_allclose(both.constants[:, 1], 2 * fit(X, Y).constants)


def test_errors():
    with pytest.raises(InputError, match="counts must be"):
        fit(X, Y[:-1])
    with pytest.raises(InputError, match="negative"):
        fit(X, Y, regularisation=-1.0)
