"""One network on a whole structure: the image-centred mode of AMP.

A. Khorshidi, A. A. Peterson, Comput. Phys. Commun. 207, 310 (2016), where a structure is an "image":

    E = NN(G_1, G_2, …, G_N)

the descriptors of all atoms side by side, in the order of the file, into one network. Beside the
atom-centred mode (`mlmat.models.hdnnp`) it needs no split of the energy into those of atoms. The price:

* it holds for one number of atoms, and for one order of elements;
* two atoms of the same element exchanged are another structure to it, unless training has shown it
  both: energies and forces are not those of a physical law any more;
* nothing is learnt about one atom from another, so that it needs more data the more atoms there are.

``mlmat laws`` shows it: the permutation of equal atoms is broken, and no other size can be asked for.
With translation and rotation, which the descriptors keep, all is well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import jraph

from mlmat.descriptors.scaling import scaled
from mlmat.errors import InputError
from mlmat.graphs.segment import graph_of_node, real_atoms
from mlmat.models.hdnnp import HDNNP
from mlmat.nn.per_element import ElementNetwork


class ImageNetwork(HDNNP):
    """Structure → properties, in scaled units; attributes as of `HDNNP`, and one more.

    Attributes:
        atoms: number of atoms of every structure.
        hidden: widths of the hidden layers of the one network; AMP's by default.
    """

    atoms: int = 1
    hidden: tuple[Any, ...] = (5, 5)

    def setup(self) -> None:
        """Network and scaling.

        Raises:
            InputError: as of `HDNNP`, or widths by element.
        """
        if not all(isinstance(width, int) for width in self.hidden):
            raise InputError("an image network has one network, so one tuple of hidden widths")
        super().setup()
        # The networks of the elements stay without variables, as nothing calls them.
        self.network = ElementNetwork(tuple(self.hidden), self.outputs, self.activation)

    def __call__(self, graph: jraph.GraphsTuple) -> jax.Array:
        """Padded batch → ``[n_graph, outputs]``; rows of padding graphs are 0.

        NaN for a structure with another number of atoms, or triples beyond the static sizes.

        Args:
            graph: see `mlmat.descriptors.triples.environment`.
        """
        graph = jax.tree.map(jnp.asarray, graph)
        x, overflow = self._described(graph)
        if self.scaling != "none":
            x = scaled(self._scaling(), x, graph.nodes["species"])
        first = jnp.cumsum(graph.n_node) - graph.n_node
        rows = jnp.minimum(first[:, None] + jnp.arange(self.atoms), len(x) - 1)
        found = self.network(x[rows].reshape(len(first), -1))
        real = real_atoms(graph)[rows[:, 0]] & (graph.n_node > 0)
        found = jnp.where((graph.n_node == self.atoms)[:, None], found, jnp.nan)
        return jnp.where(real[:, None], jnp.where(overflow, jnp.nan, found), 0.0)

    def atomic(self, graph: jraph.GraphsTuple) -> jax.Array:
        """An equal share of the output for each atom ``[n, outputs]``: it has no contributions of atoms."""
        graph = jax.tree.map(jnp.asarray, graph)
        return self(graph)[graph_of_node(graph)] / self.atoms

    @nn.nowrap
    def grown(self, graphs: Sequence[jraph.GraphsTuple]) -> ImageNetwork:
        """As of `HDNNP`; host code.

        Raises:
            InputError: a structure of another number of atoms.
        """
        other = {int(graph.n_node[0]) for graph in graphs} - {self.atoms}
        if other:
            raise InputError(
                f"this network takes structures of {self.atoms} atoms in one order, not of "
                f"{', '.join(map(str, sorted(other)))}: train hdnnp, which takes any"
            )
        return super().grown(graphs)
