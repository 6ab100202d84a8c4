"""The space of designs: surfaces and sites that were held out, by gradient, by genes, and one by one.

A member has three genes: element A, element B and the kind of site, which says the prototype, too. It is
named by formula and site, such as ``"Ni3Pt hollow|A_A_B|FCC"``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.ammonia_catalysts.predictor import PROPERTY, AlloyEncoder, predict
from mlmat.data.alloy_sites import AlloyRows
from mlmat.design.members import Allowed, Members, is_new
from mlmat.design.objective import Objective
from mlmat.design.searcher import Candidate, predict_with
from mlmat.design.searchers.genetic import GeneticConfig
from mlmat.design.searchers.informed import InformedConfig
from mlmat.design.searchers.optimisers import GRADIENT_COST
from mlmat.models.alloy_sites import AlloySites
from mlmat.oracles.verdict import OK, Verdict
from mlmat.typing import Problem

ATTEMPTS = 400
"""Breedings for each child wanted after which parents count as exhausted."""

FLOOR = 1e-9
"""Added to a share before its logarithm is taken."""

Genes = tuple[int, int, int]


class Found(NamedTuple):
    """A real surface and site."""

    name: str


@dataclass(frozen=True, eq=False)
class AlloySpace:
    """Surfaces and sites with one adsorbate.

    Attributes:
        encoder: what indices mean.
        adsorbate: index.
        names: of the members, in alphabetical order.
        genes: ``[N, 3]`` theirs.
        energies: ``[N]`` their adsorption energies in the table, eV: for the verdict alone.
        places: name → index.
    """

    encoder: AlloyEncoder
    adsorbate: int
    names: tuple[str, ...]
    genes: np.ndarray
    energies: np.ndarray
    places: dict[str, int]


def name_of(encoder: AlloyEncoder, genes: Genes) -> str:
    """What a surface and site are called."""
    first, second = (encoder.symbols[gene] for gene in genes[:2])
    kind = encoder.sites[genes[2]]
    formula = {"fcc": first, "L1_2": f"{first}3{second}", "L1_0": f"{first}{second}"}[kind.prototype]
    return f"{formula} {kind.label}"


def alloy_space(encoder: AlloyEncoder, rows: AlloyRows, adsorbate: str) -> AlloySpace:
    """The space of the rows with an adsorbate; of rows of one name the mean energy."""
    chosen = encoder.adsorbates.index(adsorbate)
    rows = rows.part(rows.adsorbate == chosen)
    genes = np.stack([rows.a, rows.b, rows.site], axis=1)
    energies: dict[str, list[float]] = {}
    of_name: dict[str, list[int]] = {}
    for one, energy in zip(genes.tolist(), rows.energy.tolist(), strict=True):
        name = name_of(encoder, one)
        energies.setdefault(name, []).append(energy)
        of_name[name] = one
    names = tuple(sorted(of_name))
    means = np.array([np.mean(energies[name]) for name in names])
    sorted_genes = np.array([of_name[name] for name in names])
    return AlloySpace(encoder, chosen, names, sorted_genes, means, {name: i for i, name in enumerate(names)})


def predicted(space: AlloySpace, predictor: Any, names: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
    """Means and deviations ``[n, 1]`` of members."""
    genes = space.genes[[space.places[name] for name in names]]
    return predict(predictor, *genes.T, np.full(len(genes), space.adsorbate))


def nearest(space: AlloySpace, material: AlloySites, taken: Callable[[str], bool]) -> Found | str:
    """The most likely member of a relaxed material that is not taken."""
    a, b, site = (np.log(np.asarray(part) + FLOOR) for part in material[:3])
    one, two, place = space.genes.T
    for index in np.argsort(-(a[one] + b[two] + site[place]), kind="stable"):
        if not taken(space.names[index]):
            return Found(space.names[index])
    return "nothing new is left"


def breed(
    space: AlloySpace,
    rng: np.random.Generator,
    parents: list[Genes],
    count: int,
    seen: Collection[str],
    lost: Counter,
    allowed: Allowed,
    config: GeneticConfig,
) -> list[str]:
    """Children that take each gene from either parent, some with one gene drawn anew."""
    pure = {i for i, kind in enumerate(space.encoder.sites) if kind.prototype == "fcc"}
    sizes = len(space.encoder.symbols), len(space.encoder.symbols), len(space.encoder.sites)
    names = {tuple(genes): name for genes, name in zip(space.genes.tolist(), space.names, strict=True)}
    found: dict[str, None] = {}

    def parent() -> Genes:
        return parents[int(rng.integers(len(parents), size=config.pressure).min())]

    for _ in range(ATTEMPTS * count):
        if len(found) == count:
            break
        child = [pair[int(rng.integers(2))] for pair in zip(parent(), parent(), strict=True)]
        if rng.random() < config.mutation:
            gene = int(rng.integers(3))
            child[gene] = int(rng.integers(sizes[gene]))
        if child[2] in pure:
            child[1] = child[0]
        name = names.get(tuple(child))
        if name is None:
            lost["not in the table"] += 1
        elif name in found:
            lost["found before"] += 1
        elif is_new(name, seen, allowed, lost):
            found[name] = None
    return list(found)


def guide(
    space: AlloySpace, predictor: Any, objective: Objective, allowed: Allowed, config: InformedConfig
) -> Callable[..., tuple[list[Candidate], int]]:
    """A breeder: some children of genes, and the substitutions that one gradient at a parent favours.

    A member that differs from the parent in one gene is predicted to first order; see
    `mlmat.design.searchers.informed` for what this is to molecules.
    """
    evolution, cost = config.genetic or GeneticConfig(), GRADIENT_COST

    @jax.jit
    def linearised(predictor: Any, genes: jax.Array):
        start = space.encoder.batch(*genes, space.adsorbate)
        return jax.value_and_grad(lambda batch: predictor(batch)[0])(start)

    def predict_all(names: list[str]) -> list[Candidate]:
        rows = [Candidate(name) for name in names]
        return predict_with(lambda p, n: predicted(space, p, n), predictor, objective, rows)

    def breeder(rng, parents, left, seen, lost):
        found = predict_all(
            breed(space, rng, parents, min(config.bred, left), seen, lost, allowed, evolution)
        )
        room = min(config.chosen, left - len(found) - cost)
        if room < 1:
            return found, 0
        parent = np.array(parents[int(rng.integers(len(parents), size=evolution.pressure).min())])
        value, slopes = jax.device_get(linearised(predictor, jnp.asarray(parent)))
        taken = {*seen, *(candidate.name for candidate in found)}
        beside = [
            i
            for i in np.flatnonzero((space.genes != parent).sum(axis=1) == 1)
            if is_new(space.names[i], taken, allowed, lost)
        ]
        steps = [slope[space.genes[beside, k]] - slope[parent[k]] for k, slope in enumerate(slopes[:3])]
        means = value + np.sum(steps, axis=0)
        merit = objective.merit(predictor.properties, means[:, None], 0 * means[:, None], [])
        best = [space.names[beside[i]] for i in np.argsort(merit, kind="stable")[:room]]
        return found + predict_all(best), cost

    return breeder


def looked_up(space: AlloySpace, names: Iterable[str]) -> Iterator[tuple[int, Verdict]]:
    """What the table says of members."""
    for number, name in enumerate(names):
        if name in space.places:
            yield number, Verdict(OK, {PROPERTY: float(space.energies[space.places[name]])})
        else:
            yield number, Verdict("not in the table")


def members(space: AlloySpace) -> Members:
    """What searchers ask of the space."""

    def source(problem, predictor, allowed) -> Callable[[np.random.Generator, Counter], Iterator[str]]:
        def draw(rng: np.random.Generator, lost: Counter) -> Iterator[str]:
            while True:
                yield space.names[int(rng.integers(len(space.names)))]

        return draw

    def read(stream: Iterable[str], predictor: Any, lost: Counter) -> Iterator[str]:
        for name in stream:
            if name in space.places:
                yield name
            else:
                lost["not in the table"] += 1

    return Members(
        predict=lambda predictor, names: predicted(space, predictor, names),
        source=source,
        read=read,
        parse=lambda name: tuple(space.genes[space.places[name]].tolist()),
        breed=lambda rng, parents, count, predictor, seen, lost, allowed, config: breed(
            space, rng, parents, count, seen, lost, allowed, config
        ),
        guide=lambda predictor, objective, allowed, config: guide(
            space, predictor, objective, allowed, config
        ),
        family=lambda name: name.split()[0],
        nearest=lambda material, taken: nearest(space, material, taken),
    )


def design_problem(space: AlloySpace, objective: Objective) -> Problem:
    """Mixtures of elements and sites as free variables: logits, whose softmax sharpens over a search."""
    sizes = len(space.encoder.symbols), len(space.encoder.symbols), len(space.encoder.sites)
    # Elements and sites that no member has get no weight.
    closed = [
        np.where(np.bincount(genes, minlength=size) > 0, 0.0, -1e9).astype(np.float32)
        for genes, size in zip(space.genes.T, sizes, strict=True)
    ]
    bare = np.eye(len(space.encoder.adsorbates), dtype=np.float32)[space.adsorbate]

    def init(key: jax.Array) -> tuple[jax.Array, ...]:
        return tuple(
            jax.random.normal(k, (size,)) for k, size in zip(jax.random.split(key, 3), sizes, strict=True)
        )

    def decode(x: tuple[jax.Array, ...], sharpness: jax.Array, key: jax.Array) -> AlloySites:
        shares = (jax.nn.softmax(sharpness * logits + mask) for logits, mask in zip(x, closed, strict=True))
        return AlloySites(*shares, jnp.asarray(bare))

    def loss(predictor: Any, material: AlloySites) -> tuple[jax.Array, jax.Array]:
        return objective.loss(predictor, material)

    return Problem(
        init,
        decode,
        loss,
        realise=lambda material: nearest(space, material, lambda name: False),
        verify=lambda names: looked_up(space, names),
        members=members(space),
    )
