"""Bispectrum against exponentials of spin matrices and numerically found couplings; invariance; slopes."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import expm, null_space
from surroundings import ELEMENTS, crystal, fade, graph_of, in_float64, molecule, neighbours

from mlmat.descriptors.bispectrum import BispectrumDescriptor, clebsch_gordan, representations
from mlmat.descriptors.triples import Capacity, environment
from mlmat.errors import InputError

PLAIN = BispectrumDescriptor(3.8, 3)
WEIGHTED = BispectrumDescriptor(3.8, 4, (1.0, 6.0, 8.0), centre=0.0, share=0.8)


@partial(jax.jit, static_argnums=1)
def described(graph, d):
    return d(environment(graph, d.cutoff, None, Capacity()), len(ELEMENTS))


def spin(n):
    """J_x, J_y, J_z of spin n / 2, from the states of m = n / 2 downwards."""
    m = n / 2 - np.arange(n + 1)
    raising = np.diag(np.sqrt(n / 2 * (n / 2 + 1) - m[1:] * (m[1:] + 1)), 1)
    return (raising + raising.T) / 2, (raising - raising.T) / 2j, np.diag(m)


def coupling(one, two, both):
    """Isometry from spin `both` into the product: its highest state is what J_+ annuls, then J_-."""
    product = [
        np.kron(a, np.eye(two + 1)) + np.kron(np.eye(one + 1), b)
        for a, b in zip(spin(one), spin(two), strict=True)
    ]
    upper, lower = product[0] + 1j * product[1], product[0] - 1j * product[1]
    state = null_space(np.vstack([upper, product[2] - both / 2 * np.eye(len(upper))]))[:, 0]
    states = [state]
    for _ in range(both):
        state = lower @ state
        states.append(state / np.linalg.norm(state))
        state = states[-1]
    return np.stack(states, axis=1)


def reference(atoms, d):
    """B from rotations as matrix exponentials and couplings found by linear algebra."""
    blocks = 1 if d.weights else len(ELEMENTS)
    found = np.zeros((len(atoms), blocks, len(d.functions)))
    for i in range(len(atoms)):
        near = neighbours(atoms, i, d.cutoff)
        for block in range(blocks):
            u = []
            for n in range(d.order + 1):
                total = d.centre * np.eye(n + 1, dtype=complex)
                for kind, v in near:
                    weight = d.weights[kind] if d.weights else float(kind == block)
                    r = np.linalg.norm(v)
                    axis = sum(c * j for c, j in zip(v / r, spin(n), strict=True))
                    turn = expm(-2j * np.pi * d.share * r / d.cutoff * axis)
                    total += weight * fade(r, d.cutoff) * turn
                u.append(total)
            for column, (one, two, both) in enumerate(d.functions):
                c = coupling(one, two, both)
                value = np.trace(u[both].conj().T @ c.conj().T @ np.kron(u[one], u[two]) @ c)
                assert abs(value.imag) < 1e-9 * max(1, abs(value))
                found[i, block, column] = value.real
    return found.reshape(len(atoms), -1)


@pytest.mark.parametrize("atoms", [molecule(), crystal()], ids=["molecule", "cell smaller than the cutoff"])
@pytest.mark.parametrize("d", [PLAIN, WEIGHTED], ids=["by element", "weighted"])
def test_values_are_those_of_linear_algebra(atoms, d):
    found = in_float64(described, graph_of(atoms, d.cutoff), d)
    np.testing.assert_allclose(found, reference(atoms, d), rtol=1e-8, atol=1e-8)


def test_turning_a_molecule_changes_nothing():
    atoms = molecule(3)
    before = in_float64(described, graph_of(atoms, PLAIN.cutoff), PLAIN)
    atoms.rotate(73, (1.0, -2.0, 0.6))
    np.testing.assert_allclose(
        in_float64(described, graph_of(atoms, PLAIN.cutoff), PLAIN), before, rtol=1e-9, atol=1e-9
    )
    atoms.positions *= 1.01
    moved = in_float64(described, graph_of(atoms, PLAIN.cutoff), PLAIN)
    assert np.abs(moved - before).max() > 1e-2


def test_representations_are_unitary_and_multiply():
    rng = np.random.default_rng(0)
    with jax.enable_x64(True):
        four = rng.normal(size=(2, 2, 2))
        pairs = [q[0] + 1j * q[1] for q in four / np.sqrt((four**2).sum(axis=(1, 2), keepdims=True))]
        groups = [np.array([[a, b], [-b.conjugate(), a.conjugate()]]) for a, b in pairs]
        product = groups[0] @ groups[1]
        matrices = [
            [np.asarray(m)[0] for m in representations(jnp.asarray([g[0, 0]]), jnp.asarray([g[0, 1]]), 6)]
            for g in (*groups, product)
        ]
    for n, (one, two, both) in enumerate(zip(*matrices, strict=True)):
        np.testing.assert_allclose(one @ one.conj().T, np.eye(n + 1), atol=1e-12)
        np.testing.assert_allclose(one @ two, both, atol=1e-12)


@pytest.mark.parametrize("spins", [(1, 1, 2), (2, 1, 3), (3, 2, 3), (6, 5, 5), (14, 13, 13)])
def test_couplings_are_isometries_with_the_known_signs(spins):
    found = clebsch_gordan(*spins).reshape(-1, spins[2] + 1)
    np.testing.assert_allclose(found.T @ found, np.eye(spins[2] + 1), atol=1e-10)
    np.testing.assert_allclose(abs(np.sum(found * coupling(*spins))), spins[2] + 1, rtol=1e-9)


def test_number_of_components_is_that_of_snap():
    assert [BispectrumDescriptor(order=n).size(1) for n in (2, 4, 6, 8)] == [5, 14, 30, 55]
    assert BispectrumDescriptor(order=6).size(3) == 90
    assert BispectrumDescriptor(order=6, weights=(1.0, 6.0, 8.0)).size(3) == 30


def test_slopes_are_finite_differences():
    atoms = molecule(2, 5)
    graph = graph_of(atoms, PLAIN.cutoff)
    weights = np.random.default_rng(0).normal(size=(len(atoms), PLAIN.size(len(ELEMENTS))))

    def total(positions):
        graph_at = graph._replace(nodes={**graph.nodes, "positions": positions})
        return (described(graph_at, PLAIN) * weights).sum()

    with jax.enable_x64(True):
        at, step = jnp.asarray(atoms.positions), np.random.default_rng(1).normal(size=(len(atoms), 3))
        slope = float((jax.grad(total)(at) * step).sum())
        difference = float(total(at + 1e-5 * step) - total(at - 1e-5 * step)) / 2e-5
    assert slope == pytest.approx(difference, rel=1e-6)


def test_refusals():
    with pytest.raises(InputError, match="order"):
        BispectrumDescriptor(6.5, 15)
    with pytest.raises(InputError, match="do not couple"):
        clebsch_gordan(2, 2, 5)
    d, graph = BispectrumDescriptor(3.8, 2, (1.0,)), graph_of(molecule(), 3.8)
    with pytest.raises(InputError, match="1 weights for 3 elements"):
        described(graph, d)
