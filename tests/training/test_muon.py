"""Muon: the step of a matrix is orthogonal, of AdamW's size, and everything else has Adam's."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from training.problem import CONFIG, problem

from mlmat.training.config import TrainingConfig
from mlmat.training.loop import fit
from mlmat.training.step import MUON_SIZE, learning_rate, rates, transformation

RATE, STEPS = 0.1, 1_000
NUMBERS = rates(
    TrainingConfig(learning_rate=RATE, epochs=1, warmup=1 / STEPS, weight_decay=0.0, clip=1e6), STEPS
)
MUON = transformation(NUMBERS, "muon", None)


def second_step(step: optax.GradientTransformation, gradients: dict) -> dict:
    """What the second update takes from each weight, relative to the learning rate; the first is warm-up."""
    weights = jax.tree.map(jnp.zeros_like, gradients)
    state = step.init(weights)
    for _ in range(2):
        updates, state = step.update(gradients, state, weights)
    return jax.tree.map(lambda leaf: -np.asarray(leaf) / RATE, updates)


@pytest.mark.parametrize("shape", [(24, 8), (8, 24), (3, 10, 6)])
def test_the_step_of_a_matrix_is_the_nearest_orthogonal_one(shape):
    gradient = jax.random.normal(jax.random.key(0), shape)
    found = second_step(MUON, {"kernel": gradient})["kernel"] / (MUON_SIZE * np.sqrt(max(shape[-2:])))
    left, _, right = np.linalg.svd(np.asarray(gradient), full_matrices=False)
    values = np.linalg.svd(found, compute_uv=False)
    # Newton and Schulz's five steps stop near one, not at it.
    assert values.min() > 0.65
    assert values.max() < 1.3
    along = np.einsum("...ik,...ij,...kj->...k", left, found, right)
    np.testing.assert_allclose(np.sort(along), np.sort(values), atol=0.02)


def test_matrices_of_a_stack_do_not_see_each_other():
    gradient = jax.random.normal(jax.random.key(1), (3, 10, 6))
    together = second_step(MUON, {"kernel": gradient})["kernel"]
    for number in range(3):
        alone = second_step(MUON, {"kernel": gradient[number]})["kernel"]
        np.testing.assert_allclose(together[number], alone, atol=1e-5)


def test_a_vector_has_the_step_of_adam_with_nesterovs_momentum():
    gradients = {"bias": jnp.linspace(-1.0, 2.0, 7), "scale": jnp.array(0.3)}
    ours = second_step(MUON, gradients)
    adam = second_step(optax.nadam(lambda count: learning_rate(NUMBERS, count)), gradients)
    for name in gradients:
        np.testing.assert_allclose(ours[name], adam[name], rtol=1e-5)


def test_it_learns_and_goes_on_where_it_stopped(tmp_path):
    config = replace(CONFIG, shards=1, epochs=30, optimiser="muon")
    objective, source, validation, variables = problem(config)
    whole = fit(objective, source, validation, config, variables)
    scores = [row["score"] for row in whole.history]
    assert scores[-1] < 0.85 * scores[0]
    again = fit(objective, source, validation, config, variables, checkpoint=tmp_path / "state")
    resumed = fit(objective, source, validation, config, variables, checkpoint=tmp_path / "state")
    for one, other in zip(jax.tree.leaves(again.variables), jax.tree.leaves(resumed.variables), strict=True):
        np.testing.assert_array_equal(one, other)
