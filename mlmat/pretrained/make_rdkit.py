"""Training the differentiable surrogates of RDKit's logP, QED and synthetic accessibility.

    python -m mlmat.pretrained.make_rdkit --out mlmat/pretrained/rdkit.mlmat

The formulas themselves are no functions of a relaxed molecule, so a soft-graph ensemble
learns them on the embedded set, split by skeleton; `mlmat.oracles.rdkit` gives the true
values of what is designed with it. Errors on the test part are written into the file.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tyro

from mlmat.data import small_organics
from mlmat.oracles.rdkit import UNITS, describe_smiles
from mlmat.predictor import Predictor, predict_smiles, read_header, save_predictor
from mlmat.pretrained.make import gap_split, train_on
from mlmat.training.config import TrainingConfig

PROPERTIES = ("logp", "qed", "sa_score")
FEATURES = 48
RDKIT = Path(__file__).parent / "rdkit.mlmat"
"""The surrogates that ship with mlmat."""


@dataclass(frozen=True)
class Options:
    """Train the surrogates on the embedded set.

    Attributes:
        out: predictor file to write.
        training: hyperparameters.
    """

    out: Path
    training: TrainingConfig = field(default_factory=lambda: TrainingConfig(members=3, epochs=16))


def rdkit_targets(smiles: Sequence[str]) -> np.ndarray:
    """RDKit's values ``[N, 3]`` of `PROPERTIES`."""
    return np.array([[describe_smiles(s).values[name] for name in PROPERTIES] for s in smiles])


def train_rdkit_predictor(
    out: Path, config: TrainingConfig, report: Callable[[dict[str, float]], None] = lambda info: None
) -> Predictor:
    """Train on the embedded set and write the file with its errors on the test part.

    Args:
        out: predictor file.
        config: hyperparameters.
        report: called after every epoch.
    """
    data, parts = small_organics.load(), gap_split()
    smiles = data["smiles"].tolist()
    targets = rdkit_targets(smiles)
    predictor = train_on(
        smiles,
        targets,
        PROPERTIES,
        out,
        config,
        report,
        parts,
        {"name": data.name, "sha256": small_organics.provenance()["gfn2_sha256"]},
        tuple(UNITS[name] for name in PROPERTIES),
        FEATURES,
    )
    truth = targets[parts.test]
    error = predict_smiles(predictor, [smiles[row] for row in parts.test]).mean - truth
    notes = read_header(out)["notes"]
    for key, values in (
        ("test_mae", np.abs(error).mean(axis=0)),
        ("test_r2", 1 - (error**2).sum(axis=0) / ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)),
    ):
        notes[key] = {name: round(float(v), 4) for name, v in zip(PROPERTIES, values, strict=True)}
    save_predictor(predictor, out, notes)
    return predictor


def main(options: Options) -> None:
    """Train and print every epoch."""
    began = time.perf_counter()

    def report(info: dict[str, float]) -> None:
        numbers = "  ".join(f"{name} {value:.4f}" for name, value in info.items())
        print(f"{time.perf_counter() - began:7.0f} s  {numbers}", flush=True)

    train_rdkit_predictor(options.out, options.training, report)


if __name__ == "__main__":
    main(tyro.cli(Options))
