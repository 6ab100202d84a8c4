"""Objectives: missing targets, classes, and energies whose gradients are forces."""

import jax
import jax.numpy as jnp
import jraph
import numpy as np
import optax

from mlmat.training.config import LossConfig
from mlmat.training.energy_forces import EnergyForces
from mlmat.training.losses import Classification, Regression
from mlmat.training.source import Example


class Springs:
    """Energy of every atom's distance from the origin: ½ k r², so F = −k r."""

    def apply(self, variables, batch, rngs=None):
        energy = 0.5 * variables["params"]["k"] * (batch.nodes["positions"] ** 2).sum(axis=-1)
        count = len(batch.n_node)
        where = jnp.repeat(jnp.arange(count), batch.n_node, total_repeat_length=len(energy))
        return jax.ops.segment_sum(energy, where, count)[:, None]

    def __call__(self, batch):
        """Only its signature counts: it takes no `train`."""


class Linear:
    def apply(self, variables, batch, rngs=None):
        return batch @ variables["params"]["w"]

    def __call__(self, batch):
        """Only its signature counts: it takes no `train`."""


def test_missing_targets_count_nothing():
    objective = Regression(
        jnp.array([1.0, 2.0]), jnp.array([2.0, 4.0]), Linear(), ("a", "b"), LossConfig(kind="mae")
    )
    variables = {"params": {"w": jnp.eye(2)}}
    example = Example(
        batch=jnp.array([[0.0, 1.0], [1.0, 0.0]]),
        targets=jnp.array([[3.0, 1e9], [1.0, 2.0]]),
        weights=jnp.array([[1.0, 0.0], [1.0, 1.0]]),
    )
    value, weight, _ = objective.loss(variables, example, jax.random.key(0))
    # Scaled residuals: 0 - 1, (missing), 1 - 0, 0 - 0.
    assert (float(value), float(weight)) == (2.0, 3.0)
    sums, counts = objective.errors(variables, example)
    np.testing.assert_allclose(sums, [2.0 + 2.0, 0.0])
    np.testing.assert_allclose(counts, [2.0, 1.0])
    slope = jax.jit(jax.grad(lambda v, example: objective.loss(v, example, jax.random.key(0))[0]))
    gradient = slope(variables, example)
    other = slope(variables, example._replace(targets=example.targets.at[0, 1].set(-5.0)))
    np.testing.assert_array_equal(gradient["params"]["w"], other["params"]["w"])


def test_huber_is_the_square_near_zero_and_a_line_far_away():
    objective = Regression(jnp.zeros(1), jnp.ones(1), Linear(), ("a",))
    variables = {"params": {"w": jnp.ones((1, 1))}}

    def loss(residual):
        example = Example(jnp.full((1, 1), residual), jnp.zeros((1, 1)), jnp.ones((1, 1)))
        return float(objective.loss(variables, example, jax.random.key(0))[0])

    np.testing.assert_allclose(loss(0.1), 0.5 * 0.1**2 / 0.3, rtol=1e-5)
    np.testing.assert_allclose(loss(5.0) - loss(4.0), 1.0, rtol=1e-5)


def test_classification_is_cross_entropy():
    objective = Classification(Linear(), ("x", "y", "z"))
    logits = jnp.array([[2.0, 0.0, -1.0], [0.0, 0.0, 3.0], [9.0, 9.0, 9.0]])
    example = Example(logits, jnp.array([[0.0], [1.0], [0.0]]), jnp.array([[1.0], [1.0], [0.0]]))
    variables = {"params": {"w": jnp.eye(3)}}
    value, weight, _ = objective.loss(variables, example, jax.random.key(0))
    expected = -np.log(np.exp(logits[0, 0]) / np.exp(logits[0]).sum())
    expected -= np.log(np.exp(logits[1, 1]) / np.exp(logits[1]).sum())
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    sums, counts = objective.errors(variables, example)
    np.testing.assert_allclose(sums / counts, [expected / 2, 0.5], rtol=1e-5)
    assert float(weight) == 2.0


def spring_example(force_error: float = 0.0) -> Example:
    positions = np.array([[1.0, 0, 0], [0, 2.0, 0], [0, 0, 3.0], [7.0, 7.0, 7.0]], np.float32)
    forces = -2.0 * positions
    forces[0, 0] += force_error
    forces[3] = 1e6  # padding must not matter
    batch = jraph.GraphsTuple(
        nodes={"positions": positions, "forces": forces},
        edges=None,
        receivers=np.zeros(0, np.int32),
        senders=np.zeros(0, np.int32),
        globals=None,
        n_node=np.array([2, 1, 1], np.int32),
        n_edge=np.zeros(3, np.int32),
    )
    return Example(batch, jnp.array([[5.0], [9.0], [1e6]]), jnp.array([[1.0], [1.0], [0.0]]))


def test_forces_are_the_negative_gradient_and_padding_is_silent():
    objective = EnergyForces(jnp.zeros(1), jnp.ones(1), Springs(), LossConfig(forces=2.0, kind="mae"))
    right = {"params": {"k": jnp.array(2.0)}}
    example = spring_example()
    assert float(objective.loss(right, example, jax.random.key(0))[0]) < 1e-6
    sums, counts = objective.errors(right, spring_example(force_error=0.6))
    np.testing.assert_allclose(sums, [0.0, 0.6 / 3], atol=1e-6)
    np.testing.assert_allclose(counts, [2.0, 3.0])
    # One component of two atoms is off by 0.6: its mean over the structure, weighted by 2.
    value = objective.loss(right, spring_example(force_error=0.6), jax.random.key(0))[0]
    np.testing.assert_allclose(value, 2.0 * 0.6 / 3 / 2, rtol=1e-5)


def test_energy_and_force_training_finds_the_spring():
    objective = EnergyForces(jnp.zeros(1), jnp.ones(1), Springs())
    variables, optimiser = {"params": {"k": jnp.array(0.5)}}, optax.adam(0.1)
    state, example = optimiser.init(variables), jax.tree.map(jnp.asarray, spring_example())

    @jax.jit
    def step(variables, state):
        gradient = jax.grad(lambda v: objective.loss(v, example, jax.random.key(0))[0])(variables)
        updates, state = optimiser.update(gradient, state)
        return optax.apply_updates(variables, updates), state

    for _ in range(200):
        variables, state = step(variables, state)
    np.testing.assert_allclose(variables["params"]["k"], 2.0, atol=1e-2)
