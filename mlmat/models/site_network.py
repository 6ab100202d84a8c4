"""Network on the elements of a prototype's sites: composition → properties, without a geometry.

In the spirit of F. A. Faber, A. Lindmaa, O. A. von Lilienfeld, R. Armiento, Phys. Rev. Lett. 117, 135502
(2016), who described an elpasolite ABC₂D₆ by the periods and groups of its four elements: where all
crystals share one prototype, who is on which site says all.

    x_g = mean over the sites of group g of a_Z                       92 bits, `element_vectors`
    y   = W softplus(… softplus(W [x_1 ⊕ … ⊕ x_G] + b) …) + b

Groups that a symmetry of the prototype exchanges may be swapped: the output is the mean of both orders.
Every structure must have its sites in the order of the prototype.
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
import jraph

from mlmat.descriptors.element_vectors import element_vectors
from mlmat.graphs.mixture import rows_of
from mlmat.nn.activations import softplus


class SiteNetwork(nn.Module):
    """Elements on sites → properties, in scaled units.

    Attributes:
        symbols: chemical symbols in the encoder's order.
        groups: sites of each group.
        outputs: number of properties.
        hidden: width of the hidden layers.
        layers: how many.
        exchanged: two groups whose order says nothing, or none.
    """

    symbols: tuple[str, ...]
    groups: tuple[tuple[int, ...], ...]
    outputs: int = 1
    hidden: int = 128
    layers: int = 3
    exchanged: tuple[int, ...] = ()

    @nn.compact
    def __call__(self, graph: jraph.GraphsTuple) -> jax.Array:
        """Padded batch → ``[n_graph, outputs]``; rows of padding graphs mean nothing.

        Args:
            graph: nodes with ``species [n]`` or ``mixture [n, E]``; every real graph has the prototype's
                sites in its order.
        """
        layers = [nn.Dense(self.hidden, name=f"hidden_{k + 1}") for k in range(self.layers)]
        last = nn.Dense(self.outputs, name="output")

        def network(parts: list[jax.Array]) -> jax.Array:
            x = jnp.concatenate(parts, axis=-1)
            for layer in layers:
                x = softplus(layer(x))
            return last(x)

        rows = rows_of(graph.nodes, jnp.asarray(element_vectors(self.symbols)))
        count, sites = graph.n_node.shape[0], sum(map(len, self.groups))
        # Real graphs come first and are of one size, so their sites are rows of a table.
        rows = jnp.pad(rows, ((0, max(0, count * sites - len(rows))), (0, 0)))[: count * sites]
        rows = rows.reshape(count, sites, -1)
        parts = [rows[:, jnp.array(group)].mean(axis=1) for group in self.groups]
        if not self.exchanged:
            return network(parts)
        one, other = self.exchanged
        swapped = list(parts)
        swapped[one], swapped[other] = parts[other], parts[one]
        return 0.5 * (network(parts) + network(swapped))
