"""Similarity of a molecule to a given one, differentiable on relaxed graphs.

Paths of one to four atoms are counted by their elements, each path in both directions;
on a relaxed graph a bond counts with min(order, 1) and an atom with its mixture of
elements, so that a real molecule's counts are the integers anybody would count. Bond
orders do not enter, hydrogens do, so all Kekulé forms of a molecule are alike. Two
molecules with counts x and y are as similar as

    S = x·y / (|x|² + |y|² − x·y)

(the continuous Tanimoto coefficient: P. Willett, J. M. Barnard, G. M. Downs, J. Chem.
Inf. Comput. Sci. 38, 983 (1998)), 1 for equal counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.graphs.chemistry import VALENCES
from mlmat.graphs.softgraph import from_smiles
from mlmat.typing import SoftGraph

BATCH = 64
"""Molecules counted in one call."""

SIZE_STEP = 10
"""Their capacity is a multiple of this."""


def path_counts(graph: SoftGraph) -> jax.Array:
    """Counts of hydrogens and of simple paths of 1 to 4 atoms, by elements.

    Args:
        graph: one molecule ``[n, ·]``, real or relaxed.

    Returns:
        ``[2 T + T² + T³ + T⁴]``: hydrogens on each element, atoms, and paths (both directions).
    """
    p, a = graph.types, jnp.clip(graph.bonds, 0.0, 1.0)
    hydrogens = (p * (p @ jnp.asarray(VALENCES, p.dtype) - graph.bonds.sum(axis=-1))[:, None]).sum(axis=0)
    near = a @ p
    two = p.T @ near
    # Paths i-j-k: all walks, less those that return (i = k).
    back = jnp.einsum("ij,it,iu->jtu", a**2, p, p)
    three = jnp.einsum("js,jtu->tsu", p, near[:, :, None] * near[:, None, :] - back)
    # Paths i-j-k-l: neighbours of j but k, and of k but j, less triangles (i = l).
    left = near[:, None, :] - a[:, :, None] * p[None, :, :]
    ends = jnp.einsum("jkt,kju->jktu", left, left) - jnp.einsum("ij,ik,it,iu->jktu", a, a, p, p)
    four = jnp.einsum("jk,js,kv,jktu->tsvu", a, p, p, ends)
    return jnp.concatenate([hydrogens, p.sum(axis=0), two.ravel(), three.ravel(), four.ravel()])


def similarity(counts: jax.Array, others: jax.Array) -> jax.Array:
    """Continuous Tanimoto coefficient of two vectors of counts; 1 for equal ones."""
    both = (counts * others).sum(axis=-1)
    return both / ((counts**2).sum(axis=-1) + (others**2).sum(axis=-1) - both)


_counts = jax.jit(jax.vmap(path_counts))


def similarities(molecules: Sequence[str] | SoftGraph, start: str) -> np.ndarray:
    """Similarity ``[N]`` of real molecules, given as SMILES or as a batch of graphs, to `start`."""
    count = len(molecules.mask) if isinstance(molecules, SoftGraph) else len(molecules)
    reference = _real_counts(from_smiles([start]))[0]
    found = []
    for first in range(0, count, BATCH):
        part = slice(first, first + BATCH)
        if isinstance(molecules, SoftGraph):
            graphs = SoftGraph(*(leaf[part] for leaf in molecules))
        else:
            graphs = from_smiles(list(molecules[part]))
        found.append(similarity(_real_counts(graphs), reference))
    return np.concatenate(found) if found else np.zeros(0)


def _real_counts(graphs: SoftGraph) -> np.ndarray:
    """Counts of up to `BATCH` molecules, padded to few shapes: what is added changes nothing."""
    count, size = graphs.mask.shape
    more, atoms = BATCH - count, -size % SIZE_STEP
    padded = SoftGraph(
        types=np.pad(graphs.types, [(0, more), (0, atoms), (0, 0)]),
        bonds=np.pad(graphs.bonds, [(0, more), (0, atoms), (0, atoms)]),
        mask=np.pad(graphs.mask, [(0, more), (0, atoms)]),
    )
    return np.asarray(_counts(padded))[:count]
