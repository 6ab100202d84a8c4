"""Crystals of a space as members that searchers handle by name.

Breeding works on occupations: a child takes each group from one of two parents (uniform crossover), or
from one parent alone; a mutation fills a group anew, half of the time with one of the `ALIKE` most alike
fillings. In a space with a list of members a child that is not on it becomes the nearest that is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from mlmat.design.crystals.climb import CrystalPredictor
from mlmat.design.crystals.guided import filling_vectors, make_guide
from mlmat.design.crystals.realise import Realised, faults
from mlmat.design.crystals.relaxed import (
    LIMIT,
    QUANTUM,
    SoftCrystal,
    amplitudes_of,
    corner,
    full_name,
    parse_name,
)
from mlmat.design.crystals.space import CrystalSpace
from mlmat.design.members import Allowed, Members, is_new
from mlmat.design.searcher import batch_of
from mlmat.design.searchers.genetic import ATTEMPTS, GeneticConfig
from mlmat.errors import InputError

ALIKE = 6
"""Fillings that are most alike another."""

LIKENESS = 0.5
"""Scale of the distance between element vectors, in the choice of the nearest listed member."""

Genotype = tuple[tuple[int, ...], tuple[int, ...]]
"""Member and amplitudes of its deformations."""


def crystal_members(space: CrystalSpace, modes: int = 0, predict: Callable | None = None) -> Members:
    """What searchers ask of a space of crystals.

    Args:
        space: of crystals.
        modes: deformations that the predictor is climbed in.
        predict: instead of `predict_names`.
    """
    near = likeness(space)
    parse = partial(parse_name, space, modes=modes)
    predict = predict or partial(predict_names, space, modes)
    breed = partial(breed_crystals, space, near)
    return Members(
        predict=predict,
        source=partial(crystal_source, space, modes),
        read=partial(read_names, parse, space),
        parse=parse,
        breed=breed,
        guide=make_guide(space, filling_vectors(space), predict, breed),
        family=lambda name: name.partition("@")[0],
        nearest=partial(nearest_member, space),
    )


@jax.jit
def _predict(predictor: CrystalPredictor, crystals: SoftCrystal) -> tuple[jax.Array, jax.Array]:
    return jax.vmap(predictor.with_std)(crystals)


def predict_names(
    space: CrystalSpace, modes: int, predictor: CrystalPredictor, names: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations ``[N, P]`` of real crystals, in batches of few shapes."""
    found = [corner(space, *parse_name(space, name, modes)) for name in names]
    stacked = SoftCrystal(*(np.stack(part) for part in zip(*found, strict=True)))
    means, stds = [], []
    batch = batch_of(len(names))
    for first in range(0, len(names), batch):
        rows = np.minimum(np.arange(first, first + batch), len(names) - 1)
        mean, std = _predict(predictor, SoftCrystal(*(leaf[rows] for leaf in stacked)))
        means.append(np.asarray(mean))
        stds.append(np.asarray(std))
    return np.concatenate(means)[: len(names)], np.concatenate(stds)[: len(names)]


def likeness(space: CrystalSpace) -> list[np.ndarray]:
    """``[F, F]`` for each group: distance of two fillings, by their mean element vectors."""
    return [np.linalg.norm(part[:, None] - part, axis=-1) for part in filling_vectors(space)]


def crystal_source(
    space: CrystalSpace, modes: int, problem: Any, predictor: Any, allowed: Allowed
) -> Callable[[np.random.Generator, Counter], Iterator[str]]:
    """Random members: ``source(rng, lost) → endless iterator``; ideal geometry."""

    def source(rng: np.random.Generator, lost: Counter) -> Iterator[str]:
        for member in space.draw(rng):
            name = space.name(member)
            if not space.contains(member):
                lost["not neutral"] += 1
            elif allowed is not None and not allowed(name):
                lost["not allowed"] += 1
            else:
                yield name

    return source


def read_names(
    parse: Callable[[str], Genotype],
    space: CrystalSpace,
    stream: Iterable[str],
    predictor: Any,
    lost: Counter,
) -> Iterator[str]:
    """Names of what in a stream of names is a member."""
    for text in stream:
        try:
            yield full_name(space, *parse(text))
        except InputError:
            lost["no member"] += 1


def mutate(rng: np.random.Generator, member: Sequence[int], near: Sequence[np.ndarray]) -> tuple[int, ...]:
    """Another filling for one group."""
    place = int(rng.choice([g for g, part in enumerate(near) if len(part) > 1]))
    order = np.argsort(near[place][member[place]], kind="stable")
    others = order[order != member[place]]
    others = others[:ALIKE] if rng.random() < 0.5 else others
    return (*member[:place], int(rng.choice(others)), *member[place + 1 :])


def breed_crystals(
    space: CrystalSpace,
    near: Sequence[np.ndarray],
    rng: np.random.Generator,
    parents: Sequence[Genotype],
    count: int,
    predictor: Any,
    seen: Collection[str],
    lost: Counter,
    allowed: Allowed,
    config: GeneticConfig,
) -> list[str]:
    """Distinct new names, see `Members.breed`."""
    found: dict[str, None] = {}
    bound = round(LIMIT / QUANTUM)

    def parent() -> Genotype:
        return parents[int(rng.integers(len(parents), size=config.pressure).min())]

    def taken(member: tuple[int, ...], bent: tuple[int, ...]) -> bool:
        name = full_name(space, member, bent)
        return name in seen or name in found or (allowed is not None and not allowed(name))

    for _ in range(ATTEMPTS * count):
        if len(found) == count:
            break
        (one, bent), (other, _) = parent(), parent()
        mutated = rng.random() < config.mutation
        if mutated and rng.random() < 0.5:
            other = one
        member = tuple(a if rng.random() < 0.5 else b for a, b in zip(one, other, strict=True))
        if mutated:
            member = mutate(rng, member, near)
            bent = tuple(np.clip(np.array(bent) + rng.integers(-3, 4, len(bent)), -bound, bound).tolist())
        member = space.canonical(member)
        if space.listed:
            if not space.contains(member) or taken(member, bent):
                logits = [-part[f] / LIKENESS for part, f in zip(near, member, strict=True)]
                member = space.nearest(logits, partial(taken, bent=bent))
            if member is None:
                lost["nothing new left"] += 1
                break
        elif not space.contains(member):
            lost["not neutral"] += 1
            continue
        name = full_name(space, member, bent)
        if name not in found and is_new(name, seen, allowed, lost):
            if reason := faults(space, predictor, name):
                lost[reason] += 1
                continue
            found[name] = None
    return list(found)


def nearest_member(
    space: CrystalSpace, material: SoftCrystal, taken: Callable[[str], bool]
) -> Realised | str:
    """The most likely new member of a relaxed crystal, with its deformation."""
    bent = amplitudes_of(material.modes)
    weights = np.log(np.maximum(np.asarray(material.weights, float), 1e-30))
    logits = [part[: len(group)] for part, group in zip(weights, space.fillings, strict=True)]
    member = space.nearest(logits, lambda member: taken(full_name(space, member, bent)))
    return "nothing new near" if member is None else Realised(full_name(space, member, bent))
