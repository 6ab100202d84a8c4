"""One training step, and the compiled scan of many of them for all members at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib

from mlmat.nn.module import map_members
from mlmat.training.config import TrainingConfig
from mlmat.training.source import Source
from mlmat.typing import Variables

MUON_SIZE = 0.2
"""Root mean square of Muon's updates at a learning rate of one: what AdamW's usually have."""


class TrainingState(NamedTuple):
    """Everything a run needs to go on; every leaf has a leading member axis ``[M, ...]``.

    Attributes:
        variables: current weights and model state.
        averaged: moving average of the weights and of the model's state (statistics of batch norm).
        best: the averaged variables with the lowest validation score so far.
        best_score: that score.
        stale: epochs since then.
        optimiser: optax state.
        key: random keys (raw data).
        step: updates done.
        epoch: epochs done.
    """

    variables: Variables
    averaged: Variables
    best: Variables
    best_score: jax.Array
    stale: jax.Array
    optimiser: Any
    key: jax.Array
    step: jax.Array
    epoch: jax.Array


class Rates(NamedTuple):
    """Hyperparameters that a compiled step takes as numbers: trying others compiles nothing.

    Attributes:
        peak: highest learning rate.
        warm: updates until it is reached.
        total: updates until the end of its decay.
        weight_decay: of the optimiser.
        clip: largest global gradient norm.
        ema: decay of the averaged weights.
    """

    peak: jax.Array
    warm: jax.Array
    total: jax.Array
    weight_decay: jax.Array
    clip: jax.Array
    ema: jax.Array


def rates(config: TrainingConfig, steps: int) -> Rates:
    """The numbers of a configuration, for epochs of so many steps."""
    total = max(2, config.epochs * steps)
    warm = max(1, min(total - 1, round(config.warmup * total)))
    numbers = (config.learning_rate, warm, total, config.weight_decay, config.clip, config.ema)
    return Rates(*(np.float32(number) for number in numbers))


def learning_rate(rates: Rates, count: jax.Array) -> jax.Array:
    """Learning rate after so many updates: linear warm-up, then cosine decay to 1 %."""
    rising = count / rates.warm
    past = jnp.clip((count - rates.warm) / (rates.total - rates.warm), 0.0, 1.0)
    falling = 0.01 + 0.99 * 0.5 * (1.0 + jnp.cos(jnp.pi * past))
    return rates.peak * jnp.where(count < rates.warm, rising, falling)


def _matrices(params: Any) -> Any:
    """Which axes of each weight are a matrix: the last two, those before them number matrices."""

    def of(leaf: jax.Array) -> optax.contrib.MuonDimensionNumbers | None:
        return optax.contrib.MuonDimensionNumbers(-2, -1) if leaf.ndim >= 2 else None

    return jax.tree.map(of, params)


def transformation(
    rates: Rates, optimiser: str, frozen: Callable[[Any], Any] | None
) -> optax.GradientTransformation:
    """Clipped steps on the schedule.

    Muon (K. Jordan et al. 2024) replaces the averaged gradient of a matrix by the orthogonal matrix next
    to it, scaled to the size of AdamW's updates as by J. Liu et al., arXiv 2502.16982, section 2.2.

    Args:
        rates: numbers of the schedule.
        optimiser: of `mlmat.training.config.OPTIMISERS`.
        frozen: maps parameters to a pytree of booleans.
    """

    def rate(count: jax.Array) -> jax.Array:
        return learning_rate(rates, count)

    if optimiser == "muon":
        steps = optax.contrib.muon(
            rate,
            weight_decay=rates.weight_decay,
            adam_weight_decay=rates.weight_decay,
            muon_weight_dimension_numbers=_matrices,
            consistent_rms=MUON_SIZE,
        )
    else:
        steps = optax.adamw(rate, weight_decay=rates.weight_decay)
    chain = [optax.clip_by_global_norm(rates.clip), steps]
    if frozen is not None:
        # First, so that frozen parts do not count in the norm; last, against weight decay.
        hold = optax.masked(optax.set_to_zero(), frozen)
        chain = [hold, *chain, hold]
    return optax.chain(*chain)


@partial(jax.jit, static_argnames=("optimiser", "frozen"))
def initial_state(
    variables: Variables,
    rates: Rates,
    key: jax.Array,
    optimiser: str = "adamw",
    frozen: Callable[[Any], Any] | None = None,
) -> TrainingState:
    """State before the first step, from variables with a member axis ``[M, ...]`` and a key."""
    members = jax.tree.leaves(variables)[0].shape[0]
    zeros = jnp.zeros(members, jnp.int32)
    keys = jax.random.split(jax.random.fold_in(key, 1), members)
    return TrainingState(
        variables=variables,
        averaged=variables,
        best=variables,
        best_score=jnp.full(members, jnp.inf, jnp.float32),
        stale=zeros,
        optimiser=jax.vmap(transformation(rates, optimiser, frozen).init)(variables["params"]),
        key=jax.random.key_data(keys),
        step=zeros,
        epoch=zeros,
    )


class Program(NamedTuple):
    """What a compiled step is made for; equal ones share their compiled code, so folds and seeds do.

    Attributes:
        prepare: of the `Source`: a function of a module, not a closure, or nothing is shared.
        own_order: of the `Source`.
        shards: sub-batches of a step.
        precision: of matrix products.
        optimiser: of `mlmat.training.config.OPTIMISERS`.
        frozen: maps parameters to a pytree of booleans, true where they stay as they are.
    """

    prepare: Callable
    own_order: bool
    shards: int
    precision: str
    optimiser: str
    frozen: Callable[[Any], Any] | None


def make_run_chunk(source: Source, config: TrainingConfig, frozen: Callable[[Any], Any] | None = None):
    """Function that trains all members on a chunk.

    Args:
        source: training examples.
        config: of which shards, precision and optimiser are part of the program; the rest comes as `Rates`.
        frozen: maps parameters to a pytree of booleans, true where they stay as they are.

    Returns:
        ``run(objective, data, rates, state, chunk) → (state, losses [M, S], weights [M, S],
        norms [M, S])``: loss, weight and gradient norm of each step; a step without
        examples changes nothing and has weight 0.
    """
    program = Program(
        source.prepare, source.own_order, config.shards, config.precision, config.optimiser, frozen
    )
    return partial(run_chunk, program)


@partial(jax.jit, static_argnums=0)
def run_chunk(program: Program, objective: Any, data: Any, rates: Rates, state: TrainingState, chunk: Any):
    """See `make_run_chunk`."""

    def member(objective, data, rates: Rates, state: TrainingState, chunk):
        optimiser = transformation(rates, program.optimiser, program.frozen)
        base = jax.random.wrap_key_data(state.key)
        steps = jax.tree.leaves(chunk)[0].shape[0]
        order = jnp.arange(steps)
        if program.own_order:
            order = jax.random.permutation(jax.random.fold_in(base, state.step), steps)

        def step(carry, number):
            variables, averaged, optimiser_state, count = carry
            key = jax.random.fold_in(base, count)
            item = jax.tree.map(lambda leaf: leaf[number], chunk)
            params = variables["params"]
            rest = {name: value for name, value in variables.items() if name != "params"}

            def shard_loss(params, item, key):
                prepare, dropout = jax.random.split(key)
                example = program.prepare(data, item, prepare)
                return objective.loss({**rest, "params": params}, example, dropout)

            def loss(params):
                if program.shards == 1:
                    total, weight, changed = shard_loss(params, item, key)
                else:
                    parts = jax.vmap(shard_loss, in_axes=(None, 0, 0))
                    total, weight, changed = parts(params, item, jax.random.split(key, program.shards))
                    total, weight = total.sum(), weight.sum()
                    changed = jax.tree.map(lambda leaf: leaf.mean(axis=0), changed)
                return total / jnp.maximum(weight, 1e-12), (weight, changed)

            (value, (weight, changed)), gradient = jax.value_and_grad(loss, has_aux=True)(params)
            norm = optax.tree.norm(gradient)
            updates, new_state = optimiser.update(gradient, optimiser_state, params)
            new_params = optax.apply_updates(params, updates)
            decay = jnp.minimum(rates.ema, (1.0 + count) / (10.0 + count))
            # The statistics of batch norm, too: they belong to the weights they were taken with.
            blended = optax.incremental_update({**changed, "params": new_params}, averaged, 1 - decay)
            new = (
                {**changed, "params": new_params},
                blended,
                new_state,
                count + 1,
            )
            carry = jax.tree.map(lambda after, before: jnp.where(weight > 0, after, before), new, carry)
            return carry, (value, weight, norm)

        carry = (state.variables, state.averaged, state.optimiser, state.step)
        (variables, averaged, optimiser_state, count), trace = jax.lax.scan(step, carry, order)
        state = state._replace(variables=variables, averaged=averaged, optimiser=optimiser_state, step=count)
        return state, *trace

    with jax.default_matmul_precision(None if program.precision == "default" else program.precision):
        return map_members(lambda one: member(objective, data, rates, one, chunk), state)


@partial(jax.jit, static_argnums=0)
def validate_chunk(prepare: Callable, objective: Any, data: Any, variables: Variables, chunk: Any):
    """Sums and weights ``[M, C]`` of the errors of all members on a chunk; `prepare` is the `Source`'s."""

    def member(variables):
        def step(carry, item):
            found = objective.errors(variables, prepare(data, item, None))
            return jax.tree.map(jnp.add, carry, found), None

        zeros = jnp.zeros(len(objective.columns))
        return jax.lax.scan(step, (zeros, zeros), chunk)[0]

    return map_members(member, variables)


@jax.jit
def keep_best(state: TrainingState, score: jax.Array) -> TrainingState:
    """End an epoch: each member keeps its averaged variables if its score ``[M]`` is its best."""
    better = score < state.best_score

    def choose(new, old):
        return jnp.where(better.reshape(-1, *(1,) * (new.ndim - 1)), new, old)

    return state._replace(
        best=jax.tree.map(choose, state.averaged, state.best),
        best_score=jnp.where(better, score, state.best_score),
        stale=jnp.where(better, 0, state.stale + 1),
        epoch=state.epoch + 1,
    )
