"""Sharing a step among devices: data-parallel shards over a mesh, JAX's own way.

Weights are replicated, the shard axis of a batch is split over the mesh axis ``"data"``,
and the compiler adds the sum over devices. With several processes each holds the same
deterministic stream and hands its own shards to its own devices.
"""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from mlmat.errors import InputError


def data_mesh(shards: int, devices: list | None = None) -> Mesh:
    """Mesh with one axis ``"data"`` over as many devices as divide the shards.

    Args:
        shards: of `TrainingConfig`.
        devices: default: all devices of all processes.

    Raises:
        InputError: several processes whose devices do not divide the shards.
    """
    devices = list(jax.devices() if devices is None else devices)
    count = max(n for n in range(1, len(devices) + 1) if shards % n == 0)
    if count < len(devices) and jax.process_count() > 1:
        raise InputError(f"{len(devices)} devices in several processes must divide shards ({shards})")
    return Mesh(np.array(devices[:count]), ("data",))


def _place(tree: Any, sharding: NamedSharding) -> Any:
    def put(leaf):
        leaf = np.asarray(leaf)
        return jax.make_array_from_callback(leaf.shape, sharding, lambda index: leaf[index])

    return jax.tree.map(put, tree)


def replicate(tree: Any, mesh: Mesh | None) -> Any:
    """The same arrays on every device of the mesh."""
    if mesh is None:
        return jax.tree.map(jax.numpy.asarray, tree)
    return _place(tree, NamedSharding(mesh, PartitionSpec()))


def place_chunk(chunk: Any, mesh: Mesh | None, shards: int) -> Any:
    """A chunk ``[steps, shards, ...]`` with its shards spread over the mesh."""
    if mesh is None:
        return jax.device_put(chunk)
    spec = PartitionSpec() if shards == 1 else PartitionSpec(None, "data")
    return _place(chunk, NamedSharding(mesh, spec))
