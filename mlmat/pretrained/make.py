"""Training the gap predictor that ships with mlmat.

    python -m mlmat.pretrained.make --out mlmat/pretrained/gap.mlmat

Gap, HOMO and LUMO of the embedded set, split by skeleton; the test part is not
touched here. About half an hour on two cores; resumable after any interruption.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import tyro

from mlmat.data import small_organics
from mlmat.data.splits import Split, skeleton_split
from mlmat.predictor import Predictor, save_predictor
from mlmat.training.config import TrainingConfig
from mlmat.training.ensemble import predict_set, train_ensemble
from mlmat.training.molecules import molecule_set

PROPERTIES = ("gap", "homo", "lumo")
CAPACITY = 10
SPLIT_SEED = 0


@dataclass(frozen=True)
class Options:
    """Train the gap predictor on the embedded set.

    Attributes:
        out: predictor file to write.
        training: hyperparameters.
    """

    out: Path
    training: TrainingConfig = field(default_factory=TrainingConfig)


def gap_split() -> Split:
    """The one skeleton split of the embedded set that everything is measured on."""
    return skeleton_split(small_organics.load()["smiles"].tolist(), seed=SPLIT_SEED)


def train_on(
    smiles: Sequence[str],
    targets: np.ndarray,
    properties: tuple[str, ...],
    out: Path,
    config: TrainingConfig,
    report: Callable[[dict[str, float]], None] = lambda info: None,
    parts: Split | None = None,
    data: dict[str, str] | None = None,
    units: tuple[str, ...] | None = None,
    features: int = 64,
) -> Predictor:
    """Train an ensemble on molecules and write its predictor file with provenance.

    Args:
        smiles: molecules.
        targets: ``[N, P]`` in `units`.
        properties: names of the targets.
        out: predictor file; the training state is kept beside it until it is written.
        config: hyperparameters.
        report: called after every epoch.
        parts: train and validation indices; default: by skeleton.
        data: name and checksum of the data, for the file's provenance.
        units: of the targets; default: eV.
        features: width of the atom features.

    Raises:
        InputError: too few molecules for the batch size.
    """
    parts = parts or skeleton_split(smiles, seed=SPLIT_SEED)
    chosen = np.asarray(smiles)
    train, validation = (molecule_set(chosen[rows].tolist(), targets[rows], CAPACITY) for rows in parts[:2])
    checkpoint = out.with_suffix(".state")
    began = time.perf_counter()
    predictor, _ = train_ensemble(
        train,
        validation,
        config,
        features=features,
        properties=properties,
        units=units or ("eV",) * len(properties),
        checkpoint=checkpoint,
        report=report,
    )
    predicted, _ = predict_set(predictor, validation)
    errors = np.abs(predicted - np.asarray(validation.targets)).mean(axis=0)
    notes = {
        "data": data or {},
        "split": {"by": "skeleton", "seed": SPLIT_SEED, "sizes": [len(part) for part in parts]},
        "training": asdict(config),
        "seconds": round(time.perf_counter() - began, 1),
        "validation_mae": {name: round(float(e), 4) for name, e in zip(properties, errors, strict=True)},
    }
    save_predictor(predictor, out, notes)
    checkpoint.unlink(missing_ok=True)
    return predictor


def train_gap_predictor(
    out: Path, config: TrainingConfig, report: Callable[[dict[str, float]], None] = lambda info: None
) -> Predictor:
    """Train on the embedded set; see `train_on`."""
    data = small_organics.load()
    targets = np.stack([data[name] for name in PROPERTIES], axis=1)
    checksum = {"name": data.name, "sha256": small_organics.provenance()["gfn2_sha256"]}
    return train_on(data["smiles"].tolist(), targets, PROPERTIES, out, config, report, gap_split(), checksum)


def main(options: Options) -> None:
    """Train and print every epoch."""
    began = time.perf_counter()

    def report(info: dict[str, float]) -> None:
        numbers = "  ".join(f"{name} {value:.4f}" for name, value in info.items())
        print(f"{time.perf_counter() - began:7.0f} s  {numbers}", flush=True)

    train_gap_predictor(options.out, options.training, report)


if __name__ == "__main__":
    main(tyro.cli(Options))
