"""Energies with their derivatives: forces on the atoms and stress of the cell, from one backward pass.

With positions r_i and periodic shifts s_e of the edges (see `mlmat.graphs.radius_graph`)

    F_i = −∂E/∂r_i,      V σ_ab = ∂E/∂ε_ab = Σ_i r_i,a ∂E/∂r_i,b + Σ_e s_e,a ∂E/∂s_e,b

which is the derivative of the energy by a strain of the whole structure; tension is positive.
"""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import jraph

from mlmat.graphs.segment import graph_of_node, segment_sum
from mlmat.nn.module import apply
from mlmat.training.config import LossConfig
from mlmat.training.losses import pointwise, rngs_of
from mlmat.training.source import Example
from mlmat.typing import Key, Model, Variables
from mlmat.units import GPA

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
"""Components of a stress in ASE's order: xx, yy, zz, yz, xz, xy."""


class Derivatives(NamedTuple):
    """Energies and what follows from them.

    Attributes:
        energies: ``[G]`` eV.
        forces: ``[n, 3]`` eV/Å.
        virial: ``[G, 6]`` eV, derivative by the strain in the order of `VOIGT`; None if not asked for.
        state: of the model, afterwards.
    """

    energies: jax.Array
    forces: jax.Array
    virial: jax.Array | None
    state: Variables


def virial_of(
    batch: jraph.GraphsTuple, by_positions: jax.Array, by_shift: jax.Array, owner: jax.Array
) -> jax.Array:
    """Derivative ``[G, 6]`` of the energies by strain, from those by positions and shifts."""
    positions, shift = batch.nodes["positions"], batch.edges["shift"]

    def six(vectors: jax.Array, gradient: jax.Array) -> jax.Array:
        pairs = ((vectors[:, a] * gradient[:, b] + vectors[:, b] * gradient[:, a]) / 2 for a, b in VOIGT)
        return jnp.stack(list(pairs), axis=-1)

    count = batch.n_node.shape[0]
    total = segment_sum(six(positions, by_positions), owner, count, indices_are_sorted=True)
    edges = owner[batch.receivers]
    return total + segment_sum(six(shift, by_shift), edges, count, indices_are_sorted=True)


@partial(
    jax.tree_util.register_dataclass,
    data_fields=("mean", "scale"),
    meta_fields=("model", "settings"),
)
@dataclasses.dataclass(frozen=True)
class EnergyForces:
    """Energies with forces and, if it has a weight, stress.

    Nodes hold ``positions`` and ``forces`` ``[n, 3]``, and may hold ``force_weight [n]`` (1 without
    it); globals hold ``stress [G, 6]`` in eV/Å³ and ``volume [G, 1]`` in Å³ where stress has a
    weight. A force or stress that is NaN is unknown and counts nothing.

    Attributes:
        mean: ``[1]`` mean of the energies (after element references were taken off).
        scale: ``[1]`` unit of the network's output, eV; it scales energies and forces alike.
        model: the architecture, one output, differentiable in positions and shifts.
        settings: weights and kind of the loss.
    """

    mean: jax.Array
    scale: jax.Array
    model: Model
    settings: LossConfig = dataclasses.field(default=LossConfig())

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of what `errors` sums."""
        stress = ("MAE stress (GPa)",) if self.settings.stress else ()
        return ("MAE energy per atom", "MAE force", *stress)

    def predict(
        self, variables: Variables, batch: jraph.GraphsTuple, train: bool = False, key: Key | None = None
    ) -> Derivatives:
        """Energies, forces and virial of a padded batch."""
        strained = bool(self.settings.stress)

        def total(moving):
            moved = batch._replace(nodes={**batch.nodes, "positions": moving[0]})
            if strained:
                moved = moved._replace(edges={**batch.edges, "shift": moving[1]})
            outputs, state = apply(self.model, variables, moved, train=train, rngs=rngs_of(key))
            energies = outputs[:, 0] * self.scale[0]
            return energies.sum(), (energies, state)

        moving = [batch.nodes["positions"], *([batch.edges["shift"]] if strained else [])]
        gradient, (energies, state) = jax.grad(total, has_aux=True)(moving)
        virial = virial_of(batch, *gradient, graph_of_node(batch)) if strained else None
        return Derivatives(energies + self.mean[0], -gradient[0], virial, state)

    def _residuals(self, variables, example: Example, train: bool, key):
        """Residuals of energy per atom, force and stress times volume per atom, with their weights."""
        batch = example.batch
        found = self.predict(variables, batch, train, key)
        atoms = jnp.maximum(batch.n_node, 1)
        weights = example.weights[:, 0]
        energy = (found.energies - example.targets[:, 0]) / atoms
        known = jnp.isfinite(batch.nodes["forces"])
        forces = jnp.where(known, found.forces - jnp.where(known, batch.nodes["forces"], 0.0), 0.0)
        per_atom = weights[graph_of_node(batch)] * jraph.get_node_padding_mask(batch) * known[:, 0]
        stress = None
        if found.virial is not None:
            volume = jnp.maximum(batch.globals["volume"], 1e-6)
            known = jnp.isfinite(batch.globals["stress"])
            target = jnp.where(known, batch.globals["stress"], 0.0) * volume
            stress = jnp.where(known, found.virial - target, 0.0) / atoms[:, None], weights * known[:, 0]
        return (energy, weights), (forces, per_atom), stress, found.state

    def loss(self, variables: Variables, example: Example, key: Key):
        """See `mlmat.training.losses`; each structure counts the same, whatever its size."""
        (energy, weights), (force, atoms), stress, state = self._residuals(variables, example, True, key)
        batch, settings = example.batch, self.settings

        def value(residual: jax.Array) -> jax.Array:
            return pointwise(settings.kind, residual / self.scale[0], settings.delta)

        total = settings.energy * (value(energy) * weights).sum()
        each = value(force).mean(axis=-1) * atoms * batch.nodes.get("force_weight", 1.0)
        structures = segment_sum(each, graph_of_node(batch), len(weights), indices_are_sorted=True)
        total += settings.forces * (structures / jnp.maximum(batch.n_node, 1)).sum()
        if stress is not None:
            total += settings.stress * (value(stress[0]).mean(axis=-1) * stress[1]).sum()
        return total, weights.sum(), state

    def errors(self, variables: Variables, example: Example) -> tuple[jax.Array, jax.Array]:
        """Energy per atom (eV), force components (eV/Å) and stress components (GPa)."""
        (energy, weights), (force, atoms), stress, _ = self._residuals(variables, example, False, None)
        sums = [(jnp.abs(energy) * weights).sum(), (jnp.abs(force).mean(axis=-1) * atoms).sum()]
        counts = [weights.sum(), atoms.sum()]
        if stress is not None:
            batch = example.batch
            pressure = stress[0] * (batch.n_node[:, None] / jnp.maximum(batch.globals["volume"], 1e-6) / GPA)
            sums.append((jnp.abs(pressure).mean(axis=-1) * stress[1]).sum())
            counts.append(stress[1].sum())
        return jnp.stack(sums), jnp.stack(counts)

    def score(self, errors: jax.Array) -> jax.Array:
        """Energy per atom plus force: errors in eV and eV/Å, whatever the weights of the loss."""
        return errors[..., 0] + errors[..., 1]
