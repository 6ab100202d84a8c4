"""A contender in JAX: compile a training step, make the first, then steps on request."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import flax
import jax
import jax.numpy as jnp
import optax


def serve(
    predict: Callable[[Any, Any], jax.Array], params: Any, batch: Any, targets: Any, learning_rate: float
) -> None:
    """Forward, backward and Adam on one batch, over and over.

    Prints one JSON line after the first step, then one for each line with a number of steps that
    it reads.

    Args:
        predict: ``predict(params, batch) → [molecules]``.
        params: pytree to train.
        batch: pytree of arrays.
        targets: ``[molecules]``.
        learning_rate: of Adam.
    """
    optimiser = optax.adam(learning_rate)

    def step(params, state, batch, targets):
        def loss(params):
            return jnp.mean((predict(params, batch) - targets) ** 2)

        value, gradient = jax.value_and_grad(loss)(params)
        updates, state = optimiser.update(gradient, state, params)
        return optax.apply_updates(params, updates), state, value

    batch, targets, params = jax.device_put((batch, targets, params))
    state = jax.jit(optimiser.init)(params)
    start = time.perf_counter()
    step = jax.jit(step).lower(params, state, batch, targets).compile()
    compile_s = time.perf_counter() - start
    params, state, loss = jax.block_until_ready(step(params, state, batch, targets))
    versions = {"jax": jax.__version__, "flax": flax.__version__}
    print(json.dumps({"compile_s": compile_s, "loss": float(loss), "versions": versions}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            params, state, loss = jax.block_until_ready(step(params, state, batch, targets))
            times.append(1e3 * (time.perf_counter() - start))
        print(json.dumps({"ms": times, "loss": float(loss)}), flush=True)
