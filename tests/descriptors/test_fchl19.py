"""FCHL19 against the paper's sums written as loops; derivatives; locality."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.descriptors.fchl19 import Settings, fchl19

SMALL = Settings(elements=(1, 6, 8), radial=5, triple_radial=4)
NUMBERS = np.array([8, 6, 1, 0, 1, 6])
PLACES = 1.3 * np.random.default_rng(0).normal(size=(6, 3))
describe = jax.jit(fchl19, static_argnums=2)


def reference(numbers, x, s):
    elements, count = list(s.elements), len(s.elements)
    grid2 = np.arange(1, s.radial + 1) * s.cutoff / s.radial
    grid3 = np.arange(1, s.triple_radial + 1) * s.cutoff / s.triple_radial
    pairs = [(a, b) for a in range(count) for b in range(a, count)]
    out = np.zeros((len(numbers), s.size))

    def fade(r):
        return 0.5 * (np.cos(np.pi * r / s.cutoff) + 1) if r < s.cutoff else 0.0

    def cosine(at, a, b):
        u, v = x[a] - x[at], x[b] - x[at]
        return u @ v / np.linalg.norm(u) / np.linalg.norm(v)

    real = [i for i, z in enumerate(numbers) if z in elements]
    for i in real:
        for j in real:
            if i == j:
                continue
            r = np.linalg.norm(x[i] - x[j])
            s2 = np.log(1 + s.eta2 / r**2)
            mu = np.log(r / np.sqrt(1 + s.eta2 / r**2))
            bump = np.exp(-((np.log(grid2) - mu) ** 2) / (2 * s2)) / (grid2 * np.sqrt(2 * np.pi * s2))
            start = elements.index(numbers[j]) * s.radial
            out[i, start : start + s.radial] += bump * fade(r) / r**s.decay2
            for k in real:
                if k <= j or k == i:
                    continue
                rik, rjk = np.linalg.norm(x[i] - x[k]), np.linalg.norm(x[j] - x[k])
                theta = np.arccos(cosine(i, j, k))
                xi = s.weight3 * (1 + 3 * np.cos(theta) * cosine(j, i, k) * cosine(k, i, j))
                xi /= (r * rik * rjk) ** s.decay3
                radial = np.sqrt(s.eta3 / np.pi) * np.exp(-s.eta3 * (0.5 * (r + rik) - grid3) ** 2)
                radial = radial * xi * fade(r) * fade(rik) * 2 * np.exp(-(s.zeta**2) / 2)
                kind = sorted((elements.index(numbers[j]), elements.index(numbers[k])))
                start = count * s.radial + pairs.index(tuple(kind)) * 2 * s.triple_radial
                out[i, start : start + s.triple_radial] += radial * np.cos(theta)
                out[i, start + s.triple_radial : start + 2 * s.triple_radial] += radial * np.sin(theta)
    return out


@pytest.mark.parametrize("cutoff", [8.0, 3.0])
def test_values_are_the_sums(cutoff):
    """At 3 Å several pairs lie beyond the cutoff."""
    settings = Settings(elements=(1, 6, 8), radial=5, triple_radial=4, cutoff=cutoff)
    with jax.enable_x64(True):
        found = np.asarray(describe(NUMBERS, PLACES, settings))
    assert found.shape == (6, settings.size)
    np.testing.assert_allclose(found, reference(NUMBERS, PLACES, settings), atol=1e-12)


def test_batches_and_order():
    order = np.array([4, 0, 5, 2, 1, 3])
    with jax.enable_x64(True):
        numbers = np.stack([NUMBERS, NUMBERS[order]])
        found = np.asarray(describe(numbers, np.stack([PLACES, PLACES[order]]), SMALL))
    np.testing.assert_allclose(found[1], found[0][order], atol=1e-12)
    np.testing.assert_array_equal(found[0, 3], 0)


def test_gradient_is_finite_differences_and_finite_for_collinear_atoms():
    weights = np.cos(np.arange(6 * SMALL.size)).reshape(6, -1)
    with jax.enable_x64(True):

        @jax.jit
        def scalar(r):
            return (fchl19(NUMBERS, r, SMALL) * weights).sum()

        slope = jax.jit(jax.grad(scalar))
        gradient = np.asarray(slope(jnp.asarray(PLACES)))
        step = np.zeros_like(PLACES)
        step[1, 2] = 1e-6
        expected = float(scalar(PLACES + step) - scalar(PLACES - step)) / 2e-6
        line = np.outer(np.arange(6.0), [0.0, 0.0, 1.2])
        assert np.isfinite(slope(jnp.asarray(line))).all()
    assert gradient[1, 2] == pytest.approx(expected, rel=1e-6)
    np.testing.assert_array_equal(gradient[3], 0)


def test_what_is_far_away_does_not_exist():
    far = PLACES + np.where(np.arange(6) < 3, 0.0, 100.0)[:, None]
    with jax.enable_x64(True):
        both = np.asarray(describe(NUMBERS, far, SMALL))
        first = np.asarray(describe(np.where(np.arange(6) < 3, NUMBERS, 0), PLACES, SMALL))
    np.testing.assert_allclose(both[:3], first[:3], atol=1e-14)
