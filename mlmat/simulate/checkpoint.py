"""Checkpoints of a simulation: one file, atomic, from which it goes on bit for bit."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.errors import DataError
from mlmat.files import atomic_write
from mlmat.simulate.grid import Grid
from mlmat.simulate.state import State


class Checkpoint(NamedTuple):
    """What is needed to go on.

    Attributes:
        state: all arrays, the neighbour list among them: when it is remade shapes the sums.
        grid: its sizes.
        notes: JSON-serialisable: lengths of the files written so far, settings.
    """

    state: State
    grid: Grid
    notes: dict[str, Any]


def save_checkpoint(path: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, atomically: after a kill the file is the old one or the new one.

    Raises:
        OutputError: the folder cannot be written.
    """
    state = checkpoint.state._replace(key=jax.random.key_data(checkpoint.state.key))
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(jax.device_get(state))]
    header = json.dumps({"grid": asdict(checkpoint.grid), "notes": checkpoint.notes})
    with atomic_write(path) as stream:
        np.savez(stream, header=header, **{f"leaf{k}": leaf for k, leaf in enumerate(leaves)})


def load_checkpoint(path: str | Path, like: State) -> Checkpoint:
    """Read a checkpoint.

    Args:
        path: of the file.
        like: a state of the same ensemble, for its structure.

    Raises:
        DataError: no such file, damaged, or of another simulation.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            content = dict(file)
        header = json.loads(str(content.pop("header")))
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"cannot read the checkpoint {path}: {error}") from error
    structure = jax.tree.structure(like)
    if structure.num_leaves != len(content) or content["leaf0"].shape != like.positions.shape:
        raise DataError(f"{path} is of another simulation: go on with the same structure and ensemble")
    leaves = [jnp.asarray(content[f"leaf{k}"]) for k in range(len(content))]
    state = jax.tree.unflatten(structure, leaves)
    grid = {
        name: tuple(value) if isinstance(value, list) else value for name, value in header["grid"].items()
    }
    return Checkpoint(state._replace(key=jax.random.wrap_key_data(state.key)), Grid(**grid), header["notes"])
