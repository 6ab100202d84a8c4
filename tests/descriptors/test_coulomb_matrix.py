"""Coulomb matrices against loops in NumPy, invariances, derivatives, and the unit trap."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.descriptors import coulomb_matrix as cm
from mlmat.descriptors.binarised import Steps, binarise, find_steps
from mlmat.descriptors.padding import dense_molecules
from mlmat.errors import CapacityError, InputError
from mlmat.units import BOHR

ETHENE = np.array([6, 6, 1, 1, 1, 1])
PLACES = np.array(
    [
        [0.0, 0.0, 0.667],
        [0.0, 0.0, -0.667],
        [0.0, 0.923, 1.238],
        [0.0, -0.923, 1.238],
        [0.0, 0.923, -1.238],
        [0.0, -0.923, -1.238],
    ]
)


def reference(numbers, positions):
    n = len(numbers)
    matrix = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if numbers[i] and numbers[j]:
                if i == j:
                    matrix[i, i] = 0.5 * numbers[i] ** 2.4
                else:
                    distance = np.linalg.norm(positions[i] - positions[j]) / 0.529177210544
                    matrix[i, j] = numbers[i] * numbers[j] / distance
    return matrix


@pytest.fixture
def x64():
    with jax.enable_x64(True):
        yield


@pytest.fixture
def batch():
    """Two molecules without symmetry, the second padded; padding sits at odd places."""
    rng = np.random.default_rng(0)
    numbers = np.array([[8, 6, 7, 1, 1, 1, 1], [6, 8, 1, 1, 0, 0, 0]])
    return numbers, 1.5 * rng.normal(size=(2, 7, 3))


def test_raw_sorted_and_spectrum_are_the_formulas(x64, batch):
    numbers, positions = batch
    raw = np.asarray(cm.coulomb_matrix(numbers, positions))
    for k in range(2):
        expected = reference(numbers[k], positions[k])
        np.testing.assert_allclose(raw[k], expected, atol=1e-9)
        order = np.argsort(-np.linalg.norm(expected, axis=1), kind="stable")
        np.testing.assert_allclose(cm.sort_rows(raw)[k], expected[order][:, order], atol=1e-9)
        values = np.linalg.eigvalsh(expected)
        np.testing.assert_allclose(cm.eigenspectrum(raw)[k], values[np.argsort(-abs(values))], atol=1e-8)
        np.testing.assert_allclose(cm.upper_triangle(raw)[k], expected[np.triu_indices(7)], atol=1e-9)


def test_order_place_and_turn_of_the_molecule_do_not_matter(x64, batch):
    numbers, positions = batch[0][0], batch[1][0]
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    order = rng.permutation(7)
    other = cm.coulomb_matrix(numbers[order], (positions @ turn + 3.0)[order])
    raw = cm.coulomb_matrix(numbers, positions)
    np.testing.assert_allclose(cm.eigenspectrum(other), cm.eigenspectrum(raw), atol=1e-9)
    np.testing.assert_allclose(cm.sort_rows(other), cm.sort_rows(raw), atol=1e-9)
    assert np.abs(other - raw).max() > 1


def test_padding_changes_nothing_wherever_it_lies(x64, batch):
    numbers, positions = batch[0][1], batch[1][1]
    alone = cm.coulomb_matrix(numbers[:4], positions[:4])
    padded = cm.coulomb_matrix(numbers, positions)
    for function, width in ((cm.eigenspectrum, 4), (lambda m: cm.sort_rows(m)[:4], 4)):
        np.testing.assert_allclose(function(padded)[..., :width], function(alone), atol=1e-9)
    np.testing.assert_array_equal(cm.sort_rows(padded)[4:], 0)
    np.testing.assert_allclose(cm.eigenspectrum(padded)[4:], 0, atol=1e-9)
    # Noise much larger than the norms, and still padding comes last.
    noisy = cm.sort_rows_randomly(padded, jax.random.key(0), noise=1e4)
    np.testing.assert_array_equal(noisy[4:], 0)


def test_random_sorting_permutes_and_vanishes_without_noise(x64, batch):
    raw = cm.coulomb_matrix(*batch)
    np.testing.assert_array_equal(cm.sort_rows_randomly(raw, jax.random.key(0), 0.0), cm.sort_rows(raw))
    copies = [cm.sort_rows_randomly(raw, jax.random.key(k), 30.0) for k in range(3)]
    assert not np.array_equal(copies[0], copies[1])
    for copy in copies:
        np.testing.assert_allclose(cm.eigenspectrum(copy), cm.eigenspectrum(raw), atol=1e-8)


def test_noise_has_the_stated_size():
    """Two rows whose norms differ by one change places with probability Φ(−1/√2)."""
    matrix = jnp.diag(jnp.array([11.0, 10.0]))
    copies = cm.sort_rows_randomly(jnp.broadcast_to(matrix, (20000, 2, 2)), jax.random.key(0))
    assert float((copies[:, 0, 0] == 10).mean()) == pytest.approx(0.2398, abs=0.012)


@pytest.mark.parametrize("name", ["raw", "eigenspectrum", "sorted", "random"])
def test_gradients_are_finite_differences(x64, batch, name):
    numbers, positions = batch
    change = {
        "raw": lambda m: m,
        "eigenspectrum": cm.eigenspectrum,
        "sorted": cm.sort_rows,
        "random": lambda m: cm.sort_rows_randomly(m, jax.random.key(0)),
    }[name]

    @jax.jit
    def scalar(r):
        out = change(cm.coulomb_matrix(numbers, r))
        return (jnp.cos(jnp.arange(out.size)).reshape(out.shape) * out).sum()

    gradient = np.asarray(jax.jit(jax.grad(scalar))(jnp.asarray(positions)))
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient[1, 4:], 0)
    for place in ((0, 0, 0), (0, 3, 1), (1, 2, 2)):
        step = np.zeros_like(positions)
        step[place] = 1e-5
        slope = (scalar(positions + step) - scalar(positions - step)) / 2e-5
        assert gradient[place] == pytest.approx(float(slope), rel=1e-5, abs=1e-6)


def test_degenerate_eigenvalues_have_finite_gradients(x64):
    def scalar(r):
        return (cm.eigenspectrum(cm.coulomb_matrix(ETHENE, r)) ** 2).sum()

    gradient = jax.jit(jax.grad(scalar))(jnp.asarray(PLACES))
    expected = jax.jit(jax.grad(lambda r: (cm.coulomb_matrix(ETHENE, r) ** 2).sum()))(jnp.asarray(PLACES))
    np.testing.assert_allclose(gradient, expected, atol=1e-8)


def test_the_unit_trap():
    """Lengths in Å where the paper has bohr: negative eigenvalues, and another order of the spectrum.

    Positions multiplied by the length of a bohr, as if the conversion had been forgotten.
    """
    with jax.enable_x64(True):
        right = np.asarray(cm.eigenspectrum(cm.coulomb_matrix(ETHENE, PLACES)))
        wrong = np.asarray(cm.eigenspectrum(cm.coulomb_matrix(ETHENE, PLACES * BOHR)))
    # ½·6^2.4 on the diagonal; 36 / 2.521 bohr between the carbons.
    matrix = np.asarray(cm.coulomb_matrix(ETHENE, PLACES))
    assert matrix[0, 0] == pytest.approx(36.858, abs=1e-3)
    assert matrix[0, 1] == pytest.approx(36 / (1.334 / 0.529177), rel=1e-5)
    assert (right > 0).sum() == 6
    assert (wrong < 0).any()
    assert np.argsort(-wrong, kind="stable").tolist() != list(range(6))


def test_steps_cover_the_training_range_and_follow_the_formula():
    x = np.array([[0.0, 2.5], [1.2, 2.5]])
    steps = find_steps(x, width=1.0)
    assert steps.entry.tolist() == [0, 0, 0, 1, 1]
    assert steps.threshold.tolist() == [0, 1, 2, 2, 3]
    expected = np.tanh([[-0, -1, -2, 0.5, -0.5], [1.2, 0.2, -0.8, 0.5, -0.5]])
    np.testing.assert_allclose(binarise(x, steps), expected, rtol=1e-6)
    slope = jax.grad(lambda v: binarise(v, steps).sum())(jnp.asarray(x, jnp.float32))
    assert np.isfinite(slope).all()
    with pytest.raises(InputError, match="positive"):
        find_steps(x, 0.0)
    assert isinstance(steps, Steps)


def test_dense_rows_hold_every_atom():
    numbers, positions = dense_molecules([2, 3], [1, 1, 8, 1, 1], np.arange(15.0).reshape(5, 3))
    assert numbers.tolist() == [[1, 1, 0], [8, 1, 1]]
    np.testing.assert_array_equal(positions[1, 2], [12, 13, 14])
    np.testing.assert_array_equal(positions[0, 2], 0)
    with pytest.raises(CapacityError, match="size=3"):
        dense_molecules([2, 3], [1, 1, 8, 1, 1], np.zeros((5, 3)), size=2)
