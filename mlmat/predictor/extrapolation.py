"""Whether a structure is one that the training has met: descriptors outside of their training range.

A. Khorshidi, A. A. Peterson, Comput. Phys. Commun. 207, 310 (2016): a network on descriptors
interpolates; it knows nothing of an atom one of whose descriptors lies beyond all that it was
trained on. Unlike the spread of an ensemble, this needs one member only, and never overlooks what
all members get wrong together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import jax
import jraph
import numpy as np

from mlmat.graphs.packing import pack
from mlmat.graphs.segment import graph_of_node
from mlmat.nn.module import grown
from mlmat.predictor.predict import BATCH, budget_of

FAR = 0.1
"""Share of a descriptor's training range beyond its end from which a user is warned."""


def knows_range(model: Any) -> bool:
    """Whether a model keeps the range of its training descriptors."""
    return hasattr(model, "extrapolation") and getattr(model, "scaling", "none") != "none"


def extrapolations(
    model: Any, variables: Any, graphs: Iterable[jraph.GraphsTuple], batch: int = BATCH
) -> Iterator[float]:
    """How far each structure lies outside the training range: 0 inside; 1 a whole range beyond its end.

    The largest over the atoms of a structure and over their descriptors.

    Args:
        model: one that `knows_range`.
        variables: of every member, with a leading member axis; all have the same range.
        graphs: as the predictor's encoder made them.
        batch: most graphs a compiled batch holds.
    """
    stream, own = iter(graphs), jax.tree.map(lambda leaf: leaf[0], variables)
    while taken := list(islice(stream, batch)):
        model = grown(model, taken)
        count = 0
        for packed in pack(taken, budget_of(taken, batch)):
            far, owner = np.asarray(_of_atoms(model, own, packed)), np.asarray(graph_of_node(packed))
            real = min(len(taken) - count, int(np.flatnonzero(packed.n_node)[-1]))
            yield from (float(far[owner == k].max()) for k in range(real))
            count += real


class Outside(NamedTuple):
    """How many structures of a stream lie outside, without keeping them.

    Attributes:
        count: structures looked at.
        far: those more than `FAR` outside.
        most: the largest extrapolation.
    """

    count: int = 0
    far: int = 0
    most: float = 0.0

    def with_one(self, extrapolation: float) -> Outside:
        """One structure more."""
        return Outside(self.count + 1, self.far + (extrapolation > FAR), max(self.most, float(extrapolation)))

    def warning(self, what: str = "structures") -> str:
        """A sentence for the user; empty if all is well."""
        if not self.far:
            return ""
        return (
            f"{self.far:,} of {self.count:,} {what} lie outside the training range of the descriptors, by "
            f"up to {self.most:.0%} of it: there the potential extrapolates"
        )


@partial(jax.jit, static_argnums=0)
def _of_atoms(model: Any, variables: Any, packed: jraph.GraphsTuple) -> jax.Array:
    return model.apply(variables, packed, method="extrapolation")
