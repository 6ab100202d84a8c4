"""Saving a state pytree between steps, atomically, so that a killed run goes on exactly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.errors import DataError
from mlmat.files import atomic_write


def save_state(path: str | Path, state: Any, notes: Any) -> None:
    """Write the leaves of a pytree and JSON notes to one file.

    Args:
        path: usually ``NAME.state``.
        state: pytree of arrays.
        notes: anything JSON can hold (history, found molecules).
    """
    leaves = {f"leaf_{i}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(state))}
    text = np.frombuffer(json.dumps(notes).encode(), np.uint8)
    with atomic_write(path) as stream:
        np.savez(stream, notes=text, **leaves)


def load_state(path: str | Path, template: Any) -> tuple[Any, Any]:
    """Read a state written by `save_state` into the structure of `template`.

    Raises:
        DataError: the file is damaged, or belongs to another configuration.
    """
    leaves, structure = jax.tree.flatten(template)
    try:
        saved = dict(np.load(path))
        values = [jnp.asarray(saved[f"leaf_{i}"]) for i in range(len(leaves))]
        notes = json.loads(saved["notes"].tobytes())
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise DataError(f"the saved state {path} is damaged: delete it to start anew") from error
    if len(saved) != len(leaves) + 1 or any(
        v.shape != np.shape(leaf) for v, leaf in zip(values, leaves, strict=True)
    ):
        raise DataError(f"the saved state {path} belongs to other settings: delete it, or use those settings")
    return structure.unflatten(values), notes
