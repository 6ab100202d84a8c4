"""Array aliases with their shapes, and the contracts that the floors agree on.

Shapes are written once, here, and reused as types:

===========  ==========================  =======================================
alias        shape                       meaning
===========  ==========================  =======================================
Types        ``[..., n, T]``             element mixture of each atom, on a simplex
Bonds        ``[..., n, n]``             symmetric bond orders, 0 to 3, zero diagonal
Mask         ``[..., n]``                1 for an atom, 0 for padding
Targets      ``[..., P]``                properties in physical units
Key          ``[]`` (typed)              a `jax.random` key, always explicit
===========  ==========================  =======================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import jax
    import numpy as np

    Array = jax.Array | np.ndarray
else:
    Array = Any

Types = Array
Bonds = Array
Mask = Array
Targets = Array
Key = Array
Variables = Any
"""A pytree of model weights and statistics."""


class SoftGraph(NamedTuple):
    """A molecule between graphs: mixtures of elements joined by real-valued bonds.

    A real molecule is the one-hot, integer case, so one model serves both. All
    leading axes are batch axes. The mask multiplies everything: padding atoms have
    zero types and zero bonds.

    Attributes:
        types: ``[..., n, T]`` element weights, each atom's on a simplex.
        bonds: ``[..., n, n]`` symmetric bond orders in 0 … 3, zero diagonal.
        mask: ``[..., n]`` 1.0 for atoms, 0.0 for padding.
    """

    types: Types
    bonds: Bonds
    mask: Mask


class Model(Protocol):
    """A frozen module: pure `init` and `apply`, outputs in scaled units."""

    def init(self, key: Key, batch: Any) -> Variables:
        """Make the variables for batches shaped like `batch`."""

    def apply(self, variables: Variables, batch: Any) -> Array:
        """Scaled outputs ``[batch, P]``."""


class Learner(NamedTuple):
    """A closed-form fit: ``fit(x, y, **hyper) → state``, ``predict(state, x) → y``."""

    fit: Callable[..., Any]
    predict: Callable[[Any, Array], Array]


class Problem(NamedTuple):
    """What an inverse design is made of; every searcher works through these.

    Attributes:
        init: ``init(key) → x``: free variables of one start.
        decode: ``decode(x, sharpness, key) → material``: relaxed material (simplex,
            bounded, symmetric); sharper means closer to a discrete one.
        loss: ``loss(predictor, material) → (scalar, aux)``: differentiable.
        realise: ``realise(material) → candidate | reason``: a discrete, valid material
            on the host, or a string that says why there is none.
        verify: ``verify(candidates) → iterator of (index, Verdict)``: an oracle that
            was not in the loop.
        members: the discrete members of the space, `mlmat.design.members.Members`.
        sample: ``sample(x, key, temperature) → x``: free variables drawn from the distribution that
            those of a start stand for; None: the space has none.
    """

    init: Callable[[Key], Any]
    decode: Callable[[Any, Array, Key], Any]
    loss: Callable[[Any, Any], tuple[Array, Any]]
    realise: Callable[[Any], Any]
    verify: Callable[[Sequence[Any]], Any]
    members: Any
    sample: Callable[[Any, Key, float], Any] | None = None


class Optimiser(NamedTuple):
    """A gradient method that owns its parametrisation (as in invrs-opt).

    Attributes:
        init: ``init(x) → state``.
        update: ``update(gradient, state) → state``.
        params: ``params(state) → x``.
    """

    init: Callable[[Any], Any]
    update: Callable[[Any, Any], Any]
    params: Callable[[Any], Any]


class Searcher(Protocol):
    """``search(problem, predictor, budget, key) → candidates``; the budget counts
    predictor evaluations, and a gradient counts as three.
    """

    def __call__(self, problem: Problem, predictor: Any, budget: int, key: Key) -> list[Any]:
        """Run the search within `budget` evaluations."""
