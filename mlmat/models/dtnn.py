"""DTNN: deep tensor neural network on all pairs of atoms of a molecule.

K. T. Schütt, F. Arbabzadah, S. Chmiela, K.-R. Müller, A. Tkatchenko, "Quantum-chemical
insights from deep tensor neural networks", Nat. Commun. 8, 13890 (2017).

    c_i⁰   = c_{Z_i}                                                     embedding
    d̂_ij,k = exp(−(|r_j − r_i| − μ_k)² / 2σ²)                            distances, every 0.2 Å
    v_ij   = tanh[W^fc ((W^cf c_j + b^f1) ∘ (W^df d̂_ij + b^f2))]         factored tensor
    c_iᵗ⁺¹ = c_iᵗ + Σ_{j≠i} v_ij,   t < T                                the same weights in every pass
    Ê_i    = W^out2 tanh(W^out1 c_iᵀ + b^out1) + b^out2                  energy of an atom, scaled
    E      = Σ_i (σ_E Ê_i + μ_E)                                         μ_E, σ_E: of the energy per atom

The first four lines and the sum of Ê_i are here; σ_E and μ_E are a predictor's `scale` and
`reference` (see `per_atom_scaling`). The paper has no cutoff. As b^f2 does not depend on the
distance, v_ij then does not vanish for atoms however far apart: the energy of two molecules is
not the sum of their energies. With a `cutoff` v_ij is multiplied by the cosine cutoff function,
and it is.

What a pair's distance contributes, W^df d̂_ij + b^f2, is shared by both directions of the pair
and by all passes, so it is computed once. Pairs are a list: on molecules of unequal size (QM9)
a training step on a CPU takes a quarter of the time of the padded array [batch, atoms, atoms].
"""

from __future__ import annotations

from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import jraph
import numpy as np

from mlmat.errors import InputError
from mlmat.graphs.segment import graph_of_node, segment_sum
from mlmat.models.schnet import undirected_pairs
from mlmat.nn.radial import cosine_cutoff, gaussian_basis, safe_norm

ALL_PAIRS = 50.0
"""Å; cutoff of a neighbour list that shall hold every pair of a molecule, and far beyond the last
Gaussian. (The search for neighbours in a small molecule slows down steeply above.)"""


class DTNN(nn.Module):
    """Molecule → properties, in scaled units.

    Attributes:
        elements: number of elements that the encoder knows.
        outputs: number of properties; they share everything but the last layer.
        features: width of the atom coefficients c_i.
        factors: width of the factored tensor.
        passes: T.
        basis: Gaussians at 0, `spacing`, 2 `spacing` …
        spacing: Δμ in Å, and the standard deviation of the Gaussians.
        hidden: width of the readout.
        cutoff: in Å; None as in the paper: all pairs that the graph has.
        pooling: "sum" for extensive properties (energies), "mean" for intensive ones.
    """

    elements: int
    outputs: int = 1
    features: int = 30
    factors: int = 60
    passes: int = 3
    basis: int = 100
    spacing: float = 0.2
    hidden: int = 15
    cutoff: float | None = None
    pooling: Literal["sum", "mean"] = "sum"

    def setup(self) -> None:
        """Make the layers; flax calls it."""
        if self.pooling not in ("sum", "mean"):
            raise InputError(f"pooling must be 'sum' or 'mean', not {self.pooling!r}")
        glorot, zeros = nn.initializers.glorot_uniform(), nn.initializers.zeros
        spread = nn.initializers.normal(self.features**-0.25)
        self.embedding = nn.Embed(self.elements, self.features, embedding_init=spread)
        self.atom_factors = nn.Dense(self.factors, kernel_init=glorot)
        self.distance_factors = nn.Dense(self.factors, kernel_init=glorot)
        # Training starts from atoms that do not feel each other and energies of zero.
        self.fusion = nn.Dense(self.features, use_bias=False, kernel_init=zeros)
        self.readout_1 = nn.Dense(self.hidden, kernel_init=glorot)
        self.readout_2 = nn.Dense(self.outputs, kernel_init=zeros)

    def __call__(self, graph: jraph.GraphsTuple) -> jax.Array:
        """Padded batch → ``[n_graph, outputs]``; rows of padding graphs mean nothing.

        Args:
            graph: nodes ``species [n]`` and ``positions [n, 3]`` in Å, edges ``shift [e, 3]`` in Å;
                all pairs of atoms (encoder with the cutoff `ALL_PAIRS`), or those within `cutoff`.

        Raises:
            InputError: an unknown pooling.
        """
        each = self.atomwise(graph)
        total = segment_sum(each, graph_of_node(graph), graph.n_node.shape[0], indices_are_sorted=True)
        if self.pooling == "mean":
            total = total / jnp.maximum(graph.n_node, 1)[:, None]
        return total

    def atomwise(self, graph: jraph.GraphsTuple) -> jax.Array:
        """Contribution Ê_i of every atom, ``[n, outputs]``."""
        return self._energy(self.coefficients(graph)[-1])

    def coefficients(self, graph: jraph.GraphsTuple) -> list[jax.Array]:
        """Atom coefficients c⁰ … cᵀ, each ``[n, features]``."""
        pairs = undirected_pairs(graph)
        factors = self._distance(pairs.distances)
        weight = jnp.where(pairs.real, self._weight(pairs.distances), 0.0)[:, None]
        # Else XLA computes them anew in every pass and direction that uses them.
        factors, weight = jax.lax.optimization_barrier((factors, weight))
        c = self.embedding(jnp.asarray(graph.nodes["species"]))
        found, n = [c], c.shape[0]
        for _ in range(self.passes):
            sent = self.atom_factors(c)
            to_first = jnp.tanh(self.fusion(sent[pairs.second] * factors)) * weight
            to_second = jnp.tanh(self.fusion(sent[pairs.first] * factors)) * weight
            c = c + segment_sum(to_first, pairs.first, n, indices_are_sorted=True)
            c = c + segment_sum(to_second, pairs.second, n)
            found.append(c)
        return found

    def probe(self, graph: jraph.GraphsTuple, points: jax.Array, species: jax.Array) -> jax.Array:
        """Local chemical potential Ω(r): energy Ê of a probe atom that the molecule does not feel.

        The probe starts as a free atom; in every pass it receives Σ_j v_pj from the atoms'
        unperturbed coefficients c_jᵗ, and the atoms receive nothing from it.

        Args:
            graph: one molecule, not periodic; it may be padded.
            points: ``[m, 3]`` positions of the probe, Å.
            species: index of its element.

        Returns:
            ``[m, outputs]`` in scaled units.
        """
        atoms = jraph.get_node_padding_mask(graph) if graph.n_node.shape[0] > 1 else None
        positions = jnp.asarray(graph.nodes["positions"])
        distances = safe_norm(points[:, None] - positions)
        weight = self._weight(distances)
        if atoms is not None:
            weight = weight * atoms
        factors = self._distance(distances)
        probe = jnp.broadcast_to(self.embedding(jnp.asarray(species)), (len(points), self.features))
        for c in self.coefficients(graph)[:-1]:
            message = jnp.tanh(self.fusion(self.atom_factors(c) * factors))
            probe = probe + jnp.einsum("mnf,mn->mf", message, weight)
        return self._energy(probe)

    def _distance(self, distances: jax.Array) -> jax.Array:
        """``W^df d̂ + b^f2``, ``[..., factors]``."""
        reach = self.spacing * (self.basis - 1)
        return self.distance_factors(gaussian_basis(distances, self.basis, reach))

    def _weight(self, distances: jax.Array) -> jax.Array:
        if self.cutoff is None:
            return jnp.ones_like(distances)
        return cosine_cutoff(distances, self.cutoff)

    def _energy(self, c: jax.Array) -> jax.Array:
        return self.readout_2(jnp.tanh(self.readout_1(c)))


def per_atom_scaling(energies: np.ndarray, n_atoms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shift and scale of an atom's energy as in the paper.

    Args:
        energies: ``[N, P]`` of the training molecules, in physical units.
        n_atoms: ``[N]``.

    Returns:
        μ_E and σ_E, ``[P]`` each: mean and standard deviation of the energy per atom.

    Raises:
        InputError: energies per atom that are all equal.
    """
    each = np.asarray(energies, float) / np.asarray(n_atoms, float)[:, None]
    shift, scale = each.mean(axis=0), each.std(axis=0)
    if not (scale > 0).all():
        raise InputError("the energy per atom is the same in all molecules: give more than one kind")
    return shift, scale
