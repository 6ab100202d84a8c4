"""Crystals chosen by gradient: one linearisation at a mixture ranks all substitutions at once.

As for molecules (`mlmat.design.molecules.guided`): the mean X of good crystals is itself a relaxed crystal,
and to first order the prediction for crystal C is f(X) + ∇f(X) · (C − X), a sum over the groups of sites.
What the first that are chosen are predicted to be corrects it for the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.descriptors.element_vectors import element_vectors
from mlmat.design.crystals.relaxed import SoftCrystal, corner, full_name
from mlmat.design.crystals.space import CrystalSpace
from mlmat.design.members import Allowed, is_new
from mlmat.design.searcher import Candidate, predict_with
from mlmat.design.searchers.genetic import Breeder, GeneticConfig
from mlmat.design.searchers.informed import InformedConfig
from mlmat.design.searchers.linearisation import columns_of, corrected_means, linearisation_cost

MIXED = 8
"""Good crystals whose mean is linearised at."""

PROPOSALS = 4_000
"""Combinations of the parents' fillings and random ones that are ranked in a space not written out."""

UNLIKE = 3.0
"""Element vectors are divided by this: two elements with no property in common are then √2 apart."""


class Ranking(NamedTuple):
    """Members in question, ranked by a linearisation.

    Attributes:
        rows: ``[C, G]`` the members.
        features: ``[C, D]`` their element vectors, for the correction.
        linear: ``[C, W]`` linearised means of the wants.
        doubt: ``[W]`` standard deviations at the centre.
    """

    rows: np.ndarray
    features: np.ndarray
    linear: np.ndarray
    doubt: np.ndarray


@partial(jax.jit, static_argnames="columns")
def linearise(
    predictor: Any, crystal: SoftCrystal, columns: tuple[int, ...]
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Means ``[W]`` and deviations ``[W]`` of the wants, and the Jacobian of the means ``[W, G, F]``."""

    def means(weights: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
        found = predictor.with_std(crystal._replace(weights=weights))
        mean, std = (part[jnp.array(columns)] for part in found)
        return mean, (mean, std)

    slopes, (mean, std) = jax.jacrev(means, has_aux=True)(crystal.weights)
    return mean, std, slopes


def filling_vectors(space: CrystalSpace) -> list[np.ndarray]:
    """``[F, 92]`` for each group: mean element vector of each filling."""
    return [
        np.array([element_vectors(filling).mean(axis=0) for filling in group]) for group in space.fillings
    ]


def proposals(
    space: CrystalSpace, rng: np.random.Generator, members: Sequence[tuple[int, ...]]
) -> np.ndarray:
    """``[C, G]`` members worth ranking: all of the space, or new combinations of what parents have."""
    if space.rows is not None:
        return space.rows
    pool = np.array(members)
    rows = np.stack([rng.choice(pool[:, g], PROPOSALS) for g in range(pool.shape[1])], axis=1)
    for g, group in enumerate(space.fillings):
        fresh = rng.random(PROPOSALS) < 1 / len(space.fillings)
        rows[fresh, g] = rng.integers(len(group), size=int(fresh.sum()))
    distinct = dict.fromkeys(map(space.canonical, rows.tolist()))
    return np.array([member for member in distinct if space.contains(member)], int).reshape(-1, pool.shape[1])


def rank_at(
    vectors: Sequence[np.ndarray],
    predictor: Any,
    centre: SoftCrystal,
    rows: np.ndarray,
    columns: tuple[int, ...],
) -> Ranking:
    """Linearise at a relaxed crystal.

    Args:
        vectors: ``[F, D]`` of each group's fillings.
        predictor: climbable.
        centre: X.
        rows: ``[C, G]`` members in question.
        columns: of the wants among the predictor's properties.
    """
    mean, std, slopes = map(np.asarray, linearise(predictor, centre, columns))
    groups = np.arange(rows.shape[1])
    linear = mean + slopes[:, groups, rows].sum(axis=-1).T - (slopes * centre.weights).sum(axis=(1, 2))
    features = np.concatenate([part[rows[:, g]] for g, part in enumerate(vectors)], axis=1) / UNLIKE
    return Ranking(rows, features, linear, std)


def make_guide(
    space: CrystalSpace, vectors: Sequence[np.ndarray], predict: Callable, breed: Callable
) -> Callable[..., Breeder]:
    """``guide(predictor, objective, allowed, config)`` of a space; see `mlmat.design.members.Members`."""

    def guide(predictor: Any, objective: Any, allowed: Allowed, config: InformedConfig) -> Breeder:
        columns, cost = columns_of(objective, predictor), linearisation_cost(objective, predictor)
        evolution = config.genetic or GeneticConfig()
        predicted = partial(predict_with, predict, predictor, objective)

        def order(ranking: Ranking, places: list[int], chosen: list[Candidate]) -> np.ndarray:
            means = ranking.linear
            if places:
                found = np.array([c.mean for c in chosen])[:, columns]
                means = corrected_means(ranking.features, means, places, found)
            mean, std = (np.zeros((len(means), len(predictor.properties))) for _ in range(2))
            mean[:, columns], std[:, columns] = means, ranking.doubt
            names = [""] * len(means)
            return np.argsort(objective.merit(predictor.properties, mean, std, names), kind="stable")

        def breeder(
            rng: np.random.Generator, parents: Sequence[Any], left: int, seen: Collection[str], lost: Counter
        ) -> tuple[list[Candidate], int]:
            count = min(config.bred, left)
            bred = breed(rng, parents, count, predictor, seen, lost, allowed, evolution)
            found = predicted([Candidate(name) for name in bred])
            if left - len(found) < cost + config.chosen:
                return found, 0
            best = parents[:MIXED]
            corners = [corner(space, *parent) for parent in best]
            centre = SoftCrystal(*(np.mean(part, axis=0) for part in zip(*corners, strict=True)))
            rows = proposals(space, rng, [member for member, _ in parents])
            if not len(rows):
                return found, 0
            ranking = rank_at(vectors, predictor, centre, rows, columns)
            known = {*seen, *(c.name for c in found)}
            chosen: list[Candidate] = []
            places: list[int] = []
            for wave in range(config.waves):
                wanted = config.chosen * (wave + 1) // config.waves - len(chosen)
                fresh: list[int] = []
                for place in order(ranking, places, chosen):
                    if len(fresh) == wanted:
                        break
                    name = full_name(space, tuple(rows[place].tolist()), best[0][1])
                    if is_new(name, known, allowed, Counter()):
                        known.add(name)
                        fresh.append(int(place))
                names = [full_name(space, tuple(rows[place].tolist()), best[0][1]) for place in fresh]
                chosen += predicted([Candidate(name) for name in names])
                places += fresh
            return found + chosen, cost

        return breeder

    return guide
