"""Jitted gradient descent of many starts at once: chunks of steps, annealed, with restarts.

One chunk is a scan over steps of a vmap over starts, traced once for a problem shape. Each
start has its own age, which sets its sharpness and its noise, so that starts drawn anew in
between anneal from the beginning. The state comes back after every chunk: progress,
interruption and resume happen there.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from mlmat.design.searchers.optimisers import LINE_SEARCH, GradientConfig, langevin, make_optimiser
from mlmat.typing import Key, Problem


class SearchState(NamedTuple):
    """State between chunks; axes ``[groups, starts / groups]`` but for `step`.

    Attributes:
        optimiser: its state, free variables included.
        key: key data of every start.
        age: steps since a start was drawn.
        step: steps since the search began.
    """

    optimiser: Any
    key: jax.Array
    age: jax.Array
    step: jax.Array


class Trace(NamedTuple):
    """What the steps of a chunk saw; axes ``[chunk, starts]`` first.

    Attributes:
        values: ``[..., W]`` relaxed predictions of the wants.
        loss: with the penalties of the space.
        gradients: number of gradients taken.
    """

    values: jax.Array
    loss: jax.Array
    gradients: jax.Array


def init_search(problem: Problem, config: GradientConfig, starts: int, members: int, key: Key) -> SearchState:
    """Draw the starts, shared out over the groups."""
    optimiser, groups = make_optimiser(config), config.groups(members)
    keys = jax.random.split(key, (2, groups, starts // groups))
    x = jax.jit(jax.vmap(jax.vmap(problem.init)))(keys[0])
    inner = jax.vmap(jax.vmap(optimiser.init))(x)
    ages = jnp.zeros((groups, starts // groups), jnp.int32)
    return SearchState(inner, jax.random.key_data(keys[1]), ages, jnp.zeros((), jnp.int32))


def flat_starts(leaf: jax.Array) -> jax.Array:
    """``[groups, starts / groups, ...]`` → ``[starts, ...]``; a leaf may have no numbers at all."""
    return leaf.reshape(leaf.shape[0] * leaf.shape[1], *leaf.shape[2:])


def make_restart(problem: Problem, config: GradientConfig) -> Callable[[SearchState, Any], SearchState]:
    """Build the jitted restart: ``restart(state, flags [groups, starts / groups]) → state``."""
    optimiser = make_optimiser(config)

    def one(inner, key, age, flag):
        fresh = jax.random.split(jax.random.wrap_key_data(key))
        new = optimiser.init(problem.init(fresh[0])), jax.random.key_data(fresh[1]), jnp.zeros_like(age)
        return jax.tree.map(partial(jnp.where, flag), new, (inner, key, age))

    @jax.jit
    def restart(state: SearchState, flags):
        return SearchState(*jax.vmap(jax.vmap(one))(state.optimiser, state.key, state.age, flags), state.step)

    return restart


def progress(config: GradientConfig, age: jax.Array) -> jax.Array:
    """Share of its life that a start has behind it, 1 at its last step."""
    return jnp.minimum(age / max(1, config.steps - 1), 1.0)


def sharpness_at(config: GradientConfig, age: jax.Array) -> jax.Array:
    """Sharpness of a start of this age, geometric between the two of `config`."""
    soft, sharp = config.sharpness
    return soft * (sharp / soft) ** progress(config, age)


def make_chunk(problem: Problem, config: GradientConfig) -> Callable:
    """Build the jitted chunk: ``chunk(predictor, state) → (state, materials, trace)``.

    The predictor is an argument, so another one of the same shape does not recompile.
    ``materials`` are the relaxed materials ``[starts, ...]``.
    """
    optimiser = make_optimiser(config)
    sharpness = partial(sharpness_at, config)

    def start_step(predictor, inner, key, age):
        key = jax.random.fold_in(jax.random.wrap_key_data(key), age)

        def loss(x):
            total, values = problem.loss(predictor, problem.decode(x, sharpness(age), key))
            return total, jnp.atleast_1d(values)

        x = optimiser.params(inner)
        (total, values), gradient = jax.value_and_grad(loss, has_aux=True)(x)
        if config.optimiser == "lbfgs":
            inner = optimiser.update(
                gradient, inner, value=total, grad=gradient, value_fn=lambda x: loss(x)[0]
            )
            gradients = 1 + jnp.minimum(inner[1][-1].info.num_linesearch_steps, LINE_SEARCH)
        else:
            inner, gradients = optimiser.update(gradient, inner), jnp.ones((), jnp.int32)
        if config.temperature:
            heat = config.temperature * (1 - progress(config, age))
            moved = langevin(key, optimiser.params(inner), gradient, config.learning_rate, heat)
            inner = moved, *inner[1:]
        return inner, age + 1, Trace(values, total, gradients)

    @jax.jit
    def chunk(predictor: Any, state: SearchState):
        def group(index, inner, key, age):
            climbed = predictor.only(index) if config.climb == "member" else predictor
            return jax.vmap(partial(start_step, climbed))(inner, key, age)

        def step(state: SearchState, _):
            indices = jnp.arange(state.age.shape[0])
            inner, age, trace = jax.vmap(group)(indices, state.optimiser, state.key, state.age)
            flat = jax.tree.map(flat_starts, trace)
            return SearchState(inner, state.key, age, state.step + 1), flat

        state, trace = jax.lax.scan(step, state, length=config.chunk)

        def decoded(x, key, age):
            return problem.decode(x, sharpness(age), jax.random.wrap_key_data(key))

        materials = jax.vmap(jax.vmap(decoded))(optimiser.params(state.optimiser), state.key, state.age)
        return state, jax.tree.map(flat_starts, materials), trace

    return chunk


def make_sampler(problem: Problem, config: GradientConfig) -> Callable[[SearchState, Key], Any]:
    """Build the jitted draws around all starts: ``sampler(state, key) → materials [starts · samples, ...]``.

    Those of one start follow each other.
    """
    optimiser, spread = make_optimiser(config), config.scatter

    @jax.jit
    def sampler(state: SearchState, key: Key):
        def one(x, age, key):
            return problem.decode(problem.sample(x, key, spread), sharpness_at(config, age), key)

        x = jax.tree.map(flat_starts, optimiser.params(state.optimiser))
        keys = jax.random.split(key, (state.age.size, config.samples))
        around = jax.vmap(jax.vmap(one, (None, None, 0)))(x, state.age.reshape(-1), keys)
        return jax.tree.map(flat_starts, around)

    return sampler
