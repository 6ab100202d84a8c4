"""Equivariant message passing on atoms in space: scalars, vectors and tensors of second rank.

After NequIP (S. Batzner, A. Musaelian, L. Sun, M. Geiger, J. P. Mailoa, M. Kornbluth,
N. Molinari, T. E. Smidt, B. Kozinsky, Nat. Commun. 13, 2453 (2022)), with the products of
features on atoms of MACE (I. Batatia et al., NeurIPS 2022):

    B_k(d)     = √(2/r_c) sin(kπd/r_c)/d · f(d)                     radial basis, k = 1 … K
    B'         = R_l^T B                                            whitened for every l, see below
    A_i,kp,m   = N^{-1/2} Σ_j B'_k(d_ij) (Y(r_ij) ⊗ x_j)_p,m − μ_k x_i     sum over neighbours, for path p
    m_i,m      = Σ_p,k W_pk A_i,kp,m                                convolution, R_p(d) = Σ_k W_pk B'_k(d)
    m_i,0      ← m_i,0 + Σ_l W_l s_i,l, l = 3 … L                   first round: pairs of neighbours
    x_i        ← W (w₁ m_i + w₂ m_i ⊗ m_i + w₃ m_i ⊗ m_i ⊗ m_i) + W' x_i        products on atoms
    q_i,kl     = N^{-1/2} Σ_j B'_k(d_ij) Y_l(r_ij) · x_j,l − μ_k x_i       last layer: scalars alone
    E_i        = MLP(W q_i, x_i,0) + w x_i,0                        energy of an atom

Every W is a matrix for the channels, which are not written.
NequIP's radial network is a linear map of the radial basis here, of every pair of channels. So the
sum over neighbours comes first, as one matrix product for each atom, and everything with weights
happens on atoms, of which there are thirty times fewer than neighbours.

R and μ are fitted to the training atoms (`Equivariant.fitted`): over them the sums Σ_j B'_k Y_l have no
correlation, about unit variance, and the mean μ_k for l = 0. In a dense crystal the sums Σ_j B_k hardly vary
beside their mean, and some combinations of them a thousand times less than others; a network on these takes
many more epochs to see a difference.

Features up to l = 2 tell angles apart no finer than cos 2θ can. Scalars s of pairs of neighbours, with
l = 3 to L (`degree`), are added to the first message (`mlmat.nn.power_spectrum`): on lithium, which bonds
in no direction, they take a third off the error of the forces.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import jraph
import numpy as np

from mlmat.graphs.packing import budget_for, pack
from mlmat.graphs.segment import graph_of_node, real_atoms, segment_sum
from mlmat.nn.element_table import ElementTable
from mlmat.nn.equivariant import (
    PARTS,
    LinearTensors,
    TensorProducts,
    Tensors,
    couplings,
    spherical_harmonics,
)
from mlmat.nn.mlp import MLP
from mlmat.nn.neighbour_table import NeighbourTable, neighbour_table
from mlmat.nn.power_spectrum import PowerSpectrum, higher_harmonics
from mlmat.nn.radial import bessel_basis
from mlmat.typing import Variables

SCALING = "scaling"
"""Collection of the variables that holds R and μ; not trained."""

SAMPLE = 1000
"""Structures that R and μ are fitted to, at most."""


class Equivariant(nn.Module):
    """Structure → properties, in scaled units.

    Attributes:
        elements: number of elements that the encoder knows.
        outputs: number of properties.
        features: channels of each l.
        layers: rounds of messages, at least 2; the last one makes scalars alone.
        order: factors of the products on atoms, 1 to 3.
        basis: radial functions.
        degree: largest l of the spherical harmonics, 2 to 11; those above 2 make scalars alone.
        cutoff: in Å, the encoder's or smaller.
        neighbours: mean number within the cutoff, a scale; taken from the training data if None.
        width: largest number within the cutoff. An atom with more has the energy NaN; see `grown`.
        pooling: "sum" over atoms for extensive properties, "mean" for intensive ones.
        whitening: added to every variance, as a share of their median: what varies less is not blown up
            to unit variance. Atoms of one material, as of a potential, bear a tenth; where every crystal
            is another, small differences are mostly noise.
        symbols: of the elements, in the encoder's order, for weights of elements that are linear in their
            properties (`mlmat.nn.element_table`); none: each element has its own, as in a potential of few.
    """

    elements: int
    outputs: int = 1
    features: int = 32
    layers: int = 2
    order: int = 3
    basis: int = 8
    degree: int = 2
    cutoff: float = 5.0
    neighbours: float | None = None
    width: int = 16
    pooling: Literal["sum", "mean"] = "sum"
    whitening: float = 0.1
    symbols: tuple[str, ...] = ()

    def grown(self, graphs: Sequence[jraph.GraphsTuple]) -> Equivariant:
        """The same network with room for the neighbours in some graphs; see `mlmat.nn.module.grown`."""
        counts = np.concatenate([_neighbour_counts(graph, self.cutoff) for graph in graphs])
        mean = max(float(counts.mean()), 1.0) if self.neighbours is None else self.neighbours
        return self.clone(neighbours=mean, width=max(self.width, 4 * math.ceil(counts.max() / 4)))

    @nn.nowrap
    def fitted(self, variables: Variables, graphs: Sequence[jraph.GraphsTuple]) -> Variables:
        """Variables ``[M, ...]`` whose radial functions are whitened over the training atoms.

        Host code.

        Args:
            variables: of every member, with a leading member axis.
            graphs: of the training part, as the encoder made them; `grown` has seen them.
        """

        @jax.jit
        def sums(graph: jraph.GraphsTuple) -> jax.Array:
            table = neighbour_table(graph, self.cutoff, self.width)
            angular = [spherical_harmonics(table.vectors), *higher_harmonics(table.vectors, self.degree)]
            return jnp.einsum("nkj,njm->nmk", self._radial(table), jnp.concatenate(angular, axis=-1))

        some = list(graphs[:: -(-len(graphs) // SAMPLE)])
        found = [
            np.asarray(sums(batch), float)[np.asarray(real_atoms(batch))]
            for batch in pack(some, budget_for(some, min(16, len(some))))
        ]
        mixing, centre = whitened(np.concatenate(found), self.whitening)
        members = jax.tree.leaves(variables)[0].shape[0]
        stored = {
            name: jnp.asarray(np.broadcast_to(value.astype(np.float32), (members, *value.shape)))
            for name, value in (("mixing", mixing), ("centre", centre))
        }
        return {**variables, SCALING: stored}

    @nn.nowrap
    def _radial(self, table: NeighbourTable) -> jax.Array:
        """N^{-1/2} B_k of each neighbour ``[n, basis, K]``, 0 where there is none."""
        radial = bessel_basis(table.distances, self.basis, self.cutoff) * (self.neighbours or 1.0) ** -0.5
        return jnp.where(table.inside[..., None], radial, 0.0).swapaxes(1, 2)

    def _scaling(self) -> tuple[jax.Array, jax.Array]:
        """R ``[L + 1, basis, basis]`` and μ ``[basis]``."""
        mixing, centre = jnp.tile(jnp.eye(self.basis), (self.degree + 1, 1, 1)), jnp.zeros(self.basis)
        # Predictors saved before there was a scaling have none, later ones had one R for every l.
        if self.is_initializing() or self.has_variable(SCALING, "mixing"):
            stored = self.variable(SCALING, "mixing", lambda: mixing).value
            mixing = jnp.broadcast_to(stored, mixing.shape)
            centre = self.variable(SCALING, "centre", lambda: centre).value
        return mixing, centre

    def _rows(self, name: str, init: nn.initializers.Initializer, base: float) -> nn.Module:
        """Table of numbers of each element, see `symbols`."""
        if self.symbols:
            return ElementTable(self.symbols, self.features, init, base, name=name)

        def start(*of: Any) -> jax.Array:
            return init(*of) + base

        return nn.Embed(self.elements, self.features, embedding_init=start, name=name)

    @nn.compact
    def atomic(self, graph: jraph.GraphsTuple) -> jax.Array:
        """Padded batch → what each atom contributes, ``[n, outputs]``."""
        species = jnp.asarray(graph.nodes["species"])
        table = neighbour_table(graph, self.cutoff, self.width)
        mixing, centre = self._scaling()
        radial = jnp.einsum("nkj,lkc->lncj", self._radial(table), mixing, precision=jax.lax.Precision.HIGHEST)
        angular = spherical_harmonics(table.vectors)
        finer = higher_harmonics(table.vectors, self.degree)
        embedded = self._rows("embedding", nn.linear.default_embed_init, 0.0)(species)
        x: Tensors = (embedded[:, None],)
        for layer in range(1, self.layers):
            message = Convolution(self.features, name=f"convolution_{layer}")(
                radial, angular, x, table.senders, centre
            )
            if layer == 1 and finer:
                pairs = PowerSpectrum(self.elements, self.features, name="pairs")(
                    radial[3:], finer, species, table.senders
                )
                message = (message[0] + pairs[:, None], *message[1:])
            product = TensorProducts(self.elements, self.order, self.symbols, name=f"products_{layer}")(
                message, species
            )
            gain = self._rows(f"gain_{layer}", nn.initializers.zeros, 1.0)(species)
            kept = LinearTensors(self.features, name=f"kept_{layer}")(tuple(t * gain[:, None] for t in x))
            x = LinearTensors(self.features, name=f"update_{layer}")(product)
            x = (*(new + old for new, old in zip(x, kept, strict=False)), *x[len(kept) :])
        sent = LinearTensors(self.features, name="sent")(x)
        scalars = ScalarConvolution(self.features, name="scalars")(
            radial, angular, sent, table.senders, centre
        )
        own = x[0][:, 0]
        readout = MLP((self.features, self.features, self.outputs), name="readout")
        features = jnp.concatenate([scalars, own], axis=-1)
        self.sow("intermediates", "features", features)
        energy = readout(features)
        energy = energy + nn.Dense(self.outputs, use_bias=False, name="readout_linear")(own)
        return jnp.where(table.overflow[:, None], jnp.nan, energy)

    def __call__(self, graph: jraph.GraphsTuple) -> jax.Array:
        """Padded batch → ``[n_graph, outputs]``; rows of padding graphs mean nothing.

        Args:
            graph: nodes ``species [n]`` and ``positions [n, 3]`` in Å, edges ``shift [e, 3]`` in
                Å; see `mlmat.graphs.radius_graph`.
        """
        total = segment_sum(
            self.atomic(graph), graph_of_node(graph), graph.n_node.shape[0], indices_are_sorted=True
        )
        return total / jnp.maximum(graph.n_node, 1)[:, None] if self.pooling == "mean" else total


def whitened(sums: np.ndarray, whitening: float) -> tuple[np.ndarray, np.ndarray]:
    """R ``[L + 1, basis, basis]`` and μ ``[basis]`` of the head of this file.

    Args:
        sums: ``[N, (L + 1)², basis]`` Σ_j B_k Y_lm of the training atoms.
        whitening: see `Equivariant`.
    """
    mean = sums[:, 0].mean(axis=0)
    around = sums.copy()
    around[:, 0] -= mean
    mixing = []
    for degree in range(math.isqrt(sums.shape[1])):
        # Turned structures are as likely: what is not scalar has mean 0, and components are alike.
        rows = around[:, degree**2 : (degree + 1) ** 2].reshape(-1, sums.shape[2])
        variances, axes = np.linalg.eigh(rows.T @ rows / len(rows))
        # Where all atoms are the same nothing varies, and a thousandth of the mean is the unit.
        least = whitening * np.median(variances) + 1e-6 * (mean**2).sum() + 1e-12
        mixing.append(axes / np.sqrt(np.maximum(variances, 0.0) + least))
    return np.stack(mixing), mean @ mixing[0]


def _neighbour_counts(graph: jraph.GraphsTuple, cutoff: float) -> np.ndarray:
    """Number of neighbours within the cutoff of each atom, on the host."""
    positions = np.asarray(graph.nodes["positions"])
    vectors = positions[graph.senders] + graph.edges["shift"] - positions[graph.receivers]
    squared = (vectors * vectors).sum(axis=1)
    inside = (squared > 0) & (squared < cutoff**2)
    return np.bincount(np.asarray(graph.receivers)[inside], minlength=len(positions))


class Convolution(nn.Module):
    """Messages m_i: the sum over neighbours comes first, then the weights of each path.

    Attributes:
        features: channels.
    """

    features: int

    @nn.compact
    def __call__(
        self, radial: jax.Array, angular: jax.Array, x: Tensors, senders: jax.Array, centre: jax.Array
    ) -> Tensors:
        """Features of the neighbours → messages.

        Args:
            radial: ``[L + 1, n, basis, K]`` radial functions of each neighbour for every l; 0 where there
                is none.
            angular: ``[n, K, 9]`` spherical harmonics of each neighbour.
            x: features of all atoms; the first layer has scalars alone.
            senders: ``[n, K]`` neighbours.
            centre: ``[basis]`` μ.
        """
        _, n, basis, width = radial.shape
        init = nn.initializers.lecun_normal(in_axis=(0, 1), out_axis=2)
        sent = [part[senders].reshape(n, width, -1) for part in x]
        found: list[list[jax.Array]] = [[], [], []]
        summed = {}
        for (a, b, c), table in couplings().items():
            if a >= len(x):
                continue
            if (a, b) not in summed:  # used by every c
                y = angular[..., PARTS[b]].swapaxes(1, 2)
                density = (radial[b][:, :, None] * y[:, None]).reshape(n, -1, width)
                summed[a, b] = (density @ sent[a]).reshape(n, basis, (2 * b + 1) * (2 * a + 1), -1)
                if b == 0:
                    summed[a, b] -= centre[:, None, None] * x[a][:, None]
            kernel = self.param(f"radial_{a}{b}{c}", init, (basis, x[a].shape[-1], self.features))
            if a == 0 or b == 0:  # times a scalar: the coupling is the identity
                coupled = summed[a, b].swapaxes(1, 2)
            else:
                coupling = jnp.asarray(table.transpose(2, 1, 0).reshape(2 * c + 1, -1), radial.dtype)
                coupled = jnp.einsum("mp,nkpf->nmkf", coupling, summed[a, b])
            found[c].append(coupled.reshape(n, 2 * c + 1, -1) @ kernel.reshape(-1, self.features))
        return tuple(sum(parts) * len(parts) ** -0.5 for parts in found)


class ScalarConvolution(nn.Module):
    """Scalars of the last layer: Σ_j B_k(d_ij) Y_l(r_ij) · x_j,l, then weights.

    Attributes:
        features: channels.
    """

    features: int

    @nn.compact
    def __call__(
        self, radial: jax.Array, angular: jax.Array, x: Tensors, senders: jax.Array, centre: jax.Array
    ) -> jax.Array:
        """Arguments as of `Convolution` → ``[n, F]``."""
        _, n, basis, _ = radial.shape
        found = []
        for functions, rows, part in zip(radial[: len(PARTS)], PARTS, x, strict=True):
            density = functions[..., None] * angular[:, None, :, rows]
            sent = part[senders].reshape(n, -1, part.shape[-1])
            found.append(density.reshape(n, basis, -1) @ sent * part.shape[1] ** -0.5)
        found[0] -= centre[:, None] * x[0]
        return nn.Dense(self.features)(jnp.concatenate(found, axis=-1).reshape(n, -1))
