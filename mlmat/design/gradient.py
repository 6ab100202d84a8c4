"""Gradient search: many starts from noise, annealed from soft to sharp, in jitted chunks.

Each start climbs one member of the ensemble, round robin; its candidates are then
judged by all members, so that an error of one member is not what gets selected.
The state is handed back after every chunk: progress, interruption and resume happen
there, with one compilation for the whole search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from mlmat.errors import InputError
from mlmat.predictor import Predictor
from mlmat.typing import Key, Optimiser, Problem

GRADIENT_COST = 3
"""Predictor evaluations that one gradient counts as."""


@dataclass(frozen=True)
class GradientConfig:
    """Hyperparameters of the gradient search.

    Attributes:
        steps: gradient steps of each start.
        chunk: steps in one jitted call; the state is saved between chunks.
        learning_rate: of Adam.
        sharpness: at the first and at the last step, geometric in between.
        harvest: share of the steps after which every chunk's materials are realised.
    """

    steps: int = 100
    chunk: int = 20
    learning_rate: float = 0.1
    sharpness: tuple[float, float] = (1.0, 8.0)
    harvest: float = 0.5

    @property
    def harvests(self) -> int:
        """How often the materials of a start are realised."""
        ends = range(self.chunk, self.steps + 1, self.chunk)
        return sum(end >= self.harvest * self.steps for end in ends)

    def starts(self, budget: int, members: int) -> int:
        """Starts that a budget of predictor evaluations pays for, a multiple of `members`.

        Raises:
            InputError: the budget does not pay for one start per member.
        """
        cost = GRADIENT_COST * self.steps + self.harvests
        starts = budget // cost // members * members
        if starts == 0:
            raise InputError(
                f"a budget of {budget} evaluations is too small: {members} starts cost {cost * members}"
            )
        return starts


class SearchState(NamedTuple):
    """State between chunks; every leaf but `step` has axes ``[members, starts / members]``."""

    optimiser: Any
    key: jax.Array
    step: jax.Array


def optax_optimiser(transformation: optax.GradientTransformation) -> Optimiser:
    """Adapter from any optax transformation to the optimiser contract."""

    def init(x):
        return x, transformation.init(x)

    def update(gradient, state):
        x, inner = state
        updates, inner = transformation.update(gradient, inner, x)
        return optax.apply_updates(x, updates), inner

    return Optimiser(init, update, params=lambda state: state[0])


def init_search(problem: Problem, config: GradientConfig, starts: int, members: int, key: Key) -> SearchState:
    """Draw the starts, shared out over the members of the ensemble."""
    optimiser = optax_optimiser(optax.adam(config.learning_rate))
    keys = jax.random.split(key, (2, members, starts // members))
    x = jax.jit(jax.vmap(jax.vmap(problem.init)))(keys[0])
    return SearchState(
        jax.vmap(jax.vmap(optimiser.init))(x), jax.random.key_data(keys[1]), jnp.zeros((), jnp.int32)
    )


def make_chunk(problem: Problem, config: GradientConfig) -> Callable:
    """Build the jitted chunk: ``chunk(predictor, state) → (state, materials, history)``.

    The predictor is an argument, so another one of the same shape does not recompile.
    ``materials`` are the relaxed materials ``[members, starts / members, ...]``;
    ``history`` holds the relaxed property of every step ``[chunk, members, …]``.
    """
    optimiser = optax_optimiser(optax.adam(config.learning_rate))
    soft, sharp = config.sharpness

    def sharpness(step):
        return soft * (sharp / soft) ** jnp.minimum(step / max(1, config.steps - 1), 1.0)

    def start_step(member: Predictor, inner, key, step):
        def loss(x):
            return problem.loss(member, problem.decode(x, sharpness(step), key))

        x = optimiser.params(inner)
        (_, value), gradient = jax.value_and_grad(loss, has_aux=True)(x)
        return optimiser.update(gradient, inner), value

    @jax.jit
    def chunk(predictor: Predictor, state: SearchState):
        members = replace(predictor, variables=jax.tree.map(lambda leaf: leaf[:, None], predictor.variables))
        axes = replace(predictor, variables=0, mean=None, scale=None)

        def step(state: SearchState, _):
            keys = jax.random.wrap_key_data(state.key)
            keys = jax.vmap(jax.vmap(partial(jax.random.fold_in, data=state.step)))(keys)
            over_starts = jax.vmap(start_step, in_axes=(None, 0, 0, None))
            inner, values = jax.vmap(over_starts, in_axes=(axes, 0, 0, None))(
                members, state.optimiser, keys, state.step
            )
            return SearchState(inner, state.key, state.step + 1), values

        state, history = jax.lax.scan(step, state, length=config.chunk)
        decode = jax.vmap(jax.vmap(lambda x, key: problem.decode(x, sharpness(state.step), key)))
        materials = decode(optimiser.params(state.optimiser), jax.random.wrap_key_data(state.key))
        return state, materials, history

    return chunk


class Harvest(NamedTuple):
    """What one chunk leaves: relaxed values of all steps, and relaxed materials to realise.

    Attributes:
        state: to save and to go on from.
        history: ``[chunk, starts]`` relaxed property.
        materials: relaxed materials ``[starts, ...]`` on the host, or None before the harvest.
    """

    state: SearchState
    history: np.ndarray
    materials: Any


def descend(
    problem: Problem,
    predictor: Predictor,
    config: GradientConfig,
    state: SearchState,
    chunk: Callable | None = None,
) -> Iterator[Harvest]:
    """Run the remaining chunks of a search, yielding after each.

    Args:
        problem: the contract's five functions.
        predictor: the ensemble to climb.
        config: hyperparameters.
        state: from `init_search`, or a saved one.
        chunk: from `make_chunk`, to share its compilation between searches.
    """
    chunk = chunk or make_chunk(problem, config)
    while int(state.step) < config.steps:
        state, materials, history = chunk(predictor, state)
        values = np.asarray(history).reshape(len(history), -1)
        ripe = int(state.step) >= config.harvest * config.steps
        host = jax.tree.map(lambda leaf: np.asarray(leaf).reshape(-1, *leaf.shape[2:]), materials)
        yield Harvest(state, values, host if ripe else None)
