"""Molecules as training arrays: every Kekulé form of each, so that none is special."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.errors import TargetError
from mlmat.graphs.chemistry import ELEMENTS, graph_from_molecule, kekule_forms, parse_smiles
from mlmat.typing import SoftGraph


class MoleculeSet(NamedTuple):
    """Molecules with all their Kekulé forms, on the device as a whole.

    Attributes:
        types: ``[N, n]`` int8 element indices, −1 for padding.
        forms: ``[K, n, n]`` int8 bond orders of all forms of all molecules.
        first: ``[N]`` index of each molecule's first form.
        count: ``[N]`` number of its forms.
        targets: ``[N, P]`` properties in physical units.
    """

    types: jax.Array
    forms: jax.Array
    first: jax.Array
    count: jax.Array
    targets: jax.Array


def molecule_set(smiles: Sequence[str], targets: np.ndarray, capacity: int) -> MoleculeSet:
    """Encode molecules with their targets.

    Args:
        smiles: one per molecule.
        targets: ``[N, P]`` in physical units.
        capacity: padded number of heavy atoms.

    Raises:
        TargetError: a target is NaN or infinite.
    """
    targets = np.asarray(targets, np.float32)
    if not np.isfinite(targets).all():
        row = int(np.argwhere(~np.isfinite(targets))[0, 0])
        raise TargetError(f"the target of row {row} ({smiles[row]}) is not a finite number: drop or fill it")
    types = np.full((len(smiles), capacity), -1, np.int8)
    forms, counts = [], []
    for row, text in enumerate(smiles):
        molecule = parse_smiles(text)
        kinds, _ = graph_from_molecule(molecule)
        types[row, : len(kinds)] = kinds
        orders = kekule_forms(molecule)
        counts.append(len(orders))
        for bonds in orders:
            padded = np.zeros((capacity, capacity), np.int8)
            padded[: len(kinds), : len(kinds)] = bonds
            forms.append(padded)
    count = np.array(counts, np.int32)
    first = np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int32)
    return MoleculeSet(*map(jnp.asarray, (types, np.stack(forms), first, count, targets)))


def gather(molecules: MoleculeSet, rows: jax.Array, forms: jax.Array) -> SoftGraph:
    """Graphs of molecules in given Kekulé forms.

    Args:
        molecules: the set.
        rows: ``[B]`` molecules.
        forms: ``[B]`` form numbers; taken modulo the number of forms.
    """
    kinds = molecules.types[rows]
    bonds = molecules.forms[molecules.first[rows] + forms % molecules.count[rows]]
    return SoftGraph(
        types=jax.nn.one_hot(kinds, len(ELEMENTS)),
        bonds=bonds.astype(jnp.float32),
        mask=(kinds >= 0).astype(jnp.float32),
    )


def augmented(molecules: MoleculeSet, rows: jax.Array, key: jax.Array) -> SoftGraph:
    """Graphs in random Kekulé forms, half of them interpolated between two forms.

    Both forms, and every mixture of them, are the same molecule and carry the same
    label; this is what makes real-valued bonds meaningful where they matter most.
    """
    first, second, which, mix = jax.random.split(key, 4)
    shape = rows.shape
    one = gather(molecules, rows, jax.random.randint(first, shape, 0, 2**30))
    two = gather(molecules, rows, jax.random.randint(second, shape, 0, 2**30))
    weight = jnp.where(jax.random.bernoulli(which, 0.5, shape), jax.random.uniform(mix, shape), 0.0)
    weight = weight[:, None, None]
    return one._replace(bonds=(1 - weight) * one.bonds + weight * two.bonds)
