"""One network for each element, each evaluated on the atoms of its element alone.

Atoms are sorted by element, so that every network sees one contiguous block of rows. The
blocks have static sizes, shares of all atoms; an atom beyond the end of its element's block gives NaN,
never a wrong number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import flax.linen as nn
import jax
import jax.numpy as jnp
import jraph
import numpy as np

from mlmat.errors import InputError

ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "tanh": jnp.tanh,
    "celu": lambda x: nn.celu(x, 0.1),
    "gaussian": lambda x: jnp.exp(-(x**2)),
    "silu": nn.silu,
}
"""Between layers: tanh of Behler and Parrinello, CELU (α = 0.1) of ANI-1x and later, Gaussian of ANI-1."""


class ElementNetwork(nn.Module):
    """Network of one element.

    Attributes:
        widths: of the hidden layers.
        outputs: numbers for each atom.
        activation: name in `ACTIVATIONS`.
    """

    widths: tuple[int, ...]
    outputs: int
    activation: str

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """``[rows, D] → [rows, outputs]``."""
        for number, width in enumerate(self.widths, 1):
            x = ACTIVATIONS[self.activation](nn.Dense(width, name=f"hidden_{number}")(x))
        return nn.Dense(self.outputs, name="output")(x)


class ElementNetworks(nn.Module):
    """Descriptors of atoms → a number for each atom, by the network of its element.

    Attributes:
        widths: hidden layers of each element's network.
        outputs: numbers for each atom.
        activation: name in `ACTIVATIONS`.
        shares: largest share of a batch's atoms that each element has; empty: any element may be
            all of them (right, and as much work as if every atom went through every network).
    """

    widths: tuple[tuple[int, ...], ...]
    outputs: int = 1
    activation: str = "tanh"
    shares: tuple[float, ...] = ()

    @nn.compact
    def __call__(self, x: jax.Array, species: jax.Array, real: jax.Array) -> jax.Array:
        """Outputs ``[n, outputs]``.

        Args:
            x: ``[n, D]`` descriptors.
            species: ``[n]`` elements.
            real: ``[n]`` False for padding, which comes last and may be more than a block holds.

        Raises:
            InputError: unknown activation.
        """
        if self.activation not in ACTIVATIONS:
            raise InputError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {self.activation!r}")
        networks = [
            ElementNetwork(widths, self.outputs, self.activation, name=f"element_{number}")
            for number, widths in enumerate(self.widths)
        ]
        if len(networks) == 1:
            return networks[0](x)
        x, species, real = jnp.asarray(x), jnp.asarray(species), jnp.asarray(real)
        atoms, elements = len(x), len(networks)
        sizes = block_sizes(self.shares, elements, atoms)
        row, inside = places(species, sizes)
        rows = sum(sizes)
        # Of each row of the blocks its atom; of an empty row an atom beyond the last, read as zeros.
        atom = jnp.full(rows, atoms, row.dtype).at[row].set(jnp.arange(atoms, dtype=row.dtype), mode="drop")
        blocks = x.at[atom].get(mode="fill", fill_value=0.0)
        ends = np.cumsum(sizes)
        found = [
            network(blocks[end - size : end])
            for network, size, end in zip(networks, sizes, ends, strict=True)
            # Parameters are made for every element, also for one that these atoms do not have.
            if size or self.is_initializing()
        ]
        missing = jnp.where(real, jnp.nan, 0.0).astype(x.dtype)
        if not rows:
            return jnp.tile(missing[:, None], (1, self.outputs))
        outputs = jnp.concatenate(found).at[row].get(mode="clip")
        return jnp.where((inside & real)[:, None], outputs, missing[:, None])


def places(species: jax.Array, sizes: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    """Row of each atom in the blocks of all elements, one after the other, and whether it has one.

    Atoms of an element keep their order; those that its block cannot hold get a row beyond the last.

    Args:
        species: ``[n]`` elements.
        sizes: rows of each element's block.
    """
    of_element = species[:, None] == jnp.arange(len(sizes))
    rank = jnp.where(of_element, jnp.cumsum(of_element, axis=0) - 1, 0).sum(axis=1)
    starts = np.cumsum(sizes) - np.asarray(sizes)
    inside = rank < jnp.asarray(sizes)[species]
    return jnp.where(inside, jnp.asarray(starts)[species] + rank, sum(sizes)), inside


def block_sizes(shares: tuple[float, ...], elements: int, atoms: int) -> tuple[int, ...]:
    """Rows of each element's block in a batch of so many atoms.

    Raises:
        InputError: shares of another number of elements.
    """
    if not shares:
        return (atoms,) * elements
    if len(shares) != elements:
        raise InputError(f"{len(shares)} shares were given for {elements} elements: give one for each")
    return tuple(min(atoms, math.ceil(share * atoms - 1e-6)) for share in shares)


def needed_shares(graphs: Iterable[jraph.GraphsTuple], elements: int) -> tuple[float, ...]:
    """Largest share of each element in any of these graphs, rounded up to 1/32.

    A batch of any of them, however full, then fits.

    Args:
        graphs: as an encoder made them, without padding, on the host.
        elements: that the encoder knows.
    """
    highest = np.zeros(elements)
    for graph in graphs:
        species = np.asarray(graph.nodes["species"])
        highest = np.maximum(highest, np.bincount(species, minlength=elements) / len(species))
    return tuple(math.ceil(32 * float(share)) / 32 for share in highest)
