"""SGCNN: slab graph convolutional neural network, for adsorption energies.

M. Kim, B. C. Yeo, Y. Park, H. M. Lee, S. S. Han, D. Kim, "Artificial intelligence to accelerate the
discovery of N₂ electroreduction catalysts", Chem. Mater. 32, 709 (2020), arXiv 1812.02949.

Two graphs, of the surface and of the bulk below it, each with convolutions of its own:

    z_ij = v_i ⊕ v_j ⊕ 1                                       58 + 58 + 1 = 117 numbers
    v_i ← v_i + Σ_j σ(z_ij W_f + b_f) ⊙ ELU(z_ij W_s + b_s)     three times
    p = mean_i v_i                                             of the atoms of a branch
    y = W₃ (W₂ drop(ELU(W₁ (p_surface ⊕ p_bulk) + b₁)) + b₂) + b₃    116 → 10 → 4 → 1

Node features are the 58 bits of `surface_vectors`; weights begin as normal numbers of deviation 0.02.
The published bond feature is the constant 1, so that two structures with the same neighbours look the
same; with `distances` Gaussians of the bond length stand in its place.

W of an edge is applied to the parts of z one by one: what depends on one atom alone is computed once for
the atom.
"""

from __future__ import annotations

import flax.linen as nn
import jax
import jax.numpy as jnp
import jraph

from mlmat.descriptors.element_vectors import surface_vectors
from mlmat.errors import InputError
from mlmat.graphs.mixture import rows_of
from mlmat.graphs.segment import graph_of_node, real_atoms, segment_mean, segment_sum
from mlmat.graphs.slab_graph import BULK, SURFACE
from mlmat.nn.radial import gaussian_basis, safe_norm

START = nn.initializers.normal(0.02)
BRANCHES = (SURFACE, BULK)


class BranchConvolution(nn.Module):
    """One convolution of either branch; both are computed at once, each atom with its branch's weights.

    Attributes:
        normalised: whether what an atom receives is normalised.
    """

    normalised: bool = False

    @nn.compact
    def __call__(
        self, v: jax.Array, bonds: jax.Array, branch: jax.Array, senders: jax.Array, receivers: jax.Array
    ) -> jax.Array:
        """New features ``[n, F]`` of the atoms.

        Args:
            v: ``[n, F]`` their features.
            bonds: ``[e, B]`` or ``[1, B]`` features of the bonds.
            branch: ``[n]`` of the atoms.
            senders: ``[e]``.
            receivers: ``[e]``, ascending.
        """
        features, width = v.shape[-1], bonds.shape[-1]
        shape = len(BRANCHES), 2 * features + width, 2 * features
        kernel = self.param("kernel", START, shape)
        bias = self.param("bias", nn.initializers.zeros, (shape[0], shape[2]))
        in_bulk = (branch == BULK)[:, None]

        def chosen(both, where):
            return jnp.where(where, both[..., BULK, :], both[..., SURFACE, :])

        own, others, between = jnp.split(kernel, [features, 2 * features], axis=1)
        mine = chosen(jnp.einsum("nf,bfg->nbg", v, own) + bias, in_bulk)
        theirs = chosen(jnp.einsum("nf,bfg->nbg", v, others), in_bulk)
        bond = chosen(jnp.einsum("ek,bkg->ebg", bonds, between), in_bulk[receivers])
        gate, core = jnp.split(mine[receivers] + theirs[senders] + bond, 2, axis=-1)
        message = jax.nn.sigmoid(gate) * jax.nn.elu(core)
        total = segment_sum(message, receivers, v.shape[0], indices_are_sorted=True)
        return v + (nn.LayerNorm(name="norm")(total) if self.normalised else total)


class SGCNN(nn.Module):
    """Slab → properties, in scaled units.

    Attributes:
        symbols: chemical symbols in the encoder's order; they say what the elements have in common.
        outputs: number of properties.
        layers: convolutions of each branch.
        dropout: rate after the first layer of the readout, in training.
        distances: number of Gaussians of the bond length; 0 as published: none, bonds are all alike.
        cutoff: of the encoder, Å; centre of the last Gaussian.
        normalised: layer norms (J. L. Ba, J. R. Kiros, G. E. Hinton, arXiv 1607.06450 (2016)) of what atoms
            receive; not as published.
    """

    symbols: tuple[str, ...]
    outputs: int = 1
    layers: int = 3
    dropout: float = 0.15
    distances: int = 0
    cutoff: float = 6.0
    normalised: bool = False

    def setup(self) -> None:
        """Layers.

        Raises:
            InputError: a single Gaussian.
        """
        if self.distances == 1 or self.distances < 0:
            raise InputError(f"distances must be 0 or at least 2 Gaussians, not {self.distances}")
        self.convolutions = [BranchConvolution(self.normalised) for _ in range(self.layers)]
        self.readout = [nn.Dense(width, kernel_init=START) for width in (10, 4, self.outputs)]
        self.drop = nn.Dropout(self.dropout)

    def __call__(self, graph: jraph.GraphsTuple, train: bool = False) -> jax.Array:
        """Padded batch → ``[n_graph, outputs]``; rows of padding graphs mean nothing.

        Args:
            graph: see `mlmat.graphs.slab_graph`.
            train: whether dropout acts.
        """
        return self.of_means(self.slab(graph), train)

    def of_means(self, means: jax.Array, train: bool = False) -> jax.Array:
        """Vectors of slabs ``[n_graph, 116]``, see `slab` → ``[n_graph, outputs]``."""
        first, second, last = self.readout
        hidden = jax.nn.elu(first(means))
        return last(second(self.drop(hidden, deterministic=not train)))

    def slab(self, graph: jraph.GraphsTuple) -> jax.Array:
        """Vector of each slab ``[n_graph, 116]``: means over the atoms of its surface and of its bulk."""
        graph = jax.tree.map(jnp.asarray, graph)
        v, branch = self.atoms(graph), graph.nodes["branch"]
        segments, count = graph_of_node(graph), graph.n_node.shape[0]
        real = real_atoms(graph)
        means = [
            segment_mean(v, segments, count, mask=real & (branch == part), indices_are_sorted=True)
            for part in BRANCHES
        ]
        return jnp.concatenate(means, axis=-1)

    def atoms(self, graph: jraph.GraphsTuple) -> jax.Array:
        """Features of the atoms of both branches after the last convolution ``[n, 58]``."""
        graph = jax.tree.map(jnp.asarray, graph)
        positions, branch = graph.nodes["positions"], graph.nodes["branch"]
        bonds = jnp.ones((1, 1), positions.dtype)
        if self.distances:
            ends = positions[graph.senders] + graph.edges["shift"] - positions[graph.receivers]
            bonds = gaussian_basis(safe_norm(ends), self.distances, self.cutoff)
        v = rows_of(graph.nodes, jnp.asarray(surface_vectors(self.symbols), positions.dtype))
        for convolution in self.convolutions:
            v = convolution(v, bonds, branch, graph.senders, graph.receivers)
        return v
