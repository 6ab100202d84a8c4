r"""Law cards of saved predictors beside Coulomb-matrix models; the probe and the rings of a DTNN.

    MLMAT_DATA=… python -m experiments.dtnn.run --out runs/dtnn
    MLMAT_DATA=… python -m experiments.laws.run --out runs/laws \
        --predictors runs/dtnn/all-pairs-300.mlmat runs/dtnn/cutoff-300.mlmat

The first predictor of a DTNN named also gives the pictures of the chemical potential and the
ranking of rings. The Coulomb-matrix models are fitted here, to molecules of QM9.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import ase
import numpy as np
import tyro

from experiments.laws.coulomb import coulomb_subject
from experiments.qm9_schnet.run import molecules
from mlmat.analysis.laws.card import card, measure_laws
from mlmat.analysis.laws.law import Law, Subject
from mlmat.analysis.laws.picture import draw_card
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data.registry import checksums, load
from mlmat.files import write_json

ELEMENTS = ("H", "C", "N", "O")
SHOWN = ("permutation", "rotation", "reflection", "size extensivity", "many copies", "dissociation limit",
         "continuity", "smoothness", "place of the minimum", "force–energy consistency", "chain growth",
         "rounding")  # fmt: skip
"""Laws that the table lists."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: 500 molecules for the Coulomb matrices, 4,000 searched for rings; quick: fewer.
        out: folder for cards and pictures; cards that are there are not measured again.
        predictors: predictor files; the names of the files are those of the models.
        seed: of molecules, rotations and directions.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/laws")
    predictors: tuple[Path, ...] = ()
    seed: int = 0


def metrics_of(subject: Subject, laws: Sequence[Law]) -> list[Metric]:
    """The laws of a card that the table lists; energies in meV."""
    found = []
    for law in laws:
        if law.name not in SHOWN or law.value is None:
            continue
        milli = law.unit.startswith("eV")
        said = {True: ", holds", False: ", broken", None: ""}[law.holds]
        value, unit = (1e3 * law.value, f"m{law.unit}") if milli else (law.value, law.unit)
        found.append(Metric(law.name, value, unit, variant=f"{subject.name}{said}"))
    return found


def stored_laws(path: Path) -> list[Law]:
    """The laws of a card that an earlier run finished."""
    content = json.loads(path.read_text(encoding="utf-8"))["laws"]
    return [Law(**{key: value for key, value in law.items() if key != "holds"}) for law in content]


def main(config: Config) -> RunRecord:
    """Measure all cards, draw them, and record them."""
    prepare_process()
    from experiments.laws.parts import probe_metrics, ring_metrics
    from mlmat.analysis.laws.subject import default_structures, subject_of
    from mlmat.predictor import load_predictor

    began = time.perf_counter()
    config.out.mkdir(parents=True, exist_ok=True)
    full = config.preset == "full"
    data = load("qm9")
    rows = np.random.default_rng(config.seed).permutation(len(data))[: 4_000 if full else 400]
    items: list[ase.Atoms] = molecules(data, rows)
    energies = data["atomisation_energy"][rows]
    predictors = {path.stem: load_predictor(path) for path in config.predictors}
    subjects = [subject_of(predictor, name) for name, predictor in predictors.items()]
    fitted = 500 if full else 100
    subjects += [
        coulomb_subject(order, items[:fitted], energies[:fitted], ELEMENTS) for order in ("given", "sorted")
    ]
    structures, metrics = default_structures(ELEMENTS), []
    for subject in subjects:
        stem = subject.name.replace(" ", "-").replace(",", "").lower()
        file = config.out / f"{stem}.json"
        laws = stored_laws(file) if file.exists() else measure_laws(subject, structures, config.seed)
        draw_card(subject, laws, config.out / f"{stem}.png")
        write_json(file, card(subject, laws))
        metrics += metrics_of(subject, laws)
        print(f"{subject.name}: {[law.name for law in laws if law.holds is False]} broken", flush=True)
    metrics.sort(key=lambda metric: SHOWN.index(metric.name))
    atomwise = [predictor for predictor in predictors.values() if hasattr(predictor.model, "probe")]
    if atomwise:
        metrics += probe_metrics(atomwise[0], config.out)
        metrics += ring_metrics(atomwise[0], items, data["smiles"][rows], config.out)
    record = RunRecord(
        system="law cards, and what the parts of a DTNN mean",
        preset=config.preset,
        command=f"python -m experiments.laws.run --preset {config.preset} --predictors …",
        config={"predictors": [path.name for path in config.predictors], "seed": config.seed},
        seeds=[config.seed],
        data=checksums("qm9"),
        seconds={"run": round(time.perf_counter() - began, 1)},
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.preset}.json")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
