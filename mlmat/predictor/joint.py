"""Several predictors of one kind of graph as one: their properties side by side."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from mlmat.errors import CapacityError, InputError
from mlmat.predictor.predictor import Predictor
from mlmat.typing import Targets


@partial(jax.tree_util.register_dataclass, data_fields=("predictors",), meta_fields=())
@dataclasses.dataclass(frozen=True)
class JointPredictor:
    """Predictors on the same soft graphs, used like one `Predictor`.

    Attributes:
        predictors: at least one; make the tuple with `join`, which checks it.
    """

    predictors: tuple[Predictor, ...]

    @property
    def properties(self) -> tuple[str, ...]:
        """Names of all outputs, predictor by predictor."""
        return sum((p.properties for p in self.predictors), ())

    @property
    def units(self) -> tuple[str, ...]:
        """Unit of each output."""
        return sum((p.units for p in self.predictors), ())

    @property
    def mean(self) -> jax.Array:
        """``[P]`` means of the training targets."""
        return jnp.concatenate([p.mean for p in self.predictors])

    @property
    def scale(self) -> jax.Array:
        """``[P]`` standard deviations of the training targets."""
        return jnp.concatenate([p.scale for p in self.predictors])

    @property
    def members(self) -> int:
        """Members that all predictors have: the smallest count."""
        return min(p.members for p in self.predictors)

    @property
    def capacity(self) -> int:
        """Largest number of heavy atoms."""
        return self.predictors[0].capacity

    @property
    def encoder(self) -> Any:
        """How a SMILES becomes a graph."""
        return self.predictors[0].encoder

    def only(self, index: jax.Array) -> JointPredictor:
        """The member `index` of each predictor; may be traced."""
        return JointPredictor(tuple(p.only(index) for p in self.predictors))

    def each(self, batch: Any) -> Targets:
        """Prediction of the first `members` members of each, ``[M, ..., P]``."""
        count = self.members
        return jnp.concatenate([p.each(batch)[:count] for p in self.predictors], axis=-1)

    def __call__(self, batch: Any) -> Targets:
        """Mean ``[..., P]`` over all members of each predictor, in physical units."""
        return jnp.concatenate([p(batch) for p in self.predictors], axis=-1)

    def with_std(self, batch: Any) -> tuple[Targets, Targets]:
        """Mean and standard deviation ``[..., P]`` over all members of each predictor."""
        means, stds = zip(*(p.with_std(batch) for p in self.predictors), strict=True)
        return jnp.concatenate(means, axis=-1), jnp.concatenate(stds, axis=-1)

    def index(self, name: str) -> int:
        """Position of a property on the last axis.

        Raises:
            InputError: no predictor knows the property.
        """
        if name not in self.properties:
            raise InputError(f"these predictors know {', '.join(self.properties)}, not {name!r}")
        return self.properties.index(name)


def join(*predictors: Predictor) -> Predictor | JointPredictor:
    """One predictor of all properties; a single one is returned as it is.

    Raises:
        InputError: none given, a property that two of them know, or encoders of different graphs.
        CapacityError: different capacities.
    """
    if not predictors:
        raise InputError("join at least one predictor")
    if len(predictors) == 1:
        return predictors[0]
    joint = JointPredictor(tuple(predictors))
    for name in joint.properties:
        if joint.properties.count(name) > 1:
            raise InputError(f"two of the predictors know {name}: leave one of them out")
    encoders = [p.encoder for p in predictors]
    graphs = {(type(e).__name__, getattr(e, "elements", ())) for e in encoders}
    if len(graphs) > 1:
        raise InputError("the predictors take different graphs or elements: train them with one encoder")
    if len({p.capacity for p in predictors}) > 1:
        raise CapacityError(
            f"the predictors have capacities {', '.join(str(p.capacity) for p in predictors)}: "
            "train them for one largest number of heavy atoms"
        )
    return joint
