"""Zernike descriptors against the addition theorem, with polynomials of SciPy; orthonormality; forces."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import eval_jacobi, eval_legendre
from surroundings import ELEMENTS, crystal, fade, graph_of, in_float64, molecule, neighbours

from mlmat.descriptors.triples import Capacity, environment
from mlmat.descriptors.zernike import ZernikeDescriptor, _radial
from mlmat.errors import InputError

PLAIN = ZernikeDescriptor(3.8, 4)
WEIGHTED = ZernikeDescriptor(3.8, 4, (1.0, 6.0, 8.0))


@partial(jax.jit, static_argnums=1)
def described(graph, d):
    return d(environment(graph, d.cutoff, None, Capacity()), len(ELEMENTS))


def radial(n, k, rho):
    return np.sqrt(2 * n + 3) * rho**k * eval_jacobi((n - k) // 2, 0, k + 0.5, 2 * rho**2 - 1)


@pytest.mark.parametrize("atoms", [molecule(), crystal()], ids=["molecule", "cell smaller than the cutoff"])
@pytest.mark.parametrize("d", [PLAIN, WEIGHTED], ids=["by element", "weighted"])
def test_values_are_sums_over_pairs_of_neighbours(atoms, d):
    """Σ_m A_nlm² = Σ_jk w_j w_k f f R R (2l + 1) / 4π P_l(cos θ_jk)."""
    functions, found = d.functions, in_float64(described, graph_of(atoms, d.cutoff), d)
    expected = np.zeros((len(atoms), 1 if d.weights else len(ELEMENTS), len(functions)))
    for i in range(len(atoms)):
        near = neighbours(atoms, i, d.cutoff)
        for block in range(expected.shape[1]):
            own = [(d.weights[kind] if d.weights else float(kind == block), v) for kind, v in near]
            weights = np.array([w * fade(np.linalg.norm(v), d.cutoff) for w, v in own])
            vectors = np.array([v for _, v in own])
            lengths = np.linalg.norm(vectors, axis=1)
            cosines = np.clip(vectors @ vectors.T / np.outer(lengths, lengths), -1, 1)
            for column, (n, k) in enumerate(functions):
                one = weights * radial(n, k, lengths / d.cutoff)
                pairs = (2 * k + 1) / (4 * np.pi) * eval_legendre(k, cosines)
                expected[i, block, column] = one @ pairs @ one
    np.testing.assert_allclose(found, expected.reshape(len(atoms), -1), rtol=1e-9, atol=1e-9)


def test_radial_functions_are_orthonormal_in_the_ball():
    rho = (np.arange(4000) + 0.5) / 4000
    for k in (0, 1, 3):
        with jax.enable_x64(True):
            values = [np.asarray(_radial(j, k, jnp.asarray(rho**2))) * rho**k for j in range(3)]
        products = [[(a * b * rho**2).mean() for a in values] for b in values]
        np.testing.assert_allclose(products, np.eye(3), atol=1e-5)


def test_slopes_are_finite_differences():
    atoms = molecule(2, 5)
    graph = graph_of(atoms, PLAIN.cutoff)
    weights = np.random.default_rng(0).normal(size=(len(atoms), PLAIN.size(len(ELEMENTS))))

    def total(positions):
        return (
            described(graph._replace(nodes={**graph.nodes, "positions": positions}), PLAIN) * weights
        ).sum()

    with jax.enable_x64(True):
        at, step = jnp.asarray(atoms.positions), np.random.default_rng(1).normal(size=(len(atoms), 3))
        slope = float((jax.grad(total)(at) * step).sum())
        assert slope == pytest.approx(
            float(total(at + 1e-5 * step) - total(at - 1e-5 * step)) / 2e-5, rel=1e-6
        )


def test_refusals():
    assert ZernikeDescriptor().size(1) == 12
    with pytest.raises(InputError, match="order"):
        ZernikeDescriptor(6.5, -1)
    with pytest.raises(InputError, match="3 weights for 2 elements"):
        WEIGHTED(environment(graph_of(molecule(), 3.8), 3.8, None, Capacity()), 2)
