"""The solver against NumPy's dense algebra, and its refusals."""

import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.learners import cholesky

RNG = np.random.default_rng(0)
POINTS = RNG.normal(size=(40, 3))
KERNEL = np.exp(-((POINTS[:, None] - POINTS[None]) ** 2).sum(-1) / 2)
TARGETS = RNG.normal(size=(40, 2))


def test_everything_is_dense_algebra():
    factor = cholesky.factorise(KERNEL, 1e-3)
    lifted = KERNEL + 1e-3 * np.eye(40)
    np.testing.assert_allclose(cholesky.solve(factor, TARGETS), np.linalg.solve(lifted, TARGETS), rtol=1e-8)
    np.testing.assert_allclose(
        cholesky.solve(factor, TARGETS[:, 0]), np.linalg.solve(lifted, TARGETS[:, 0]), rtol=1e-8
    )
    assert 0 < factor.reciprocal_condition <= 1 / np.linalg.cond(lifted, 1)


def test_the_condition_is_estimated_where_the_bound_says_little():
    """A kernel with a negative eigenvalue: λ bounds nothing, a pivot is below λ."""
    indefinite = np.array([[1.0, 1.0], [1.0, 1.0 - 1e-3]])
    factor = cholesky.factorise(indefinite, 6e-4)
    expected = 1 / np.linalg.cond(indefinite + 6e-4 * np.eye(2), 1)
    assert factor.reciprocal_condition == pytest.approx(expected, rel=0.5)
    assert expected < 0.5 * 6e-4 / 2


def test_the_kernel_survives_unless_its_memory_is_given():
    kernel = KERNEL.copy()
    factor = cholesky.factorise(kernel, 1e-3)
    np.testing.assert_array_equal(kernel, KERNEL)
    other = cholesky.factorise(kernel, 1e-3, overwrite=True)
    assert np.shares_memory(other.upper, kernel)
    np.testing.assert_array_equal(np.triu(other.upper), np.triu(factor.upper))


@pytest.mark.parametrize("regularisation", [-1.0, 0.0])
def test_what_cannot_be_solved_is_refused_with_a_cure(regularisation):
    """Two equal items: singular at λ = 0."""
    twice = np.ones((3, 3))
    with pytest.raises(InputError, match=r"ill-conditioned.*raise it, to"):
        cholesky.factorise(twice, regularisation)


def test_a_matrix_that_factorises_without_a_right_digit_is_refused():
    """Rounding lets the factorisation through; the condition number tells."""
    with pytest.raises(InputError, match="ill-conditioned"):
        cholesky.factorise(np.diag([1.0, 1e-17]), 0.0)
