"""Inverse design through a predictor of QM9's B3LYP gap, judged by B3LYP: DIDgen's own case.

    MLMAT_DATA=… python -m experiments.inverse_qm9.run --preset full --out runs/inverse_qm9

After F. Therrien, E. H. Sargent, O. Voznyy, "Using GNN property predictors as molecule
generators", Nat. Commun. 2025 (arXiv 2406.03278): a predictor trained on QM9, a low, a middle
and a high gap as targets, density functional theory as judge. The targets here are the 2nd,
50th and 98th percentile of the training gaps, a hit lies within 0.5 eV. What is finished in
the folder is not run again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro

from experiments.inverse_qm9.dft import calibrate, judged
from experiments.inverse_qm9.figure import draw_gaps
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data.registry import checksums, load
from mlmat.data.splits import Split, skeleton_split
from mlmat.design.molecules.constraints import Constraints
from mlmat.design.molecules.problem import molecule_problem
from mlmat.design.objective import scaled_objective
from mlmat.design.searcher import get_searcher, submit
from mlmat.design.wants import Want
from mlmat.errors import MlmatError, NoDesignError
from mlmat.files import write_json
from mlmat.graphs.chemistry import canonical_smiles, parse_smiles
from mlmat.graphs.fingerprints import mean_similarity
from mlmat.metrics import bootstrap_interval, mae, wilson_interval
from mlmat.predictor import Predictor, load_predictor, predict_smiles
from mlmat.pretrained.make import train_on
from mlmat.training.config import TrainingConfig

TOLERANCE = 0.5
"""Half width of the window of a hit, eV."""

PERCENTILES = {"low": 2, "middle": 50, "high": 98}
"""Targets, as percentiles of the training gaps."""

ELEMENTS = "C", "N", "O", "F"
"""Heavy elements of QM9; the space has sulfur, too, of which the predictor knows nothing."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: as stored; quick: a small predictor, few designs.
        out: folder for the results; what is finished there is not run again.
        molecules: of QM9, for training, validation and test; default by preset.
        epochs: of training; default by preset.
        budget: predictor evaluations of a search; default by preset.
        designs: judged for each target and searcher; default by preset.
        calibration: QM9 molecules on which the judge itself is tested; default by preset.
        searchers: names.
        seed: of molecules, split and searches.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/inverse_qm9")
    molecules: int | None = None
    epochs: int | None = None
    budget: int | None = None
    designs: int | None = None
    calibration: int | None = None
    searchers: tuple[str, ...] = ("gradient", "informed", "genetic")
    seed: int = 0

    def number(self, name: str) -> int:
        """A size, by preset where it is not given."""
        sizes = {
            "molecules": (1_000, 25_000),
            "epochs": (3, 12),
            "budget": (2_000, 10_000),
            "designs": (2, 10),
            "calibration": (2, 20),
        }
        given = getattr(self, name)
        return sizes[name][self.preset == "full"] if given is None else given


def molecules(count: int, seed: int) -> tuple[list[str], np.ndarray]:
    """Random molecules of QM9 that a soft graph can hold (neutral, closed shell), and their gaps in eV."""
    data = load("qm9")
    found: dict[str, float] = {}
    for row in np.random.default_rng(seed).permutation(len(data["smiles"])):
        if len(found) == count:
            break
        try:
            found.setdefault(
                canonical_smiles(parse_smiles(str(data["smiles"][row]))), float(data["gap"][row])
            )
        except MlmatError:
            continue
    return list(found), np.array(list(found.values()))


def trained(config: Config, smiles: Sequence[str], gaps: np.ndarray, parts: Split) -> Predictor:
    """The ensemble, trained or read."""
    file = config.out / "qm9_gap.mlmat"
    if not file.exists():
        training = TrainingConfig(members=3, epochs=config.number("epochs"), seed=config.seed)
        train_on(
            smiles,
            gaps[:, None],
            ("gap",),
            file,
            training,
            lambda info: print("     " + "  ".join(f"{k} {v:.4f}" for k, v in info.items()), flush=True),
            parts,
            {"name": "qm9"},
        )
    return load_predictor(file)


def designed(
    config: Config, predictor: Predictor, known: Sequence[str], target: float, searcher: str, file: Path
) -> dict[str, Any]:
    """Designs of one searcher for one target, without verdicts; kept in a file."""
    if file.exists():
        return json.loads(file.read_text())
    objective = scaled_objective((Want("gap", target, target, tolerance=TOLERANCE),), predictor)
    constraints = Constraints(elements=ELEMENTS)
    problem = molecule_problem(objective, predictor.capacity, constraints)
    began = time.process_time()
    search = get_searcher(searcher)(
        problem,
        predictor,
        objective,
        config.number("budget"),
        config.seed,
        known=known,
        allowed=constraints.allows,
    )
    try:
        chosen = submit(predictor, search, objective, config.number("designs"))
    except NoDesignError:
        chosen = []
    found = {
        "target": target,
        "searcher": searcher,
        "seconds": time.process_time() - began,
        "found": len(search.pool),
        "smiles": [candidate.smiles for candidate in chosen],
        "predicted": [candidate.mean[0] for candidate in chosen],
    }
    write_json(file, found)
    return found


def main(config: Config) -> RunRecord:
    prepare_process()
    began = time.perf_counter()
    config.out.mkdir(parents=True, exist_ok=True)
    smiles, gaps = molecules(config.number("molecules"), config.seed)
    parts = skeleton_split(smiles, seed=config.seed)
    predictor = trained(config, smiles, gaps, parts)
    known = [smiles[row] for row in parts.train]
    targets = {name: round(float(np.percentile(gaps[parts.train], p)), 2) for name, p in PERCENTILES.items()}
    cells = []
    for name, target in targets.items():
        for searcher in config.searchers:
            file = config.out / f"{name}-{searcher}.json"
            cells.append((name, designed(config, predictor, known, target, searcher, file)))
            print(f"{name} {target:.2f} eV, {searcher}: {len(cells[-1][1]['smiles'])} designs", flush=True)
    verdicts = config.out / "verdicts.jsonl"
    tested = [smiles[row] for row in parts.test]
    count = config.number("calibration")
    shifts = calibrate(tested[:count], gaps[parts.test][:count], verdicts)
    predicted = predict_smiles(predictor, tested).mean[:, 0]
    low, high = bootstrap_interval(mae, predicted, gaps[parts.test], seed=config.seed)
    metrics = [
        Metric(
            "gap error (MAE)",
            mae(predicted, gaps[parts.test]),
            "eV",
            std=(high - low) / (2 * 1.96),
            variant="test molecules of QM9",
            n_train=len(parts.train),
            n_test=len(parts.test),
        ),
        Metric(
            "judge less QM9's gap (MAE)",
            float(np.abs(shifts).mean()),
            "eV",
            variant="test molecules of QM9",
            n_test=len(shifts),
        ),
    ]
    for name, target in targets.items():
        share = float((np.abs(gaps[parts.train] - target) <= TOLERANCE).mean())
        variant = f"molecules of QM9, {name} ({target:.2f} eV)"
        metrics.append(Metric("hit share", share, variant=variant, n_test=len(parts.train)))
    for name, cell in cells:
        # One by one in the order of merit, so that an interrupted run has the best of every cell.
        cell["verdicts"] = [
            v.values.get("b3lyp_gap") if v.ok else None for v in judged(cell["smiles"], verdicts)
        ]
        metrics += cell_metrics(name, cell, config.number("designs"))
    record = RunRecord(
        system="inverse design for a B3LYP gap",
        preset=config.preset,
        command=f"python -m experiments.inverse_qm9.run --preset {config.preset}",
        config={key: value for key, value in asdict(config).items() if key != "out"},
        seeds=[config.seed],
        data=checksums("qm9"),
        seconds={"run": round(time.perf_counter() - began, 1)},
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.preset}.json")
    draw_gaps([(name, cell) for name, cell in cells], TOLERANCE, config.out / "gaps.png")
    return record


def cell_metrics(name: str, cell: dict[str, Any], designs: int) -> list[Metric]:
    """Hits, errors, diversity and cost of one searcher for one target; a missing verdict is a miss."""
    pairs = [(p, v) for p, v in zip(cell["predicted"], cell["verdicts"], strict=True) if v is not None]
    hits = sum(abs(v - cell["target"]) <= TOLERANCE for _, v in pairs)
    low, high = wilson_interval(hits, designs)
    common = {"variant": f"{cell['searcher']}, {name} ({cell['target']:.2f} eV)", "n_test": designs}
    found = [Metric("hit share", hits / designs, std=(high - low) / (2 * 1.96), **common)]
    if pairs:
        error = float(np.mean([abs(p - v) for p, v in pairs]))
        found.append(Metric("error on designs (MAE)", error, "eV", **common))
    if len(cell["smiles"]) > 1:
        found.append(Metric("mean similarity of the designs", mean_similarity(cell["smiles"]), **common))
    found.append(
        Metric("processor time for a molecule", cell["seconds"] / max(cell["found"], 1), "s", **common)
    )
    return found


if __name__ == "__main__":
    main(tyro.cli(Config))
