"""Small neural networks on bootstrap samples: a correction of few hundred items with error bars.

R. M. Balabin, E. I. Lomakina, J. Chem. Phys. 131, 074104 (2009): one hidden layer of four or five
neurons. J. Sun et al., J. Phys. Chem. A 118, 9120 (2014): one network for each bootstrap sample; the
mean over networks is the prediction, their spread the error bar of each molecule.

The spread of the networks is what few data leave open. It leaves out the noise of the data and
what no network of this size can say, so alone it is too small. Both show in the errors of items
that a network was not trained on (out of bag): `predict_with_std` adds a constant fitted to them.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from mlmat.errors import InputError
from mlmat.nn.mlp import MLP
from mlmat.nn.module import apply, map_members
from mlmat.typing import Array, Variables

HIDDEN = 5
"""Neurons of the one hidden layer: Balabin and Lomakina's."""

RATE = 0.02
"""First step size; it falls to zero along half a cosine."""


class BootstrapState(NamedTuple):
    """A fit.

    Attributes:
        variables: weights of the networks, every leaf ``[M, …]``.
        centre: ``[D]`` training means of the descriptors.
        spread: ``[D]`` their standard deviations; 1 where there is none.
        mean: training mean of the target.
        scale: its standard deviation.
        drawn: ``[M, N]`` how often network m was shown training item n.
        noise: standard deviation, in the unit of the target, of what the spread of the networks
            leaves of the out-of-bag errors.
    """

    variables: Variables
    centre: Array
    spread: Array
    mean: Array
    scale: Array
    drawn: Array
    noise: Array


def fit(
    x: Array,
    y: Array,
    *,
    hidden: int = HIDDEN,
    members: int = 40,
    decay: float = 1e-2,
    steps: int = 1500,
    seed: int = 0,
) -> BootstrapState:
    """Train one network for each bootstrap sample, on all items at once.

    Loss of a network: Σ_n w_n (f(x_n) − y_n)² / N + decay · ‖weights‖² / N, w the number of times the
    item was drawn, inputs and target standardised.

    Args:
        x: ``[N, D]`` descriptors.
        y: ``[N]`` targets, or target minus baseline (`mlmat.learners.delta`).
        hidden: neurons.
        members: networks.
        decay: weight decay; the only guard against overfitting.
        steps: of Adam.
        seed: of samples and first weights.

    Raises:
        InputError: shapes that do not fit, fewer than ten items, or fewer than two networks.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 2 or y.shape != x.shape[:1] or len(x) < 10 or members < 2:
        raise InputError(
            f"descriptors [N, D] and targets [N], at least 10, and two networks or more; "
            f"not {x.shape}, {y.shape} and {members}"
        )
    centre, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    mean, scale = y.mean(), max(y.std(), 1e-12)
    drawn = np.random.default_rng(seed).multinomial(len(x), np.full(len(x), 1 / len(x)), size=members)
    inputs = jnp.asarray((x - centre) / spread, jnp.float32)
    targets = jnp.asarray((y - mean) / scale, jnp.float32)
    keys = jax.random.split(jax.random.key(seed), members)
    variables = _train(inputs, targets, jnp.asarray(drawn, jnp.float32), keys, decay, hidden, steps)
    state = BootstrapState(variables, centre, spread, mean, scale, drawn, np.float64(0.0))
    found, std = out_of_bag(state, x)
    judged = np.isfinite(std)
    excess = ((found - y)[judged] ** 2 - std[judged] ** 2).mean() if judged.any() else 0.0
    return state._replace(noise=np.sqrt(max(excess, 0.0)))


@partial(jax.jit, static_argnames=("hidden", "steps"))
def _train(x, y, weights, keys, decay, hidden: int, steps: int):
    model, count = MLP((hidden, 1), jnp.tanh), len(x)
    optimiser = optax.adam(optax.cosine_decay_schedule(RATE, steps))

    def one(member):
        weight, key = member

        def loss(variables):
            error = apply(model, variables, x)[0][:, 0] - y
            size = sum((w**2).sum() for w in jax.tree.leaves(variables) if w.ndim > 1)
            return ((weight * error**2).sum() + decay * size) / count

        def step(carry, _):
            variables, state = carry
            updates, state = optimiser.update(jax.grad(loss)(variables), state)
            return (optax.apply_updates(variables, updates), state), None

        variables = model.init(key, x[:1])
        return jax.lax.scan(step, (variables, optimiser.init(variables)), length=steps)[0][0]

    return map_members(one, (weights, keys))


def each(state: BootstrapState, x: Array) -> jax.Array:
    """Prediction ``[M, N]`` of every network for descriptors ``[N, D]``; differentiable in `x`."""
    hidden = state.variables["params"]["Dense_0"]["bias"].shape[-1]
    model = MLP((hidden, 1), jnp.tanh)
    scaled = (x - jnp.asarray(state.centre)) / jnp.asarray(state.spread)
    outputs = jax.vmap(lambda variables: apply(model, variables, scaled)[0][:, 0])(state.variables)
    return outputs * state.scale + state.mean


def predict(state: BootstrapState, x: Array) -> jax.Array:
    """Mean over the networks, ``[N]``."""
    return each(state, x).mean(axis=0)


def predict_with_std(state: BootstrapState, x: Array, *, noise: bool = True) -> tuple[jax.Array, jax.Array]:
    """Mean and standard deviation ``[N]``.

    Args:
        state: from `fit`.
        x: ``[N, D]``.
        noise: add the constant fitted out of bag, √(spread² + noise²); False: the spread alone, as
            in Sun et al.
    """
    outputs = each(state, x)
    variance = outputs.var(axis=0, ddof=1) + (state.noise**2 if noise else 0.0)
    return outputs.mean(axis=0), jnp.sqrt(variance)


def out_of_bag(state: BootstrapState, x: Array) -> tuple[np.ndarray, np.ndarray]:
    """Training items, each predicted by the networks that were not shown it: honest without a test part.

    Args:
        state: from `fit`.
        x: ``[N, D]`` the training descriptors, in their order.

    Returns:
        Mean and standard deviation ``[N]``; NaN where fewer than two networks are left.
    """
    outputs = np.ma.masked_array(np.asarray(each(state, x), np.float64), np.asarray(state.drawn) > 0)
    few = outputs.count(axis=0) < 2
    mean, std = outputs.mean(axis=0).filled(np.nan), outputs.std(axis=0, ddof=1).filled(np.nan)
    return np.where(few, np.nan, mean), np.where(few, np.nan, std)
