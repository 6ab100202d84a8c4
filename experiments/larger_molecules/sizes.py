"""One capacity: train a predictor, design for two targets, and measure what it took."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import numpy as np

from experiments.larger_molecules.zinc import training_molecules
from mlmat.data.small_organics.sample import random_member
from mlmat.data.splits import Split, skeleton_split
from mlmat.design.molecules.drawing import draw_size
from mlmat.design.molecules.problem import molecule_problem
from mlmat.design.objective import scaled_objective
from mlmat.design.searcher import Candidate, best_of, predict_candidates
from mlmat.design.searchers.gradient import GradientConfig, harvest, init_search, make_chunk
from mlmat.design.wants import Want
from mlmat.files import write_json
from mlmat.graphs.chemistry import canonical_smiles
from mlmat.oracles.rdkit import describe_smiles
from mlmat.predictor import Predictor, load_predictor, predict_smiles, save_predictor
from mlmat.training.config import TrainingConfig
from mlmat.training.ensemble import train_ensemble
from mlmat.training.molecules import molecule_set

PROPERTIES = ("logp", "sa_score")
PERCENTILES = (5, 95)
TOLERANCE = 0.3
"""Half-width of a hit in logP."""


@dataclass(frozen=True)
class Settings:
    """What is the same for all capacities.

    Attributes:
        molecules: training, validation and test together.
        training: of the ensemble.
        features: width of the atom features.
        layers: rounds of messages.
        starts: that descend at once, for each target; a multiple of the members.
        designs: submitted for each target; the denominator of hit shares.
        members: random members of the space for the base rate; 0: none.
        seed: of molecules, split and starts.
    """

    molecules: int
    training: TrainingConfig
    features: int
    layers: int
    starts: int
    designs: int
    members: int
    seed: int = 0


def rdkit_values(smiles: Sequence[str]) -> np.ndarray:
    """``[N, 2]`` RDKit's logP and SA score."""
    values = [describe_smiles(s).values for s in smiles]
    return np.array([[value[name] for name in PROPERTIES] for value in values]).reshape(-1, len(PROPERTIES))


def trained(
    capacity: int, smiles: Sequence[str], values: np.ndarray, parts: Split, settings: Settings, folder: Path
) -> Predictor:
    """The ensemble of a capacity, trained or read."""
    path = folder / f"capacity-{capacity}.mlmat"
    if path.exists():
        return load_predictor(path)
    train, validation = (
        molecule_set([smiles[i] for i in rows], values[rows], capacity) for rows in parts[:2]
    )
    predictor, _ = train_ensemble(
        train,
        validation,
        settings.training,
        features=settings.features,
        layers=settings.layers,
        properties=PROPERTIES,
        units=("1", "1"),
        checkpoint=path.with_suffix(".state"),
    )
    save_predictor(predictor, path, {"training": asdict(settings.training)})
    path.with_suffix(".state").unlink(missing_ok=True)
    return predictor


def compiled_chunk(problem: Any, config: GradientConfig, predictor: Predictor, state: Any):
    """The chunk compiled ahead, and its memory in bytes (arguments, results, temporary arrays)."""
    chunk = make_chunk(problem, config).lower(predictor, state).compile()
    sizes = chunk.memory_analysis()
    memory = sizes.argument_size_in_bytes + sizes.output_size_in_bytes + sizes.temp_size_in_bytes
    return chunk, memory


def descend(
    predictor: Predictor, target: float, settings: Settings, config: GradientConfig
) -> dict[str, Any]:
    """One life of all starts, and the best real molecules that it ends in.

    Times are processor time, summed over threads: other work on the machine hardly counts.
    """
    want = Want("logp", target, target, tolerance=TOLERANCE)
    objective = scaled_objective((want,), predictor)
    problem = molecule_problem(objective, predictor.capacity)
    key = jax.random.key(settings.seed)
    state = init_search(problem, config, settings.starts, predictor.members, key)
    began = time.process_time()
    chunk, memory = compiled_chunk(problem, config, predictor, state)
    compiling = time.process_time() - began
    began = time.process_time()
    for _ in range(config.steps // config.chunk):
        state, materials, _ = jax.block_until_ready(chunk(predictor, state))
    stepping = time.process_time() - began
    lost: Counter = Counter()
    began = time.process_time()
    everything = np.ones(settings.starts, bool)
    found, _ = harvest(problem, jax.tree.map(np.asarray, materials), everything, (), lost)
    rounding = time.process_time() - began
    rows = [Candidate(s, start) for s, start in found.items()]
    pool = predict_candidates(predictor, objective, rows, problem.members)
    best = best_of(pool, settings.designs)
    truth = rdkit_values([c.smiles for c in best])
    predicted = np.array([c.mean for c in best]).reshape(-1, len(PROPERTIES))
    repeats = lost.pop("found before", 0)
    return {
        "target": target,
        "starts": settings.starts,
        "valid": len(found) + repeats,
        "distinct": len(found),
        "lost": dict(lost),
        "submitted": len(best),
        "hits": int(sum(bool(want.hit(value)) for value in truth[:, 0])),
        "error": float(np.abs(predicted[:, 0] - truth[:, 0]).mean()) if best else None,
        "sa_score": float(truth[:, 1].mean()) if best else None,
        "step_seconds": stepping / (config.steps * settings.starts),
        "realise_seconds": rounding / settings.starts,
        "compile_seconds": compiling,
        "bytes": memory,
        "designs": [
            [c.smiles, float(p), float(t)] for c, p, t in zip(best, predicted[:, 0], truth[:, 0], strict=True)
        ],
    }


def random_values(capacity: int, count: int, seed: int) -> np.ndarray:
    """``[count, 2]`` RDKit's values of random members of the space, sizes drawn as for starts."""
    rng = np.random.default_rng((seed, capacity))
    return rdkit_values(
        [canonical_smiles(random_member(rng, draw_size(rng, capacity))) for _ in range(count)]
    )


def result_file(capacity: int, folder: Path) -> Path:
    """Where `measure` keeps what it found."""
    return folder / f"capacity-{capacity}.json"


def processor_seconds(result: dict[str, Any]) -> float:
    """Processor time of training, compilation, descent and rounding."""
    steps = GradientConfig().steps
    return result["training_seconds"] + sum(
        run["compile_seconds"] + run["starts"] * (steps * run["step_seconds"] + run["realise_seconds"])
        for run in result["runs"]
    )


def measure(
    capacity: int, settings: Settings, folder: Path, report: Callable[[str], None] = print
) -> dict[str, Any]:
    """All that is measured for one capacity; read from the folder if it was measured before.

    Raises:
        DataError: the molecules are not at hand.
    """
    path = result_file(capacity, folder)
    if path.exists():
        return json.loads(path.read_text(encoding="utf-8"))
    smiles = training_molecules(capacity, settings.molecules, settings.seed)
    values = rdkit_values(smiles)
    parts = skeleton_split(smiles, seed=settings.seed)
    began = time.process_time()
    predictor = trained(capacity, smiles, values, parts, settings, folder)
    training = time.process_time() - began
    report(f"capacity {capacity}: trained in {training:.0f} s of processor time")
    test = predict_smiles(predictor, [smiles[i] for i in parts.test]).mean - values[parts.test]
    config = GradientConfig()
    base = random_values(capacity, settings.members, settings.seed)
    runs = []
    for percentile in PERCENTILES:
        target = round(float(np.percentile(values[parts.train, 0], percentile)), 2)
        run = descend(predictor, target, settings, config) | {"percentile": percentile}
        run["base_hits"] = int((np.abs(base[:, 0] - target) <= TOLERANCE).sum())
        run["training_hits"] = int((np.abs(values[parts.train, 0] - target) <= TOLERANCE).sum())
        report(f"  logP {target}: {run['valid']} of {run['starts']} valid, {run['hits']} hits")
        runs.append(run)
    result = {
        "capacity": capacity,
        "mean_size": float(np.mean([sum(letter in "CNOFScnos" for letter in s) for s in smiles])),
        "train": len(parts.train),
        "test": len(parts.test),
        "members": settings.members,
        "test_error": float(np.abs(test[:, 0]).mean()),
        "spread": float(values[parts.train, 0].std()),
        "training_sa_score": float(values[parts.train, 1].mean()),
        "random_sa_score": float(base[:, 1].mean()) if len(base) else None,
        "training_seconds": training,
        "runs": runs,
    }
    write_json(path, result)
    return result
