"""Molecules as sparse graphs: integer graph or RDKit molecule ↔ one `jraph.GraphsTuple`.

Host code: arrays are NumPy, ready for `mlmat.graphs.packing`.

=============  ================  ====================================================
field          shape             content
=============  ================  ====================================================
nodes          ``[n, T]``        one-hot element, float32, in the order of `ELEMENTS`
edges          ``[e, 1]``        bond order 1, 2 or 3, float32; each bond twice
receivers      ``[e]``           int32, ascending
senders        ``[e]``           int32, ascending for each receiver
globals        dict or None      targets, each with a leading axis of length 1
n_node, n_edge ``[1]``           int32
=============  ================  ====================================================

Hydrogens are implicit: an atom has its valence minus the sum of its bond orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jraph
import numpy as np
from rdkit import Chem

from mlmat.errors import InputError
from mlmat.graphs.chemistry import ELEMENTS, graph_from_molecule, molecule_from_graph


def sparse_graph(
    types: np.ndarray, bonds: np.ndarray, targets: Mapping[str, Any] | None = None
) -> jraph.GraphsTuple:
    """Integer graph → `jraph.GraphsTuple` of one graph.

    Args:
        types: ``[n]`` indices into `ELEMENTS`.
        bonds: ``[n, n]`` symmetric integer bond orders, zero diagonal.
        targets: values by name (numbers or arrays, physical units) that travel with
            the graph as its globals; floats become float32, integers int32.

    Raises:
        InputError: shapes that do not fit, a type outside `ELEMENTS`, bonds that are
            negative, not symmetric, or join an atom to itself.
    """
    types, bonds = np.asarray(types), np.asarray(bonds)
    n = len(types)
    if bonds.shape != (n, n):
        raise InputError(f"{n} types need bonds of shape ({n}, {n}), not {bonds.shape}")
    if n and (types.min() < 0 or types.max() >= len(ELEMENTS)):
        raise InputError(f"types must be indices 0 to {len(ELEMENTS) - 1} into {ELEMENTS}")
    if (bonds != bonds.T).any() or bonds.diagonal().any() or bonds.min(initial=0) < 0:
        raise InputError("bonds must be symmetric, not negative, and zero on the diagonal")
    receivers, senders = np.nonzero(bonds)  # row-major: sorted by receiver, then sender
    return jraph.GraphsTuple(
        nodes=np.eye(len(ELEMENTS), dtype=np.float32)[types],
        edges=bonds[receivers, senders].astype(np.float32)[:, None],
        receivers=receivers.astype(np.int32),
        senders=senders.astype(np.int32),
        globals=None if targets is None else {name: _target(value) for name, value in targets.items()},
        n_node=np.array([n], np.int32),
        n_edge=np.array([len(receivers)], np.int32),
    )


def _target(value: Any) -> np.ndarray:
    value = np.asarray(value)
    if value.dtype.kind not in "fiub":
        raise InputError(f"targets must be numbers, not {value.dtype}")
    return value.astype(np.float32 if value.dtype.kind == "f" else np.int32)[None]


def from_molecule(molecule: Chem.Mol, targets: Mapping[str, Any] | None = None) -> jraph.GraphsTuple:
    """RDKit molecule → `jraph.GraphsTuple` of its first Kekulé form; see `sparse_graph`.

    Raises:
        UnknownElementError: an element outside `ELEMENTS`.
    """
    return sparse_graph(*graph_from_molecule(molecule), targets)


def to_integer_graph(graph: jraph.GraphsTuple) -> tuple[np.ndarray, np.ndarray]:
    """`jraph.GraphsTuple` of one graph → integer graph, the inverse of `sparse_graph`.

    Returns:
        ``types [n]`` (int8 indices into `ELEMENTS`) and ``bonds [n, n]`` (int8).

    Raises:
        InputError: several graphs, or features that are not one-hot and integer.
    """
    if len(graph.n_node) != 1:
        raise InputError(
            f"one graph is needed, not {len(graph.n_node)}: take a batch apart with packing.unpack"
        )
    nodes, orders = np.asarray(graph.nodes), np.asarray(graph.edges)[:, 0]
    if (
        not np.isin(nodes, (0, 1)).all()
        or (nodes.sum(axis=-1) != 1).any()
        or (orders != orders.round()).any()
    ):
        raise InputError("nodes must be one-hot and bond orders integer: round a soft graph first")
    bonds = np.zeros((len(nodes), len(nodes)), np.int8)
    bonds[np.asarray(graph.receivers), np.asarray(graph.senders)] = orders
    return nodes.argmax(axis=-1).astype(np.int8), bonds


def to_molecule(graph: jraph.GraphsTuple) -> Chem.Mol:
    """`jraph.GraphsTuple` of one graph → RDKit molecule, the inverse of `from_molecule`.

    Raises:
        InputError, ValenceError: not one integer graph, or an impossible molecule.
    """
    return molecule_from_graph(*to_integer_graph(graph))


def sort_edges(graph: jraph.GraphsTuple) -> jraph.GraphsTuple:
    """The same graph with its edges in the order that packing needs: receiver, then sender.

    Args:
        graph: one graph or a batch, any edge order; edge features may be a pytree
            of arrays ``[e, ...]``.
    """
    order = np.lexsort((graph.senders, graph.receivers))
    return graph._replace(
        edges=jax.tree.map(lambda leaf: np.asarray(leaf)[order], graph.edges),
        receivers=np.asarray(graph.receivers)[order],
        senders=np.asarray(graph.senders)[order],
    )
