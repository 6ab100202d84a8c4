"""Bag of bonds: the entries of the Coulomb matrix, bagged by the elements of the pair.

K. Hansen et al., J. Phys. Chem. Lett. 6, 2326 (2015): for each pair of elements the values
Z_I Z_J / |R_I − R_J| by falling size, padded with zeros to the largest bag of the data; and
a bag ½ Z^2.4 for each element. Blind to the order of atoms, and smooth except where two
values of one bag cross.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.descriptors.coulomb_matrix import coulomb_matrix, upper_triangle
from mlmat.errors import CapacityError


class Bags(NamedTuple):
    """Sizes of the bags; hashable, so that it can be a static argument.

    Attributes:
        pairs: ``(Z_1, Z_2, size)``, Z_1 <= Z_2.
        atoms: ``(Z, size)``.
    """

    pairs: tuple[tuple[int, int, int], ...]
    atoms: tuple[tuple[int, int], ...]


def find_bags(numbers: np.ndarray) -> Bags:
    """The smallest bags that hold every molecule of ``[m, n]`` atomic numbers (0 is padding)."""
    elements = [int(z) for z in np.unique(numbers) if z]
    counts = {z: (numbers == z).sum(axis=1) for z in elements}
    pairs = []
    for first, second in combinations_with_replacement(elements, 2):
        a, b = counts[first], counts[second]
        size = int((a * (a - 1) // 2 if first == second else a * b).max())
        if size:
            pairs.append((first, second, size))
    return Bags(tuple(pairs), tuple((z, int(counts[z].max())) for z in elements))


def require_fit(numbers: np.ndarray, bags: Bags) -> None:
    """Stop if a molecule does not fit; `bag_of_bonds` itself would drop its smallest values.

    Raises:
        CapacityError: an element or a number of bonds beyond the bags.
    """
    found = find_bags(numbers)
    pairs = {(a, b): size for a, b, size in bags.pairs}
    atoms = dict(bags.atoms)
    if any(size > pairs.get((a, b), 0) for a, b, size in found.pairs) or any(
        size > atoms.get(z, 0) for z, size in found.atoms
    ):
        raise CapacityError(
            "a molecule does not fit into the bags: make them with find_bags of all molecules at hand"
        )


def bag_of_bonds(numbers: jax.Array, positions: jax.Array, bags: Bags) -> jax.Array:
    """The descriptor.

    Args:
        numbers: ``[..., n]`` atomic numbers, 0 is padding.
        positions: ``[..., n, 3]`` Å.
        bags: from `find_bags`.

    Returns:
        ``[..., D]`` hartree: bags of pairs, then bags of atoms, in the order of `bags`.
    """
    numbers = jnp.asarray(numbers)
    entries = upper_triangle(coulomb_matrix(numbers, positions))
    rows, columns = jnp.triu_indices(numbers.shape[-1])
    first = jnp.minimum(numbers[..., rows], numbers[..., columns])
    second = jnp.maximum(numbers[..., rows], numbers[..., columns])
    apart = rows != columns

    def bag(inside: jax.Array, size: int) -> jax.Array:
        falling = -jnp.sort(-jnp.where(inside, entries, 0.0), axis=-1)[..., :size]
        return jnp.pad(falling, [(0, 0)] * (falling.ndim - 1) + [(0, size - falling.shape[-1])])

    parts = [bag((first == a) & (second == b) & apart, size) for a, b, size in bags.pairs]
    parts += [bag((first == z) & ~apart, size) for z, size in bags.atoms]
    return jnp.concatenate(parts, axis=-1)
