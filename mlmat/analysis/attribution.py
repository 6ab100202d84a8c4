"""What each atom of a structure adds to a property that a predictor gives.

Networks that add up atoms say it themselves. CGCNN reads the property off the mean m of the atoms'
features v_i; there the difference to a base m₀ is shared out by integrated gradients (M. Sundararajan,
A. Taly, Q. Yan, ICML 2017) of the part g behind the mean:

    y − y₀ = 1/n Σ_i a_i,    a_i = (v_i − m₀) · ∫₀¹ ∇g(m₀ + t (m − m₀)) dt

with m₀ the mean over the structures that are explained, so that a_i says how far an atom moves the
property away from that of the average structure. The sum is exact, whatever g is. SGCNN reads it off two
means, of the surface and of the bulk; there every atom's share is divided by the atoms of its branch, and
shares add up.

Contributions are a gauge, not an observable: training fixes their sum alone. Compare like atoms, and
compare networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import ase
import jax
import jax.numpy as jnp
import numpy as np

from mlmat.errors import InputError, MlmatError
from mlmat.graphs.packing import pack, unpack
from mlmat.graphs.slab_graph import BULK, SURFACE
from mlmat.nn.module import grown, map_members
from mlmat.predictor import Predictor
from mlmat.predictor.encoding import encode_items
from mlmat.predictor.predict import BATCH, budget_of

NODES = 12
"""Points of the Gauss-Legendre rule for the integral over t."""

ATOMIC = ("atomic", "atomwise")
"""Names under which networks offer what each atom contributes."""


class Attribution(NamedTuple):
    """Shares of atoms in the properties of some structures.

    Attributes:
        base: ``[P]`` property of the average structure; 0 where a network sums contributions itself.
        local: ``[n, P]`` of each structure: what its atoms add, in the order of `explained_atoms`.
        pooling: "mean": a property is the base and the mean of its atoms' shares; "sum": their sum.
    """

    base: np.ndarray
    local: list[np.ndarray]
    pooling: str

    def predictions(self) -> np.ndarray:
        """Properties ``[N, P]`` that the shares make up."""
        reduce = np.mean if self.pooling == "mean" else np.sum
        return self.base + np.stack([reduce(shares, axis=0) for shares in self.local])


def attribute(predictor: Predictor, structures: Sequence[ase.Atoms]) -> Attribution:
    """Share of every atom in every property, the mean over the ensemble, in physical units.

    Args:
        predictor: of structures. Of a classifier the shares are those of the logits.
        structures: at least one.

    Raises:
        InputError: a predictor of SMILES, or of a network that does not say what its atoms do.
        MlmatError: a structure that cannot be encoded.
    """
    model = predictor.model
    method = next((name for name in ATOMIC if hasattr(model, name)), None)
    if method is None and not hasattr(model, "of_means"):
        raise InputError(
            f"{type(model).__name__} does not say what its atoms contribute: use a predictor of schnet, "
            "equivariant, hdnnp, dtnn, cgcnn, crystal or sgcnn"
        )
    per_atom = each_atom(predictor, structures, method or "atoms")
    scale, mean = np.asarray(predictor.scale, float), np.asarray(predictor.mean, float)
    pooling = getattr(model, "pooling", "mean")
    if method is None:
        branches = [branches_of(atoms) for atoms in explained_atoms(predictor.encoder, structures)]
        base, local = _integrated(predictor, per_atom, branches)
        if any(branch.any() for branch in branches):
            return Attribution(base * scale + mean, [values * scale for values in local], "sum")
    else:
        local = [values.mean(axis=0) for values in per_atom]
        whole = [values.mean(axis=0) for values in local]
        base = np.mean(whole, axis=0) if pooling == "mean" else np.zeros(len(scale))
        local = [values - base for values in local]
    if pooling == "mean":
        return Attribution(base * scale + mean, [values * scale for values in local], pooling)
    # Each atom has its part of what does not depend on the structure, too.
    found = []
    for atoms, values in zip(structures, local, strict=True):
        shares = (base + values) * scale + mean / len(atoms)
        if predictor.reference is not None:
            species = [predictor.encoder.elements.index(symbol) for symbol in atoms.get_chemical_symbols()]
            shares = shares + np.asarray(predictor.reference, float)[species]
        found.append(shares)
    return Attribution(np.zeros(len(scale)), found, pooling)


def each_atom(predictor: Predictor, structures: Sequence[ase.Atoms], method: str) -> list[np.ndarray]:
    """What a method of the network gives for every atom, ``[members, n, ...]`` of each structure.

    Args:
        predictor: of structures.
        structures: at least one.
        method: of the network, from a batch to ``[n, ...]``; "features" for those before the readout.

    Raises:
        InputError: a predictor of SMILES, or a network without the method.
        MlmatError: a structure that cannot be encoded.
    """
    if predictor.encoder.kind != "structure":
        raise InputError("this predictor takes SMILES; atoms of structures are explained only")
    graphs = []
    for number, graph in enumerate(encode_items(predictor.encoder, structures)):
        if isinstance(graph, MlmatError):
            graph.args = (f"structure {number}: {graph}",)
            raise graph
        graphs.append(graph)
    predictor, found = replace(predictor, model=grown(predictor.model, graphs), reference=None), []
    compiled = jax.jit(_apply, static_argnames="method")
    for first in range(0, len(graphs), BATCH):
        taken = graphs[first : first + BATCH]
        for batch in pack(taken, budget_of(taken, BATCH)):
            values = np.asarray(compiled(predictor, batch, method=method))
            nodes = {"values": np.moveaxis(values, 0, 1)}
            found += [
                np.moveaxis(graph.nodes["values"], 1, 0) for graph in unpack(batch._replace(nodes=nodes))
            ]
    return [np.asarray(values, float) for values in found]


def _apply(predictor: Predictor, batch: Any, method: str) -> jax.Array:
    def of_member(variables: Any) -> jax.Array:
        if method != "features":
            return predictor.model.apply(variables, batch, method=method)
        _, state = predictor.model.apply(variables, batch, mutable=["intermediates"])
        return state["intermediates"]["features"][0]

    return map_members(of_member, predictor.variables)


def explained_atoms(encoder: Any, structures: Sequence[ase.Atoms]) -> list[ase.Atoms]:
    """The atoms that shares belong to: those of each structure; of a slab its surface, then its bulk.

    Atoms of slabs have arrays ``"branch"``, as in the graph, and ``"index"``, their place in the slab or
    in its bulk.
    """
    if not hasattr(encoder, "parts"):
        return list(structures)
    found = []
    for surface, bulk in map(encoder.parts, structures):
        both = ase.Atoms(np.concatenate([surface.numbers, bulk.numbers]))
        both.set_array("branch", np.repeat([SURFACE, BULK], [len(surface), len(bulk)]))
        both.set_array("index", np.concatenate([surface.arrays["index"], np.arange(len(bulk))]))
        found.append(both)
    return found


def branches_of(atoms: ase.Atoms) -> np.ndarray:
    """Which mean each atom enters ``[n]``; 0 where there is one mean only."""
    return atoms.arrays.get("branch", np.zeros(len(atoms), int))


def _integrated(
    predictor: Predictor, features: list[np.ndarray], branches: list[np.ndarray]
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Base ``[P]`` and shares ``[n, P]``, both in scaled units, of a network that reads means of its atoms.

    With one mean the property is the base and the mean of the shares; with several, the base and their sum.
    """
    count = 1 + max(int(branch.max()) for branch in branches)
    means = np.stack(
        [
            np.concatenate([values[:, branch == part].mean(axis=1) for part in range(count)], axis=-1)
            for values, branch in zip(features, branches, strict=True)
        ],
        axis=1,
    )  # [members, N, features of all means]
    bases = means.mean(axis=1)
    points, weights = np.polynomial.legendre.leggauss(NODES)

    def of_member(part: tuple[Any, jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        variables, base, mean = part

        def read(m: jax.Array) -> jax.Array:
            return predictor.model.apply(variables, m[None], method="of_means")[0]

        def slope(m: jax.Array) -> jax.Array:  # [P, features]
            path = base + jnp.asarray((points + 1) / 2, m.dtype)[:, None] * (m - base)
            return jnp.einsum(
                "t,tpf->pf", jnp.asarray(weights / 2, m.dtype), jax.vmap(jax.jacrev(read))(path)
            )

        return read(base), jax.lax.map(slope, mean)

    parts = (predictor.variables, jnp.asarray(bases, jnp.float32), jnp.asarray(means, jnp.float32))
    values, slopes = map(np.asarray, jax.jit(lambda parts: map_members(of_member, parts))(parts))
    bases, slopes = (np.stack(np.split(array, count, axis=-1)) for array in (bases, slopes))
    shares = []
    for k, (each, branch) in enumerate(zip(features, branches, strict=True)):
        moved = each - np.moveaxis(bases[branch], 0, 1)  # [members, n, features]
        share = np.einsum("mnf,nmpf->np", moved, slopes[:, :, k][branch]) / len(each)
        shares.append(share / np.bincount(branch)[branch][:, None] if count > 1 else share)
    return values.mean(axis=0), shares


class ElementShare(NamedTuple):
    """What the atoms of one element add.

    Attributes:
        symbol: of the element.
        count: of its atoms.
        structures: that have it.
        mean: ``[P]`` over the atoms.
        std: ``[P]`` between the atoms.
    """

    symbol: str
    count: int
    structures: int
    mean: np.ndarray
    std: np.ndarray


def by_element(structures: Sequence[ase.Atoms], found: Attribution) -> list[ElementShare]:
    """Shares of atoms, element by element, in the order of atomic numbers.

    Args:
        structures: those of `explained_atoms`.
        found: their shares.
    """
    symbols = np.concatenate([atoms.get_chemical_symbols() for atoms in structures])
    numbers = np.concatenate([atoms.numbers for atoms in structures])
    owner = np.repeat(np.arange(len(structures)), [len(atoms) for atoms in structures])
    shares = np.concatenate(found.local)
    rows = []
    for number in np.unique(numbers):
        mine = numbers == number
        values = shares[mine]
        rows.append(
            ElementShare(
                str(symbols[mine][0]), int(mine.sum()), len(np.unique(owner[mine])),
                values.mean(axis=0), values.std(axis=0),
            )
        )  # fmt: skip
    return rows
