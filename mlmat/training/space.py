"""Spaces of hyperparameters: what a search may draw from, name by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlmat.errors import InputError


@dataclass(frozen=True)
class Choice:
    """One of some values, each as likely; None, booleans, numbers or strings."""

    values: tuple

    def __post_init__(self):
        object.__setattr__(self, "values", tuple(self.values))
        if not self.values:
            raise InputError("Choice needs at least one value")
        for value in self.values:
            # What JSON changes (a tuple, say) would look like another search on resuming.
            if value is not None and not isinstance(value, (bool, int, float, str)):
                raise InputError(f"Choice of {value!r}: give numbers, strings, booleans or None")

    def draw(self, random: np.random.Generator) -> Any:
        """A value."""
        return self.values[int(random.integers(len(self.values)))]


@dataclass(frozen=True)
class Uniform:
    """A number between two ends."""

    low: float
    high: float

    def __post_init__(self):
        _check(self)

    def draw(self, random: np.random.Generator) -> float:
        """A value."""
        return float(random.uniform(self.low, self.high))


@dataclass(frozen=True)
class LogUniform:
    """A positive number whose logarithm is uniform: for rates and widths."""

    low: float
    high: float

    def __post_init__(self):
        _check(self)
        if self.low <= 0:
            raise InputError(f"LogUniform({self.low}, {self.high}): both ends must be positive")

    def draw(self, random: np.random.Generator) -> float:
        """A value."""
        value = math.exp(random.uniform(math.log(self.low), math.log(self.high)))
        return min(max(value, self.low), self.high)  # exp(log x) may miss x by a rounding


@dataclass(frozen=True)
class IntUniform:
    """A whole number between two ends, both included."""

    low: int
    high: int

    def __post_init__(self):
        _check(self)
        if self.low != int(self.low) or self.high != int(self.high):
            raise InputError(f"IntUniform({self.low}, {self.high}): both ends must be whole numbers")

    def draw(self, random: np.random.Generator) -> int:
        """A value."""
        return int(random.integers(self.low, self.high, endpoint=True))


Space = Mapping[str, Choice | Uniform | LogUniform | IntUniform]


def sample(space: Space, seed: int, number: int) -> dict[str, Any]:
    """Configuration `number` of a space.

    It depends on the seed, the number and the names only: not on how many are drawn, nor
    on the order of the names.

    Raises:
        InputError: an empty space.
    """
    if not space:
        raise InputError("the search space is empty: give at least one name with a Choice or a range")
    random = np.random.default_rng([seed, number])
    return {name: space[name].draw(random) for name in sorted(space)}


def _check(interval: Uniform | LogUniform | IntUniform) -> None:
    if not (math.isfinite(interval.low) and math.isfinite(interval.high) and interval.low <= interval.high):
        kind = type(interval).__name__
        raise InputError(f"{kind}({interval.low}, {interval.high}): the ends must be finite and in order")
