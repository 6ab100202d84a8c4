"""Adsorption energy from the elements of an ordered alloy and the site, differentiable in both.

Element A, element B and the site are mixtures on simplexes (a real alloy and site is a corner of each), so
that a gradient says which element and which site to go to. Around the site there are four surroundings,
in which B has the shares s_k (`mlmat.data.alloy_sites`):

    t_A = Σ_e A_e (T_e + W bits_e),  t_B likewise        vector of a mixture of elements
    u_k = (1 − s_k) t_A + s_k t_B,  k = 1 … 4            what a surrounding is made of
    y = MLP(u_1 ⊕ … ⊕ u_4 ⊕ kind of site ⊕ adsorbate)
"""

from __future__ import annotations

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from mlmat.data.alloy_sites import KINDS, AlloySite
from mlmat.descriptors.element_vectors import element_vectors
from mlmat.nn.mlp import MLP


class AlloySites(NamedTuple):
    """Adsorbates on sites of alloys; all leading axes are batch axes, every vector is on a simplex.

    Attributes:
        a: ``[..., E]`` element A.
        b: ``[..., E]`` element B.
        site: ``[..., S]``.
        adsorbate: ``[..., K]``.
    """

    a: jax.Array
    b: jax.Array
    site: jax.Array
    adsorbate: jax.Array


class AlloySiteNetwork(nn.Module):
    """Mixture of elements and sites → properties, in scaled units.

    Attributes:
        symbols: chemical symbols, in the order of the mixtures.
        sites: kinds of sites, likewise.
        outputs: number of properties.
        features: width of the vector of an element.
        hidden: widths of the layers after that.
        dropout: rate before the perceptron, in training.
    """

    symbols: tuple[str, ...]
    sites: tuple[AlloySite, ...]
    outputs: int = 1
    features: int = 24
    hidden: tuple[int, ...] = (128, 128)
    dropout: float = 0.0

    @nn.compact
    def __call__(self, batch: AlloySites, train: bool = False) -> jax.Array:
        """``[..., outputs]``."""
        bits = jnp.asarray(element_vectors(self.symbols), batch.a.dtype)
        own = self.param("elements", nn.initializers.normal(0.1), (len(self.symbols), self.features))
        table = own + nn.Dense(self.features, use_bias=False, name="bits")(bits)
        shares = batch.site @ jnp.array([site.shares for site in self.sites], batch.site.dtype)
        kinds = batch.site @ jax.nn.one_hot(jnp.array([site.kind for site in self.sites]), len(KINDS))
        a, b = (batch.a @ table)[..., None, :], (batch.b @ table)[..., None, :]
        around = a + shares[..., None] * (b - a)
        x = around.reshape(*around.shape[:-2], -1)
        x = nn.Dropout(self.dropout)(x, deterministic=not train)
        x = jnp.concatenate([x, kinds, batch.adsorbate], axis=-1)
        return MLP((*self.hidden, self.outputs), name="readout")(x)
