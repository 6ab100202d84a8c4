"""What training on forces and stress needs of the data: graphs that carry them, and their scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlmat.errors import InputError
from mlmat.recipes.task import Task


def mechanical_graphs(task: Task, rows: Sequence[int], graphs: Sequence[Any]) -> list[Any]:
    """Graphs with their forces and, where the task has them, force weights and stress.

    Args:
        task: with forces.
        rows: of the task that the graphs are of.
        graphs: as the encoder made them.

    Raises:
        InputError: forces or weights of another number of atoms; stress of a structure that is
            not periodic in all directions.
    """
    found = []
    for row, graph in zip(rows, graphs, strict=True):
        nodes = {**graph.nodes, "forces": np.asarray(task.forces[row], np.float32)}
        if task.force_weights is not None:
            nodes["force_weight"] = np.asarray(task.force_weights[row], np.float32)
        if len({len(value) for value in nodes.values()}) > 1:
            raise InputError(f"item {row}: forces and their weights must be one for each atom")
        extra = dict(graph.globals or {})
        if task.stress is not None:
            extra["stress"] = np.asarray(task.stress[row], np.float32)[None]
            extra["volume"] = np.array([[_volume(task.items[row], task.stress[row], row)]], np.float32)
        found.append(graph._replace(nodes=nodes, globals=extra or None))
    return found


def _volume(atoms: Any, stress: np.ndarray, row: int) -> float:
    if atoms.pbc.all():
        return float(atoms.cell.volume)
    if np.isfinite(stress).any():
        raise InputError(
            f"item {row} has a stress but does not repeat in all three directions: set pbc, or give no stress"
        )
    return 1.0


def force_scale(forces: Sequence[np.ndarray]) -> np.ndarray:
    """Root mean square ``[1]`` of known force components: the natural unit of a potential's output.

    The spread of total energies is none: it depends on the sizes of the structures.
    """
    values = np.concatenate([np.asarray(force, float).ravel() for force in forces])
    values = values[np.isfinite(values)]
    scale = np.sqrt(np.square(values).mean()) if len(values) else 1.0
    return np.array([scale if scale > 0 else 1.0])
