"""Where molecules come from that nobody bred: drawn at random, or read from a stream."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jax
import numpy as np

from mlmat.data.small_organics.sample import random_member
from mlmat.design.molecules.realise import Realised
from mlmat.errors import MlmatError
from mlmat.graphs.chemistry import canonical_smiles, parse_smiles
from mlmat.graphs.stability import first_violation

SHARPNESS = 8.0
"""Of the decoding of noise starts."""

STARTS = 64
"""Noise starts decoded together where members must respect constraints."""


def draw_size(rng: np.random.Generator, capacity: int) -> int:
    """Heavy atoms, drawn as for noise starts: the largest three times as likely as the smallest."""
    sizes = np.arange(math.ceil(0.6 * capacity), capacity + 1)
    weights = np.linspace(1.0, 3.0, len(sizes))
    return int(rng.choice(sizes, p=weights / weights.sum()))


def member_source(
    problem: Any, capacity: int, allowed: Callable[[str], bool] | None
) -> Callable[[np.random.Generator, Counter], Iterator[str]]:
    """How random members of the space are drawn: ``source(rng, lost) → endless iterator``.

    Constraints may leave next to nothing of what `random_member` draws. With `allowed`,
    members are noise starts of the problem instead, rounded: those respect the constraints
    by construction. No predictor is asked; repeats are possible; the reasons why a draw
    was no member are counted in `lost`.

    Args:
        problem: see `mlmat.typing.Problem`.
        capacity: most heavy atoms.
        allowed: whether a canonical SMILES may be submitted.
    """
    noise = jax.jit(jax.vmap(lambda key: problem.decode(problem.init(key), SHARPNESS, key)))

    def rounded(rng: np.random.Generator, lost: Counter) -> Iterator[str]:
        while True:
            keys = jax.random.split(jax.random.key(int(rng.integers(2**31))), STARTS)
            materials = jax.tree.map(np.asarray, noise(keys))
            for start in range(STARTS):
                outcome = problem.realise(jax.tree.map(lambda leaf, i=start: leaf[i], materials))
                if not isinstance(outcome, Realised):
                    lost[outcome] += 1
                elif not allowed(outcome.smiles):
                    lost["not allowed"] += 1
                else:
                    yield outcome.smiles

    def grown(rng: np.random.Generator, lost: Counter) -> Iterator[str]:
        while True:
            yield canonical_smiles(random_member(rng, draw_size(rng, capacity)))

    return grown if allowed is None else rounded


def members_in(stream: Iterable[str], capacity: int, lost: Counter) -> Iterator[str]:
    """Canonical SMILES of what in a stream is a member of the space; the rest is counted in `lost`."""
    for text in stream:
        try:
            molecule = parse_smiles(text)
        except MlmatError as error:
            lost[type(error).__name__] += 1
            continue
        if not 1 <= molecule.GetNumAtoms() <= capacity:
            lost["size"] += 1
        elif violation := first_violation(molecule):
            lost[violation] += 1
        else:
            yield canonical_smiles(molecule)
