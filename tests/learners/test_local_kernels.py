"""Local kernels against double loops over atoms; extensivity; derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.errors import InputError
from mlmat.learners import local_kernels as local
from mlmat.learners.kernels import kernel

RNG = np.random.default_rng(0)
N_ATOMS = RNG.integers(2, 7, size=14)
TOTAL = int(N_ATOMS.sum())
ATOMS = local.Atoms(RNG.normal(size=(TOTAL, 3)), RNG.choice([1, 6, 8], TOTAL), N_ATOMS)
STARTS = np.cumsum(N_ATOMS) - N_ATOMS
Y = RNG.normal(size=(14, 2)) + np.stack([N_ATOMS, -N_ATOMS], axis=1) * 50.0
K = kernel("gaussian", "l2", 1.5)


def part(atoms, rows):
    starts = np.cumsum(atoms.n_atoms) - atoms.n_atoms
    chosen = np.concatenate([np.arange(starts[i], starts[i] + atoms.n_atoms[i]) for i in rows])
    return local.Atoms(atoms.x[chosen], atoms.numbers[chosen], atoms.n_atoms[rows])


def reference(a, b):
    total = np.zeros((len(a.n_atoms), len(b.n_atoms)))
    for i in range(len(a.n_atoms)):
        for j in range(len(b.n_atoms)):
            for p in np.arange(a.n_atoms[i]) + a.n_atoms[:i].sum():
                for q in np.arange(b.n_atoms[j]) + b.n_atoms[:j].sum():
                    if a.numbers[p] == b.numbers[q]:
                        total[i, j] += np.exp(-((a.x[p] - b.x[q]) ** 2).sum() / (2 * 1.5**2))
    return total


def test_the_matrix_is_the_double_sum(monkeypatch):
    """Blocks of 5 atoms cut molecules in two."""
    monkeypatch.setattr(local, "ATOMS", 5)
    np.testing.assert_allclose(local.local_gram(K, ATOMS), reference(ATOMS, ATOMS), rtol=1e-12)
    others = part(ATOMS, np.array([2, 5, 6]))
    np.testing.assert_allclose(local.local_gram(K, others, ATOMS), reference(others, ATOMS), rtol=1e-12)


def fitted(regularisation=1e-2):
    return local.fit(local.local_gram(K, ATOMS), ATOMS, Y, regularisation=regularisation)


def test_both_ways_to_predict_are_the_formula():
    state = fitted()
    counts = np.array([[(ATOMS.numbers[s : s + n] == z).sum() for z in (1, 6, 8)]
                       for s, n in zip(STARTS, N_ATOMS, strict=True)])  # fmt: skip
    energies = np.linalg.lstsq(counts, Y, rcond=None)[0]
    matrix = reference(ATOMS, ATOMS)
    weights = np.linalg.solve(matrix + 1e-2 * np.eye(14), Y - counts @ energies)
    expected = matrix @ weights + counts @ energies
    found = local.predict_molecules(state, matrix, ATOMS, weights)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    with jax.enable_x64(True):
        atomic = local.atomic_energies(state, jnp.asarray(ATOMS.x), jnp.asarray(ATOMS.numbers), kernel=K)
    np.testing.assert_allclose(np.add.reduceat(np.asarray(atomic), STARTS), expected, rtol=1e-6)


def test_two_molecules_have_the_sum_of_their_energies():
    """To rounding: what a kernel of whole molecules cannot do."""
    state = fitted()
    with jax.enable_x64(True):

        def energy(x, numbers):
            return np.asarray(local.atomic_energies(state, x, numbers, kernel=K)).sum(axis=0)

        x, z = jnp.asarray(ATOMS.x), jnp.asarray(ATOMS.numbers)
        first, second = slice(0, N_ATOMS[0]), slice(N_ATOMS[0], N_ATOMS[0] + N_ATOMS[1])
        together = slice(0, second.stop)
        expected = energy(x[first], z[first]) + energy(x[second], z[second])
        np.testing.assert_allclose(energy(x[together], z[together]), expected, rtol=1e-12)


def test_gradient_is_finite_differences_and_padding_is_nothing():
    state = fitted()
    with jax.enable_x64(True):
        numbers = jnp.asarray([6, 1, 0])

        @jax.jit
        def energy(x):
            return local.atomic_energies(state, x, numbers, kernel=K)[:, 0].sum()

        x = jnp.asarray(RNG.normal(size=(3, 3)))
        gradient = np.asarray(jax.jit(jax.grad(energy))(x))
        step = np.zeros((3, 3))
        step[1, 2] = 1e-6
        slope = float(energy(x + step) - energy(x - step)) / 2e-6
    assert gradient[1, 2] == pytest.approx(slope, rel=1e-6)
    np.testing.assert_array_equal(gradient[2], 0)


def test_targets_of_another_shape_are_refused():
    with pytest.raises(InputError, match="reshape"):
        local.fit(np.eye(14), ATOMS, Y[:, 0], regularisation=1.0)
