"""The loss of a functional with its derivative: zero for the true one, and NumPy's number otherwise."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mlmat.models.density_functional import Densities, integral
from mlmat.training.functional import FunctionalRegression
from mlmat.training.source import Example


class Cubic(NamedTuple):
    """F = c ∫ n³ dx as a model without a network; δF/δn = 3 c n²."""

    name: str = "cubic"

    def apply(self, variables, densities, rngs=None):
        return variables["params"]["c"] * integral(densities.values**3, densities.spacing)[:, None]

    def __call__(self, densities):
        raise NotImplementedError


def setting(c):
    n = np.random.default_rng(0).random((3, 20))
    densities = Densities(jnp.asarray(n), jnp.array([0.05]))
    value = 2.0 * (n**3).sum(axis=1) * 0.05
    slope = 6.0 * n**2 + np.array([[1.0], [-3.0], [0.0]])  # any constant
    targets = np.concatenate([value[:, None], slope], axis=1)
    weights = np.ones_like(targets) * np.array([[1.0], [1.0], [0.0]])  # the last is padding
    objective = FunctionalRegression(jnp.array([0.0]), jnp.array([2.0]), jnp.array(0.5), Cubic(), 0.3)
    variables = {"params": {"c": jnp.asarray(c)}}
    return objective, variables, Example(densities, jnp.asarray(targets), jnp.asarray(weights)), n


def test_the_true_functional_has_no_loss():
    with jax.enable_x64(True):
        objective, variables, example, _ = setting(1.0)  # times the scale of 2
        total, weight, _ = jax.jit(objective.loss)(variables, example, jax.random.key(0))
        sums, _ = jax.jit(objective.errors)(variables, example)
    assert weight == 2
    assert float(total) == pytest.approx(0.0, abs=1e-20)
    np.testing.assert_allclose(sums, 0.0, atol=1e-9)


def test_another_functional_has_the_loss_written_out():
    with jax.enable_x64(True):
        objective, variables, example, n = setting(1.5)
        total, _, _ = jax.jit(objective.loss)(variables, example, jax.random.key(0))
        sums, counts = jax.jit(objective.errors)(variables, example)
        score = float(objective.score(sums / counts))
    expected, roots = 0.0, 0.0
    for k in range(2):
        value = (3.0 - 2.0) * (n[k] ** 3).sum() * 0.05
        wrong = (9.0 - 6.0) * n[k] ** 2
        share = n[k] / n[k].sum()
        square = (share * (wrong - (share * wrong).sum()) ** 2).sum()
        expected += (value / 2.0) ** 2 + 0.3 * square / 0.25
        roots += np.sqrt(square)
    assert float(total) == pytest.approx(expected)
    assert float(sums[1]) == pytest.approx(roots)
    assert counts.tolist() == [2, 2]
    assert score == pytest.approx(float(sums[0]) / 2 / 2.0 + 0.3 * roots / 2 / 0.5)
