"""Numbers of each element that are linear in its place in the periodic table and its properties.

A network for crystals meets most elements in a few structures. What it learns of one then serves its
neighbours in the periodic table, too; a table with a row of its own for each element learns rare ones
by heart.
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp

from mlmat.descriptors.element_vectors import element_vectors


class ElementTable(nn.Module):
    """Row of a table for each atom, as `flax.linen.Embed`, of rows that elements have in common.

    Attributes:
        symbols: chemical symbols in the encoder's order.
        features: width of a row.
        init: of the matrix from bits of an element (see `mlmat.descriptors.element_vectors`) to its row;
            rows have about the variance of its entries.
        base: added to every row.
    """

    symbols: tuple[str, ...]
    features: int
    init: nn.initializers.Initializer
    base: float = 0.0

    @nn.compact
    def __call__(self, species: jax.Array) -> jax.Array:
        """``species [n]`` → ``[n, features]``."""
        bits = element_vectors(self.symbols)
        kernel = self.param("kernel", self.init, (bits.shape[1], self.features))
        bits = jnp.asarray(bits / bits.sum(axis=1).mean() ** 0.5, kernel.dtype)
        return (bits @ kernel + self.base)[species]
