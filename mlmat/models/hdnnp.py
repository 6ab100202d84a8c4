"""High-dimensional neural network potential: one network for each element on atom-centred descriptors.

J. Behler, M. Parrinello, Phys. Rev. Lett. 98, 146401 (2007):

    E = Σ_i NN_{Z_i}(G_i)

with G_i the symmetry functions of atom i, brought to [−1, 1] over the training atoms, and NN_Z a
small network of the element Z. The sum makes energies extensive, and forces are the negative gradient
by the positions. With `mlmat.descriptors.chebyshev` in place of symmetry functions it is the potential of
aenet; with whitened principal components that of SIMPLE-NN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import jraph
import numpy as np

from mlmat.descriptors.ani import ANIDescriptor
from mlmat.descriptors.bispectrum import BispectrumDescriptor
from mlmat.descriptors.chebyshev import ChebyshevDescriptor
from mlmat.descriptors.scaling import WHITENING, Scaling, extrapolation, fit_scaling, identity, scaled
from mlmat.descriptors.stored import is_stored, stored, stored_bytes, with_descriptors
from mlmat.descriptors.symmetry_functions import SymmetryFunctions
from mlmat.descriptors.triples import Capacity, environment, needed_capacity
from mlmat.descriptors.zernike import ZernikeDescriptor
from mlmat.errors import InputError
from mlmat.graphs.packing import budget_for, pack
from mlmat.graphs.segment import graph_of_node, real_atoms, segment_sum
from mlmat.nn.per_element import ElementNetworks, needed_shares
from mlmat.typing import Variables

Descriptor = (
    SymmetryFunctions | ChebyshevDescriptor | ANIDescriptor | ZernikeDescriptor | BispectrumDescriptor
)
SCALING = "scaling"
"""Collection of the variables that holds `mlmat.descriptors.scaling.Scaling`; not trained."""

STORED = 2**30
"""Bytes of descriptors that are kept for a training at most; beyond, every step computes its own."""


class HDNNP(nn.Module):
    """Structure → properties, in scaled units.

    Attributes:
        elements: number of elements that the encoder knows.
        descriptor: of an atom's surroundings; its cutoff is the encoder's or smaller.
        outputs: number of properties.
        hidden: widths of the hidden layers; of all elements, or one tuple for each.
        activation: see `mlmat.nn.per_element.ACTIVATIONS`.
        scaling: "range": descriptors in [−1, 1]; "whitened": their principal components over
            √(variance + `whitening`); "none". Fitted by `fitted`.
        whitening: see `mlmat.descriptors.scaling.WHITENING`.
        pooling: "sum" for extensive properties (energies), "mean" for intensive ones.
        capacity: static sizes of the lists of neighbours, see `grown`.
        shares: largest share of each element in a batch, see `grown`.
    """

    elements: int
    descriptor: Descriptor
    outputs: int = 1
    hidden: tuple[Any, ...] = (24, 24)
    activation: str = "tanh"
    scaling: Literal["range", "whitened", "none"] = "range"
    whitening: float = WHITENING
    pooling: Literal["sum", "mean"] = "sum"
    capacity: tuple[float, float] = Capacity()
    shares: tuple[float, ...] = ()

    def setup(self) -> None:
        """Networks and scaling.

        Raises:
            InputError: unknown pooling or scaling, or widths of another number of elements.
        """
        widths = self.hidden
        if isinstance(widths[0], int):
            widths = (tuple(widths),) * self.elements
        if len(widths) != self.elements:
            raise InputError(
                f"hidden widths of {len(widths)} elements were given, the model has {self.elements}"
            )
        if self.pooling not in ("sum", "mean") or self.scaling not in ("range", "whitened", "none"):
            raise InputError(
                f"pooling must be 'sum' or 'mean', not {self.pooling!r}; scaling 'range', 'whitened' or "
                f"'none', not {self.scaling!r}"
            )
        self.networks = ElementNetworks(widths, self.outputs, self.activation, self.shares)
        if self.scaling != "none":
            size = self.descriptor.size(self.elements)
            start = identity(self.elements, size)._asdict()
            if self.scaling == "whitened":
                start["rotation"] = np.tile(np.eye(size, dtype=np.float32), (self.elements, 1, 1))
            else:
                del start["rotation"]
            self.scaling_variables = {
                name: self.variable(SCALING, name, jnp.asarray, value) for name, value in start.items()
            }

    def __call__(self, graph: jraph.GraphsTuple) -> jax.Array:
        """Padded batch → ``[n_graph, outputs]``; rows of padding graphs mean nothing.

        NaN if the batch has more triples or more atoms of an element than the static sizes hold.

        Args:
            graph: see `mlmat.descriptors.triples.environment`.
        """
        graph = jax.tree.map(jnp.asarray, graph)
        where, count = graph_of_node(graph), graph.n_node.shape[0]
        total = segment_sum(self.atomic(graph), where, count, indices_are_sorted=True)
        if self.pooling == "mean":
            total = total / jnp.maximum(graph.n_node, 1)[:, None]
        return total

    def atomic(self, graph: jraph.GraphsTuple) -> jax.Array:
        """Contribution of each atom ``[n, outputs]``."""
        graph = jax.tree.map(jnp.asarray, graph)
        x, overflow = self._described(graph)
        if self.scaling != "none":
            x = scaled(self._scaling(), x, graph.nodes["species"])
        found = self.networks(x, graph.nodes["species"], real_atoms(graph))
        return jnp.where(overflow, jnp.nan, found)

    @nn.nowrap
    def describe(self, graph: jraph.GraphsTuple) -> jax.Array:
        """Descriptors ``[n, D]`` before scaling; NaN where triples were lost."""
        x, overflow = self._described(jax.tree.map(jnp.asarray, graph))
        return jnp.where(overflow, jnp.nan, x)

    def extrapolation(self, graph: jraph.GraphsTuple) -> jax.Array:
        """How far each atom is outside of what training met, ``[n]``; see `scaling.extrapolation`."""
        graph = jax.tree.map(jnp.asarray, graph)
        far = extrapolation(self._scaling(), self.describe(graph), graph.nodes["species"])
        return jnp.where(real_atoms(graph), far, 0.0)

    @nn.nowrap
    def overflow(self, graph: jraph.GraphsTuple) -> jax.Array:
        """Whether the static sizes lose triples of this batch ``[]``; needs no variables."""
        _, lost = self._described(jax.tree.map(jnp.asarray, graph))
        return lost

    @nn.nowrap
    def _described(self, graph: jraph.GraphsTuple) -> tuple[jax.Array, jax.Array]:
        if is_stored(graph):
            return stored(graph), jnp.array(False)
        d = self.descriptor
        around = environment(graph, d.cutoff, d.triple_cutoff, Capacity(*self.capacity))
        return d(around, self.elements), around.overflow

    def _scaling(self) -> Scaling:
        if self.scaling == "none":
            raise InputError("this model keeps no range of its training descriptors: use scaling='range'")
        return Scaling(**{name: variable.value for name, variable in self.scaling_variables.items()})

    @nn.nowrap
    def grown(self, graphs: Sequence[jraph.GraphsTuple]) -> HDNNP:
        """This model with static sizes that fit these graphs, and every batch of them; itself if they do.

        Host code. Weights stay valid; only compiled programs do not.

        Args:
            graphs: as the encoder made them.
        """
        cutoff = self.descriptor.triple_cutoff
        need = Capacity(1e-9, 1e-9) if cutoff is None else needed_capacity(graphs, cutoff)
        shares = needed_shares(graphs, self.elements)
        default = tuple(self.capacity) == Capacity()
        if not default and self.shares:
            need = Capacity(*map(max, need, self.capacity))
            shares = tuple(map(max, shares, self.shares))
        return self.clone(capacity=need, shares=shares)

    @nn.nowrap
    def described(self, graphs: Sequence[jraph.GraphsTuple], slopes: bool) -> Sequence[jraph.GraphsTuple]:
        """Graphs that carry their descriptors, for training; as they are if that takes too much memory.

        Host code.

        Args:
            graphs: as the encoder made them, perhaps with more features; `grown` has seen them.
            slopes: whether forces or stress are learnt.
        """
        if stored_bytes(graphs, self.descriptor.size(self.elements), slopes) > STORED:
            return graphs
        return with_descriptors(self.describe, graphs, slopes)

    @nn.nowrap
    def fitted(self, variables: Variables, graphs: Sequence[jraph.GraphsTuple]) -> Variables:
        """Variables ``[M, ...]`` whose scaling is that of the training atoms.

        Host code.

        Args:
            variables: of every member, with a leading member axis.
            graphs: of the training part, as the encoder made them.

        Raises:
            InputError: the static sizes do not fit the graphs: use `grown` first.
        """
        if self.scaling == "none":
            return variables
        x, species = self.descriptors(graphs)
        found = fit_scaling(
            x, species, self.elements, whitening=self.whitening if self.scaling == "whitened" else None
        )
        members = jax.tree.leaves(variables)[0].shape[0]
        stored = {
            name: jnp.asarray(np.broadcast_to(value, (members, *value.shape)))
            for name, value in found._asdict().items()
            if value is not None
        }
        return {**variables, SCALING: stored}

    @nn.nowrap
    def descriptors(self, graphs: Sequence[jraph.GraphsTuple]) -> tuple[np.ndarray, np.ndarray]:
        """Descriptors ``[N, D]`` and elements ``[N]`` of all atoms, in their order. Host code."""
        describe = jax.jit(self._described)
        xs, kinds = [], []
        for batch in pack(graphs, budget_for(graphs, min(16, len(graphs)))):
            x, lost = describe(batch)
            if lost:
                raise InputError(
                    "the model's static sizes are too small for these structures: use model.grown"
                )
            keep = np.asarray(real_atoms(batch))
            xs.append(np.asarray(x)[keep])
            kinds.append(np.asarray(batch.nodes["species"])[keep])
        return np.concatenate(xs), np.concatenate(kinds)
