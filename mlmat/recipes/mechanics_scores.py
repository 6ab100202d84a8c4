"""Energies, forces and stress of a trained potential on structures it never saw, and their errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np

from mlmat.analysis.record import Metric
from mlmat.data.dataset import Dataset
from mlmat.data.structures import of_atoms, structures
from mlmat.errors import MlmatError
from mlmat.graphs.packing import pack, unpack
from mlmat.metrics import bootstrap_interval
from mlmat.nn.module import grown
from mlmat.potentials.derivatives import evaluate
from mlmat.potentials.learned import from_predictor
from mlmat.predictor import Predictor
from mlmat.predictor.encoding import encode_items
from mlmat.predictor.predict import budget_of, predict_encoded
from mlmat.training.energy_forces import VOIGT
from mlmat.units import GPA

EDGES = 60_000
"""Most edges a compiled batch holds: features of neighbours take a kilobyte or two each."""


class Mechanics(NamedTuple):
    """What a potential says of some structures.

    Attributes:
        energies: ``[N]`` eV.
        forces: ``[n, 3]`` of each, eV/Å.
        stress: ``[N, 6]`` eV/Å³, xx, yy, zz, yz, xz, xy, tension positive; NaN if not periodic.
    """

    energies: np.ndarray
    forces: list[np.ndarray]
    stress: np.ndarray


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
    predictor: Predictor,
    data: Dataset,
    rows: Sequence[int],
    *,
    variant: str,
    seed: int,
    **common: Any,
) -> list[Metric]:
    """Errors of energy per atom, force and stress components: of all structures, then of each group.

    Args:
        predictor: of the energy, in eV.
        data: with ``energy`` and ``forces``; ``stress`` and ``group`` where it has them.
        rows: of the test part.
        variant: name of the model.
        seed: of the bootstrap, which draws structures.
        **common: further fields of the metrics.
    """
    found = predict_mechanics(predictor, structures(data, rows))
    rows = np.asarray(rows)
    sizes = data["n_atoms"][rows].astype(float)
    energy = 1e3 * (found.energies - data["energy"][rows]) / sizes
    forces = [f - o for f, o in zip(found.forces, of_atoms(data, "forces", rows), strict=True)]
    errors = {"energy": ("meV/atom", [np.array([e]) for e in energy]), "force": ("eV/Å", forces)}
    if "stress" in data.arrays:
        errors["stress"] = ("GPa", list((found.stress - data["stress"][rows]) / GPA))
    groups = data["group"][rows] if "group" in data.arrays else np.full(len(rows), "")
    metrics = []
    for group in ("", *sorted(set(groups.tolist()) - {""})):
        chosen = np.flatnonzero(groups == group) if group else np.arange(len(rows))
        name = f"{variant}; {group}" if group else variant
        for quantity, (unit, each) in errors.items():
            some = [np.asarray(each[i], float).ravel() for i in chosen]
            some = [e for e in some if np.isfinite(e).all()]
            if some:
                metrics += _pair(quantity, unit, some, seed, variant=name, n_test=len(some), **common)
    return metrics


def _pair(quantity: str, unit: str, errors: list[np.ndarray], seed: int, **common: Any) -> list[Metric]:
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
        Metric(f"{quantity} MAE", float(sums.sum() / counts.sum()), unit, std, **common),
        Metric(f"{quantity} RMSE", rmse, unit, **common),
    ]
