"""Settings and optimisers of the gradient search: Adam, L-BFGS, and Langevin noise on either."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import optax

from mlmat.errors import InputError
from mlmat.typing import Key, Optimiser

GRADIENT_COST = 3
"""Evaluations that one gradient of one start counts as."""

LINE_SEARCH = 6
"""Most gradients in one line search of L-BFGS."""


@dataclass(frozen=True)
class GradientConfig:
    """Hyperparameters of the gradient search.

    Attributes:
        steps: gradient steps in the life of a start.
        chunk: steps in one jitted call; the state is saved, and molecules are harvested, between chunks.
        learning_rate: of Adam.
        sharpness: at the first and at the last step of a life, geometric in between.
        harvest: share of a life after which every chunk's materials are realised.
        optimiser: L-BFGS takes one gradient a step and its line search, all of them counted.
        climb: each start follows one member, round robin, or the whole ensemble with its doubt.
        temperature: of Langevin noise at the first step; it falls to zero over a life.
        parallel: starts that descend at once; 0: all that the budget pays for, each lives once.
        patience: chunks without a lower loss after which a start is drawn anew; 0: never.
        samples: further members drawn around a start whenever it is realised, if its loss is among the
            better `share`, and if the problem can sample; each costs one evaluation, if it is new.
        share: of the starts that are sampled around, by their loss among all that were realised so far.
        scatter: temperature of these draws.
    """

    steps: int = 100
    chunk: int = 20
    learning_rate: float = 0.1
    sharpness: tuple[float, float] = (1.0, 8.0)
    harvest: float = 0.5
    optimiser: Literal["adam", "lbfgs"] = "adam"
    climb: Literal["member", "ensemble"] = "member"
    temperature: float = 0.0
    parallel: int = 0
    patience: int = 0
    samples: int = 0
    share: float = 0.5
    scatter: float = 0.8

    @property
    def harvests(self) -> int:
        """How often the materials of a start are realised in its life."""
        ends = range(self.chunk, self.steps + 1, self.chunk)
        return sum(end >= self.harvest * self.steps for end in ends)

    @property
    def step_cost(self) -> int:
        """Most evaluations that a step of one start can cost."""
        return GRADIENT_COST * (1 + (LINE_SEARCH if self.optimiser == "lbfgs" else 0))

    def groups(self, members: int) -> int:
        """Groups of starts that share what they climb."""
        return members if self.climb == "member" else 1

    def starts(self, budget: int, members: int) -> int:
        """Starts at once that a budget pays for, a multiple of the groups.

        Raises:
            InputError: the budget does not pay for one start per group.
        """
        groups = self.groups(members)
        cost = self.step_cost * self.steps + self.harvests
        starts = budget // cost // groups * groups
        if starts == 0:
            raise InputError(
                f"a budget of {budget} evaluations is too small: {groups} starts cost {cost * groups}"
            )
        return min(starts, -(-self.parallel // groups) * groups) if self.parallel else starts


def optax_optimiser(transformation: optax.GradientTransformation) -> Optimiser:
    """Adapter from any optax transformation to the optimiser contract.

    ``update`` passes keywords on (``value``, ``grad``, ``value_fn``: what line searches need).
    """
    transformation = optax.with_extra_args_support(transformation)

    def init(x):
        return x, transformation.init(x)

    def update(gradient, state, **extra):
        x, inner = state
        updates, inner = transformation.update(gradient, inner, x, **extra)
        return optax.apply_updates(x, updates), inner

    return Optimiser(init, update, params=lambda state: state[0])


def make_optimiser(config: GradientConfig) -> Optimiser:
    """Adam or L-BFGS (D. C. Liu, J. Nocedal, Math. Program. 45, 503 (1989)) with a zoom line search."""
    if config.optimiser == "adam":
        return optax_optimiser(optax.adam(config.learning_rate))
    search = optax.scale_by_zoom_linesearch(max_linesearch_steps=LINE_SEARCH, initial_guess_strategy="one")
    return optax_optimiser(optax.lbfgs(memory_size=8, linesearch=search))


def langevin(key: Key, x: Any, gradient: Any, rate: float, temperature: jax.Array) -> Any:
    """Langevin step: x + √(2 · rate · temperature) ξ, on the variables that have a gradient."""
    leaves, structure = jax.tree.flatten(x)
    keys = jax.random.split(key, len(leaves))
    scale = jnp.sqrt(2 * rate * temperature)
    return structure.unflatten(
        leaf + jnp.where(slope != 0, scale * jax.random.normal(k, leaf.shape), 0.0)
        for leaf, slope, k in zip(leaves, jax.tree.leaves(gradient), keys, strict=True)
    )
