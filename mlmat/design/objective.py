"""How far a molecule is from what is wanted: a smooth loss to climb, an honest merit to rank by.

The loss sees a relaxed molecule and has a gradient; the merit sees real molecules that
all members of the ensemble have judged. Both are sums over the wants of

    weight · (d + caution · s) / scale

with d the distance of the predicted mean from the wanted values, s the standard
deviation of the ensemble; the loss takes the Huber function of d / scale.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.design.wants import Want
from mlmat.errors import InputError, TargetError
from mlmat.typing import SoftGraph

SPREAD_SHARE = 0.4
"""Share of a property's spread that `scaled_objective` counts as one: 1 eV for the shipped gap."""


@dataclass(frozen=True)
class Objective:
    """What is wanted, as a whole.

    Attributes:
        wants: one per property.
        caution: weight of the ensemble's standard deviation against the distance.
        scales: for each want, the distance that counts as one; empty: one unit of the property.
    """

    wants: tuple[Want, ...]
    caution: float = 1.0
    scales: tuple[float, ...] = ()

    def __post_init__(self):
        if not self.wants:
            raise TargetError("an objective needs at least one want")
        if self.scales and (len(self.scales) != len(self.wants) or min(self.scales) <= 0):
            raise InputError(f"give one positive scale per want ({len(self.wants)}), not {self.scales}")
        if not (math.isfinite(self.caution) and self.caution >= 0):
            raise InputError(f"caution must be a number from 0 up, not {self.caution}")

    def _weights(self) -> list[float]:
        scales = self.scales or (1.0,) * len(self.wants)
        return [1 / scale for scale in scales]

    def loss(self, predictor: Any, graph: SoftGraph) -> tuple[jax.Array, jax.Array]:
        """Differentiable loss of a relaxed molecule, without the penalties of the space.

        Args:
            predictor: an ensemble on soft graphs.
            graph: one relaxed molecule ``[n, ·]``.

        Returns:
            The scalar loss and the predicted values of the wants ``[W]``.
        """
        columns = jnp.array([predictor.index(want.name) for want in self.wants])
        mean, std = predictor.with_std(graph)
        mean, std = mean[columns], std[columns]
        total = jnp.zeros((), mean.dtype)
        for k, (want, inverse) in enumerate(zip(self.wants, self._weights(), strict=True)):
            step = (
                huber(_distance(want, mean[k], jnp) * inverse)
                if not want.extreme
                else _distance(want, mean[k], jnp) * inverse
            )
            total += want.weight * (step + self.caution * std[k] * inverse)
        return total, mean

    def merit(
        self, properties: tuple[str, ...], mean: np.ndarray, std: np.ndarray, smiles: Sequence[str]
    ) -> np.ndarray:
        """How far real molecules are from what is wanted; smaller is better.

        Zero says that every want is met with no doubt (extremes have no zero).

        Args:
            properties: names of the columns.
            mean: ``[N, P]`` predicted means.
            std: ``[N, P]`` their standard deviations.
            smiles: the molecules.

        Returns:
            ``[N]``.
        """
        total = np.zeros(len(mean))
        for want, inverse in zip(self.wants, self._weights(), strict=True):
            column = properties.index(want.name)
            distance = _distance(want, np.asarray(mean[:, column], float), np)
            total += want.weight * inverse * (distance + self.caution * np.asarray(std[:, column], float))
        return total

    def hit(self, values: Mapping[str, float]) -> bool:
        """Whether verified values hit every want that can be hit (an extreme without a threshold cannot).

        A want without a verified value is not hit, and an objective of nothing but
        such extremes has no hits.
        """
        hits = [want.hit(values.get(want.name, math.nan)) for want in self.wants]
        counted = [hit for hit in hits if hit is not None]
        return bool(counted) and all(counted)


def _distance(want: Want, value: Any, xp: Any) -> Any:
    """Distance from the wanted values; the signed value itself for an extreme."""
    if want.extreme:
        return value if want.extreme == "min" else -value
    return xp.maximum(xp.maximum(want.low - value, value - want.high), 0.0)


def huber(distance: jax.Array) -> jax.Array:
    """½ d² up to one, d − ½ beyond."""
    return jnp.where(distance < 1.0, 0.5 * distance**2, distance - 0.5)


def scaled_objective(wants: Sequence[Want], predictor: Any, caution: float = 1.0) -> Objective:
    """Objective whose wants count in `SPREAD_SHARE` of the spread of each property's training values."""
    scales = tuple(
        SPREAD_SHARE * float(np.asarray(predictor.scale)[predictor.index(want.name)]) for want in wants
    )
    return Objective(tuple(wants), caution, scales)
