"""Atomisation energies by kernels of the Coulomb matrix: QM7 re-relaxed, and the original QM7.

    MLMAT_DATA=… python -m experiments.coulomb_krr.run --preset full --out runs/coulomb_krr

On the re-relaxed set: 5,000 molecules to train, 1,000 to test, five random splits; the energy
(PBE0), and what a baseline at hand (DFTB) leaves of it. On the original set: five-fold
cross-validation, stratified by energy. σ and λ are chosen inside each training part, by a grid
on molecules held out of it. What is finished in `out` is not run again.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from experiments.coulomb_krr.fits import measure
from experiments.coulomb_krr.local import local_cells
from experiments.coulomb_krr.summary import metrics_of
from experiments.coulomb_krr.variants import VARIANTS
from mlmat.analysis.record import RunRecord, save_record
from mlmat.data.registry import checksums, load
from mlmat.descriptors.padding import dense_molecules
from mlmat.files import write_json
from mlmat.units import convert

CHECK_ROWS = 1000
"""Molecules of the training part on which σ and λ are chosen."""

FOLDS = 5
"""Of the original set."""

ORDER = (
    ("relaxed", ("eigenspectrum, Gaussian", "sorted, Laplacian")),
    ("original", ("eigenspectrum, Gaussian",)),
    ("relaxed", ("randomly sorted, Laplacian",)),
    ("original", ("sorted, Laplacian",)),
    ("relaxed", tuple(VARIANTS)),
)
"""What is measured, and in which order: an interrupted run has the most telling cells."""


SIZES = (500, 1000, 2000, 4000)
"""Smaller training parts of the learning curve of the local kernel."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: 5,000 training molecules, five splits, both sets; quick: 1,000, one split, and
            no original set.
        out: folder for the results.
        splits: number of random splits; default by preset.
        n_train: training molecules; default by preset.
        n_test: test molecules.
        copies: of each molecule with randomly sorted rows.
        seed: of the random order of rows.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/coulomb_krr")
    splits: int | None = None
    n_train: int | None = None
    n_test: int = 1000
    copies: int = 3
    seed: int = 0


def relaxed() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The re-relaxed set by file number: numbers, positions (Å), PBE0 and PBE0 − DFTB (kcal/mol)."""
    data = load("qm7_delta")
    numbers, positions = dense_molecules(data["n_atoms"], data["numbers"], data["positions"])
    pbe0, dftb = (convert(data[f"atomisation_energy_{name}"], "eV", "kcal/mol") for name in ("pbe0", "dftb"))
    order = np.argsort(data["file_id"], kind="stable")
    return numbers[order], positions[order], np.stack([pbe0, pbe0 - dftb], axis=1)[order]


def original() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The original set: numbers, positions (Å), PBE0 (kcal/mol)."""
    data = load("qm7")
    numbers, positions = dense_molecules(data["n_atoms"], data["numbers"], data["positions"])
    return numbers, positions, convert(data["atomisation_energy"], "eV", "kcal/mol")[:, None]


Parts = tuple[np.ndarray, np.ndarray]
"""Training and test molecules."""


def random_splits(count: int, n_train: int, n_test: int, splits: int) -> list[Parts]:
    """The first and the last of each of several random orders."""
    orders = [np.random.default_rng(split).permutation(count) for split in range(splits)]
    return [(order[:n_train], order[-n_test:]) for order in orders]


def stratified_splits(values: np.ndarray, folds: int, seed: int) -> list[Parts]:
    """Cross-validation: neighbours in value are dealt to different folds, at random."""
    random = np.random.default_rng(seed)
    fold = np.empty(len(values), int)
    for group in np.split(np.argsort(values, kind="stable"), range(folds, len(values), folds)):
        fold[group] = random.permutation(folds)[: len(group)]
    return [(random.permutation(np.flatnonzero(fold != k)), np.flatnonzero(fold == k)) for k in range(folds)]


def main(config: Config) -> RunRecord:
    """Measure every cell that is not finished."""
    began = time.perf_counter()
    full = config.preset == "full"
    splits, n_train = config.splits or (5 if full else 1), config.n_train or (5000 if full else 1000)
    (config.out / "cells").mkdir(parents=True, exist_ok=True)
    cells, done = [], set()

    def cell(system: str, name: str, split: int, parts: Parts, data: tuple) -> None:
        key = (system, name, split)
        if key in done:
            return
        done.add(key)
        path = config.out / "cells" / f"{system}_{re.sub('[^a-zA-Z]+', '_', name)}_{n_train}_{split}.json"
        if not path.exists():
            # Fits of the grid are smaller where the training part is.
            rows = min(VARIANTS[name].rows, len(parts[0]) - min(CHECK_ROWS, len(parts[0]) // 4))
            found = measure(VARIANTS[name], data, *parts, rows, CHECK_ROWS, config.seed, config.copies)
            write_json(path, {"system": system, "variant": name, "split": split, **found})
        cells.append(json.loads(path.read_text()))
        # Renewed after each cell, so that an interrupted run has a record of what it finished.
        record = record_of(config, cells, time.perf_counter() - began)
        save_record(record, config.out / f"{config.preset}.json")
        errors = {target: round(row["mae"], 2) for target, row in cells[-1]["targets"].items()}
        print(f"{system}, split {split}, {name}: MAE {errors} kcal/mol", flush=True)

    sets = {"relaxed": relaxed, "original": original} if full else {"relaxed": relaxed}
    sets = {name: read() for name, read in sets.items()}
    for system, names in ORDER:
        if system not in sets:
            continue
        data = sets[system]
        for split, parts in enumerate(
            random_splits(len(data[0]), n_train, config.n_test, splits)
            if system == "relaxed"
            else stratified_splits(data[2][:, 0], FOLDS, config.seed)
        ):
            for name in names:
                cell(system, name, split, parts, data)
    if full:
        parts = stratified_splits(sets["original"][2][:, 0], FOLDS, config.seed)
        path = config.out / "cells" / "local.json"
        if not path.exists():
            write_json(path, local_cells(sets["original"], parts, config.out, SIZES))
        cells += [{"system": "original", **row} for row in json.loads(path.read_text())]
        save_record(
            record_of(config, cells, time.perf_counter() - began), config.out / f"{config.preset}.json"
        )
    return record_of(config, cells, time.perf_counter() - began)


def record_of(config: Config, cells: Sequence[dict], seconds: float) -> RunRecord:
    """The run record of what is finished."""
    sets = {"relaxed": "qm7_delta", "original": "qm7"}
    return RunRecord(
        system="Coulomb-matrix kernel ridge regression on QM7",
        preset=config.preset,
        command=f"python -m experiments.coulomb_krr.run --preset {config.preset}",
        config={key: value for key, value in asdict(config).items() if key != "out"},
        seeds=sorted({cell["split"] for cell in cells}),
        data=checksums(*dict.fromkeys(sets[cell["system"]] for cell in cells)),
        seconds={"run": round(seconds, 1), "all fits": round(sum(cell["seconds"] for cell in cells), 1)},
        metrics=metrics_of(cells),
    )


if __name__ == "__main__":
    main(tyro.cli(Config))
