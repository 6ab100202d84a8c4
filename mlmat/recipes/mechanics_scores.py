"""Energies, forces and stress of a trained potential on structures it never saw, and their errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np

from mlmat.analysis.record import Metric
from mlmat.errors import MlmatError
from mlmat.graphs.packing import pack, unpack
from mlmat.metrics import bootstrap_interval
from mlmat.nn.module import grown
from mlmat.potentials.derivatives import evaluate
from mlmat.potentials.learned import from_predictor
from mlmat.predictor import Predictor
from mlmat.predictor.encoding import encode_items
from mlmat.predictor.predict import budget_of, predict_encoded
from mlmat.recipes.task import Task
from mlmat.training.energy_forces import VOIGT
from mlmat.units import GPA

EDGES = 60_000
"""Most edges a compiled batch holds: features of neighbours take a kilobyte or two each."""


class Mechanics(NamedTuple):
    """What a potential says of some structures.

    Attributes:
        energies: ``[N]`` eV.
        forces: ``[n, 3]`` of each, eV/Å.
        stress: ``[N, 6]`` eV/Å³, xx, yy, zz, yz, xz, xy, tension positive; NaN if not periodic;
            None if it was not asked for.
    """

    energies: np.ndarray
    forces: list[np.ndarray]
    stress: np.ndarray | None


def predict_mechanics(predictor: Predictor, items: Sequence[Any]) -> Mechanics:
    """Energies, forces and stress of structures by the mean of an ensemble.

    Args:
        predictor: of one energy, in eV.
        items: `ase.Atoms`.

    Raises:
        InputError: a predictor of something else.
        MlmatError: a structure that cannot be encoded.
    """
    graphs = []
    for graph in encode_items(predictor.encoder, items):
        if isinstance(graph, MlmatError):
            raise graph
        graphs.append(graph)
    batch = max(1, EDGES * len(graphs) // (1 + sum(int(graph.n_edge[0]) for graph in graphs)))
    # Contributions of the elements are added in float64 there.
    energies = np.array([mean[0] for mean, _ in predict_encoded(predictor, graphs, batch)])
    potential = from_predictor(replace(predictor, model=grown(predictor.model, graphs)))
    compiled = jax.jit(evaluate)
    forces, virial = [], []
    for first in range(0, len(graphs), batch):
        taken = graphs[first : first + batch]
        for packed in pack(taken, budget_of(taken, batch)):
            found = jax.device_get(compiled(potential, packed))
            real = int(np.flatnonzero(packed.n_node)[-1])
            forces += [g.nodes["f"] for g in unpack(packed._replace(nodes={"f": found.forces}))]
            virial += [[matrix[a, b] for a, b in VOIGT] for matrix in found.virial[:real]]
    volumes = [atoms.cell.volume if atoms.pbc.all() else np.nan for atoms in items]
    return Mechanics(energies, forces, np.array(virial, float) / np.array(volumes)[:, None])


def mechanical_metrics(
    found: Mechanics, task: Task, rows: Sequence[int], *, variant: str, seed: int, **common: Any
) -> list[Metric]:
    """Errors of energy per atom, force and stress components: of all structures, then of each group.

    Args:
        found: what a potential says of those rows.
        task: an energy in eV, with forces; stress and groups where it has them.
        rows: of the test part.
        variant: name of the model; that of a group follows after a semicolon.
        seed: of the bootstrap, which draws structures.
        **common: further fields of the metrics.
    """
    items = [task.items[row] for row in rows]
    sizes = np.array([len(atoms) for atoms in items], float)
    energy = 1e3 * (found.energies - np.array([task.targets[row, 0] for row in rows])) / sizes
    forces = [f - np.asarray(task.forces[row], float) for f, row in zip(found.forces, rows, strict=True)]
    errors = {"energy per atom": ("meV", list(energy)), "forces": ("eV/Å", forces)}
    if task.stress is not None and found.stress is not None:
        errors["stress"] = ("GPa", list((found.stress - np.asarray(task.stress)[rows]) / GPA))
    groups = np.array(["" if task.groups is None else task.groups[row] for row in rows])
    metrics = []
    for group in ("", *sorted(set(groups.tolist()) - {""})):
        chosen = np.flatnonzero(groups == group) if group else np.arange(len(items))
        name = f"{variant}; {group}" if group else variant
        for quantity, (unit, each) in errors.items():
            some = [np.asarray(each[i], float).ravel() for i in chosen]
            some = [e for e in some if np.isfinite(e).all()]
            if some:
                fields = {**common, "variant": name, "n_test": len(some)}
                metrics += _pair(quantity, unit, some, seed, fields)
    return metrics


def _pair(quantity: str, unit: str, errors: list[np.ndarray], seed: int, fields: dict) -> list[Metric]:
    """Mean absolute and root-mean-square error over all components of some structures."""
    sums = np.array([np.abs(e).sum() for e in errors])
    squares = np.array([(e**2).sum() for e in errors])
    counts = np.array([e.size for e in errors], float)
    std = None
    if len(errors) > 2:
        low, high = bootstrap_interval(lambda s, n: s.sum() / n.sum(), sums, counts, seed=seed)
        std = (high - low) / (2 * 1.96)
    rmse = float(np.sqrt(squares.sum() / counts.sum()))
    return [
        Metric(f"{quantity} MAE", float(sums.sum() / counts.sum()), unit, std, **fields),
        Metric(f"{quantity} RMSE", rmse, unit, **fields),
    ]
