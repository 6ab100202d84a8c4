"""What is known of a design without an oracle, and whether it goes with the predictor's error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from mlmat.analysis.record import Metric
from mlmat.design.searcher import BATCH
from mlmat.design.wants import Want
from mlmat.errors import DataError
from mlmat.graphs.fingerprints import nearest_similarity
from mlmat.graphs.softgraph import from_smiles
from mlmat.metrics import spearman
from mlmat.oracles.second_opinion import spearman_interval
from mlmat.predictor import Predictor
from mlmat.typing import SoftGraph

NEAR = 0.15
"""Designs predicted farther than this from the target (eV) are left out: a miss would be no surprise."""

LEAST = 10
"""Designs of a target below which nothing is said of it."""


class Judged(NamedTuple):
    """A design with a verdict.

    Attributes:
        smiles: of the molecule.
        percentile: whose target was wanted.
        predicted: gap, eV.
        verified: gap by the oracle, eV.
    """

    smiles: str
    percentile: int
    predicted: float
    verified: float


def judged_designs(folder: Path, targets: Mapping[int, float]) -> list[Judged]:
    """Designs of all cells of `experiments.inverse_gap.run`, each once for a target, near it as predicted.

    Raises:
        DataError: there are none in the folder.
    """
    found = {}
    for path in sorted((folder / "cells").glob("*.json")):
        row = json.loads(path.read_text(encoding="utf-8"))
        percentile = row["cell"]["percentile"]
        for smiles, _, predicted, verified in row["designs"]:
            target = targets.get(percentile)
            if verified is not None and target is not None and abs(predicted - target) < NEAR:
                found[smiles, percentile] = Judged(smiles, percentile, predicted, verified)
    if not found:
        raise DataError(f"no judged designs in {folder}: fill it with python -m experiments.inverse_gap.run")
    return list(found.values())


@jax.jit
def slopes(predictor: Predictor, graphs: SoftGraph) -> jax.Array:
    """Sizes of the gap's derivatives ``[N, 3]``: by elements, by bond orders, and of its deviation by both.

    Derivatives by an atom's elements are taken along the simplex; by bond orders, of the bonds there are.
    """
    column = predictor.index("gap")

    def sizes(slope: SoftGraph, graph: SoftGraph) -> tuple[jax.Array, jax.Array]:
        types = (slope.types - slope.types.mean(axis=-1, keepdims=True)) * graph.mask[:, None]
        return jnp.sum(types**2), jnp.sum(jnp.where(graph.bonds > 0, slope.bonds, 0.0) ** 2)

    def one(graph: SoftGraph) -> jax.Array:
        mean = sizes(jax.grad(lambda g: predictor(g)[column])(graph), graph)
        doubt = sizes(jax.grad(lambda g: predictor.with_std(g)[1][column])(graph), graph)
        return jnp.sqrt(jnp.array([*mean, sum(doubt)]))

    return jax.vmap(one)(graphs)


def signals(predictor: Predictor, smiles: Sequence[str], training: Sequence[str]) -> dict[str, np.ndarray]:
    """Numbers known of molecules without an oracle, each ``[N]``.

    Args:
        predictor: the ensemble.
        smiles: of the molecules.
        training: SMILES it was trained on.
    """
    column, parts = predictor.index("gap"), []
    for first in range(0, len(smiles), BATCH):
        block = list(smiles[first : first + BATCH])
        graphs = from_smiles(block + block[-1:] * (BATCH - len(block)), predictor.capacity)
        std = np.asarray(predictor.with_std(graphs)[1])[:, column, None]
        parts.append(np.concatenate([std, np.asarray(slopes(predictor, graphs))], axis=1)[: len(block)])
    std, elements, bonds, doubt = np.concatenate(parts).T
    return {
        "deviation of the ensemble": std,
        "gradient by elements": elements,
        "gradient by bond orders": bonds,
        "gradient of the deviation": doubt,
        "distance from the training set": 1 - nearest_similarity(smiles, training),
    }


def signal_metrics(
    predictor: Predictor, designs: Sequence[Judged], training: Sequence[str], targets: Mapping[int, float]
) -> list[Metric]:
    """Rank correlation of each signal with the error, and hits of the halves with less and more of it.

    Args:
        predictor: that was searched.
        designs: judged.
        training: SMILES it was trained on.
        targets: percentile → wanted gap, eV.
    """
    known = signals(predictor, [design.smiles for design in designs], training)
    percentile, predicted, verified = (np.array([design[k] for design in designs]) for k in (1, 2, 3))
    metrics = []
    for (name, values), (p, target) in ((s, t) for s in known.items() for t in targets.items()):
        rows = percentile == p
        if rows.sum() < LEAST or not np.ptp(values[rows]):
            continue
        signal, error = values[rows], np.abs(predicted - verified)[rows]
        correlation = spearman(signal, error)
        low, high = spearman_interval(correlation, len(signal))
        common = {"variant": f"{name}, {target:.2f} eV", "n_test": len(signal)}
        std = (high - low) / (2 * 1.96)
        metrics.append(Metric("rank correlation with the error", correlation, "1", std=std, **common))
        want = Want("gap", target, target)
        hit = np.array([want.hit(gap) for gap in verified[rows]])
        little = signal <= np.median(signal)
        gain = float(hit[little].mean() - hit[~little].mean())
        metrics.append(Metric("hits of the lower half less those of the upper", gain, **common))
    return metrics
