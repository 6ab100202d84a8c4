"""How far a molecule is from what is wanted: a smooth loss to climb, an honest merit to rank by.

The loss sees a relaxed molecule and has a gradient; the merit sees real molecules that
all members of the ensemble have judged. Both are sums over the wants of

    weight · (d + caution · s) / scale

with d the distance of the predicted mean from the wanted values and s the standard
deviation of the ensemble; the loss takes the Huber function of d / scale.

Of an extreme, v + caution · s counts, with v the value itself (negative for a maximum); its
threshold, if it has one, is a range of its own. Where values or ranges are wanted beside it,
an extreme counts `EXTREME_SHARE`, and leaving a range `STRICTNESS` times as much as without it:
ranges are met first, and the extreme chooses among what meets them.

``similarity`` is a property like any other where a `start` is given: the similarity to
that molecule, from 0 to 1 (`mlmat.design.similarity`), known without a doubt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.design.diversity import core, spread
from mlmat.design.pareto import pareto_select
from mlmat.design.similarity import path_counts, similarities, similarity
from mlmat.design.wants import Want
from mlmat.errors import InputError, TargetError
from mlmat.graphs.softgraph import from_smiles
from mlmat.typing import SoftGraph

SPREAD_SHARE = 0.4
"""Share of a property's spread that `scaled_objective` counts as one: 1.1 eV for the shipped gap."""

EXTREME_SHARE, STRICTNESS = 0.1, 10.0
"""What an extreme, and leaving a range, count where both are wanted. With 1 and 1, it pays to leave the
range: of 128 designs for gap=6..7, logp=1..2, sa_score=min 9 then hit both ranges."""

SIMILARITY = "similarity"
SIMILARITY_SCALE = 0.25
"""Difference in similarity that `scaled_objective` counts as one."""


@dataclass(frozen=True)
class Objective:
    """What is wanted, as a whole.

    Attributes:
        wants: one per property.
        caution: weight of the ensemble's standard deviation against the distance.
        scales: for each want, the distance that counts as one; empty: one unit of the property.
        start: SMILES that ``similarity`` is measured to.
        pareto: whether `best` keeps a spread of trade-offs instead of the smallest sums.
        diversity: what `best` charges a chemical family that has all places, in units of the
            merit; see `mlmat.design.diversity`.
    """

    wants: tuple[Want, ...]
    caution: float = 1.0
    scales: tuple[float, ...] = ()
    start: str | None = None
    pareto: bool = False
    diversity: float = 0.2

    def __post_init__(self):
        if not self.wants:
            raise TargetError("an objective needs at least one want")
        if self.scales and (len(self.scales) != len(self.wants) or min(self.scales) <= 0):
            raise InputError(f"give one positive scale per want ({len(self.wants)}), not {self.scales}")
        for name in ("caution", "diversity"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise InputError(f"{name} must be a number from 0 up, not {getattr(self, name)}")
        if self.start is None and any(want.name == SIMILARITY for want in self.wants):
            raise TargetError("similarity needs a molecule to compare with: name it with --start SMILES")
        if self.pareto and len(self.wants) < 2:
            raise InputError("a Pareto front needs at least two wants")

    @property
    def _scaled(self) -> zip:
        """Pairs of a want and the distance that counts as one."""
        return zip(self.wants, self.scales or (1.0,) * len(self.wants), strict=True)

    @property
    def _counts(self) -> tuple[float, float]:
        """What leaving a range, and an extreme, count here."""
        extremes = [bool(want.extreme) for want in self.wants]
        return (STRICTNESS, EXTREME_SHARE) if any(extremes) and not all(extremes) else (1.0, 1.0)

    def _pull(self, want: Want, mean: Any, std: Any) -> Any:
        """What counts beside the distance from the wanted values: the doubt, and how far an extreme goes."""
        if not want.extreme:
            return self.caution * std
        _, share = self._counts
        doubt = share if want.open else 1.0
        return share * (mean if want.extreme == "min" else -mean) + doubt * self.caution * std

    def loss(self, predictor: Any, graph: SoftGraph) -> tuple[jax.Array, jax.Array]:
        """Differentiable loss of a relaxed molecule, without the penalties of the space.

        Args:
            predictor: an ensemble on soft graphs.
            graph: one relaxed molecule ``[n, ·]``.

        Returns:
            The scalar loss and the predicted values of the wants ``[W]``.
        """
        means, stds = predictor.with_std(graph)
        total, values = jnp.zeros((), means.dtype), []
        for want, scale in self._scaled:
            if want.name == SIMILARITY:
                mean = similarity(path_counts(graph), path_counts(from_smiles(self.start)))
                std = jnp.zeros_like(mean)
            else:
                column = predictor.index(want.name)
                mean, std = means[column], stds[column]
            step = self._counts[0] * huber(_distance(want, mean, jnp) / scale)
            total += want.weight * (step + self._pull(want, mean, std) / scale)
            values.append(mean)
        return total, jnp.stack(values)

    def costs(
        self,
        properties: Sequence[str],
        mean: np.ndarray,
        std: np.ndarray,
        molecules: Sequence[str] | SoftGraph,
    ) -> np.ndarray:
        """``[N, W]`` what each want adds to `merit`; arguments as there."""
        columns = []
        for want, scale in self._scaled:
            if want.name == SIMILARITY:
                value = similarities(molecules, self.start)
                doubt = np.zeros(len(value))
            else:
                column = tuple(properties).index(want.name)
                value, doubt = (np.asarray(x, float)[:, column] for x in (mean, std))
            cost = self._counts[0] * _distance(want, value, np) + self._pull(want, value, doubt)
            columns.append(want.weight / scale * cost)
        return np.stack(columns, axis=1)

    def merit(
        self,
        properties: Sequence[str],
        mean: np.ndarray,
        std: np.ndarray,
        molecules: Sequence[str] | SoftGraph,
    ) -> np.ndarray:
        """How far real molecules are from what is wanted; smaller is better.

        Zero says that every want is met with no doubt (extremes have no zero).

        Args:
            properties: names of the columns.
            mean: ``[N, P]`` predicted means.
            std: ``[N, P]`` their standard deviations.
            molecules: SMILES, or integer graphs as one batch.

        Returns:
            ``[N]``.
        """
        return self.costs(properties, mean, std, molecules).sum(axis=1)

    def best(
        self,
        properties: Sequence[str],
        mean: np.ndarray,
        std: np.ndarray,
        smiles: Sequence[str],
        k: int,
        family: Callable[[str], str] = core,
    ) -> np.ndarray:
        """Indices of the k best molecules (or crystals, by name), for submission.

        By merit, with diminishing returns within a family; with `pareto` by front and
        crowding distance.
        """
        costs = self.costs(properties, mean, std, smiles)
        if self.pareto:
            return pareto_select(costs, ("min",) * len(self.wants), k)
        return self.spread(costs.sum(axis=1), smiles, k, family)

    def spread(
        self,
        merit: np.ndarray,
        smiles: Sequence[str],
        k: int,
        family: Callable[[str], str] = core,
    ) -> np.ndarray:
        """Indices of the k best by merit ``[N]``, with diminishing returns within a family.

        Args:
            merit: ``[N]``, smaller is better.
            smiles: the molecules.
            k: wanted.
            family: of a SMILES; for a caller that asks about the same molecules again and again
                and remembers the answers.
        """
        order = np.argsort(merit, kind="stable")
        if not self.diversity or len(order) <= 1:
            return order[:k]
        # Who is worse than the k-th by more than the charge is never taken.
        last = merit[order[min(k, len(order)) - 1]] + self.diversity
        near = order[: np.searchsorted(merit[order], last, side="right")]
        return near[spread(merit[near], [family(smiles[i]) for i in near], k, self.diversity)]

    def hit(self, values: Mapping[str, float], smiles: str | None = None) -> bool:
        """Whether verified values hit every want that can be hit (an extreme without a threshold cannot).

        A want without a verified value is not hit, and an objective of nothing but
        such extremes has no hits. With `smiles`, similarity needs no value.
        """
        if smiles is not None and any(want.name == SIMILARITY for want in self.wants):
            values = {**values, SIMILARITY: float(similarities([smiles], self.start)[0])}
        hits = [want.hit(values.get(want.name, math.nan)) for want in self.wants]
        counted = [hit for hit in hits if hit is not None]
        return bool(counted) and all(counted)


def _distance(want: Want, value: Any, xp: Any) -> Any:
    """Distance from the wanted values; zero for an extreme without a threshold."""
    return xp.maximum(xp.maximum(want.low - value, value - want.high), 0.0)


def huber(distance: jax.Array) -> jax.Array:
    """½ d² up to one, d − ½ beyond."""
    return jnp.where(distance < 1.0, 0.5 * distance**2, distance - 0.5)


def scaled_objective(
    wants: Sequence[Want],
    predictor: Any,
    caution: float = 1.0,
    start: str | None = None,
    pareto: bool = False,
    diversity: float = 0.2,
) -> Objective:
    """Objective whose wants count in `SPREAD_SHARE` of the spread of each property's training values.

    Args:
        wants: one per property.
        predictor: whose ``scale`` holds the spreads.
        caution: weight of the standard deviation.
        start: SMILES that ``similarity`` is measured to.
        pareto: keep a spread of trade-offs.
        diversity: charge for chemical families, in units of the scales.

    Raises:
        InputError: the predictor does not know a property.
    """
    scales = [
        SIMILARITY_SCALE
        if want.name == SIMILARITY
        else SPREAD_SHARE * float(np.asarray(predictor.scale)[predictor.index(want.name)])
        for want in wants
    ]
    return Objective(tuple(wants), caution, tuple(scales), start, pareto, diversity)
