"""Does retraining on what was verified cure the optimiser's curse?

    python -m experiments.campaign.run --preset full --out runs/campaign

Three rounds of propose, verify (GFN2-xTB), retrain, for a rare gap: the 1st percentile of the
training gaps. Once with the predictor's uncertainty counted against a design (caution 1), once
without (caution 0), where the search is free to go where the predictor errs. Error on the
designs of each round beside the error of the same round's predictor on the test part.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from mlmat.analysis.campaign_plots import draw_campaign
from mlmat.analysis.record import RunRecord, save_record
from mlmat.commands.runs import prepare_process
from mlmat.data import small_organics
from mlmat.design.campaign.round import CampaignConfig
from mlmat.design.campaign.run import run_campaign
from mlmat.design.campaign.table import campaign_metrics
from mlmat.design.campaign.training import embedded_data
from mlmat.design.molecules.problem import molecule_problem
from mlmat.design.objective import Objective
from mlmat.design.searcher import get_searcher
from mlmat.design.wants import Want
from mlmat.predictor import load_predictor
from mlmat.pretrained.make import gap_split


@dataclass(frozen=True)
class Config:
    """Options of the experiment; run again with the same `out` to go on.

    Attributes:
        preset: full: three rounds of 48 designs; quick: two rounds of 8.
        out: folder for the results.
        searcher: name.
        seed: of searches and retraining.
        cautions: weights of the uncertainty that are compared.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/campaign")
    searcher: str = "genetic"
    seed: int = 0
    cautions: tuple[float, ...] = (0.0, 1.0)


def main(config: Config) -> RunRecord:
    prepare_process()
    began = time.perf_counter()
    full = config.preset == "full"
    predictor = load_predictor()
    data = embedded_data(predictor.properties)
    gaps = small_organics.load()["gap"]
    target = round(float(np.percentile(gaps[gap_split().train], 1)), 2)
    want = Want("gap", target, target)
    base = float(np.mean([bool(want.hit(gap)) for gap in gaps]))
    settings = CampaignConfig(3 if full else 2, 48 if full else 8, 2_000 if full else 300, config.seed)
    metrics = []
    for caution in config.cautions:
        folder = config.out / f"{config.preset}-{caution:g}"
        folder.mkdir(parents=True, exist_ok=True)
        objective = Objective((want,), caution)
        rounds = run_campaign(
            molecule_problem(objective, predictor.capacity),
            predictor,
            objective,
            get_searcher(config.searcher),
            data,
            settings,
            folder,
            report=lambda number, stage, done, total: print(
                f"\r{number} {stage} {done}/{total}    ", end="", flush=True
            ),
        )
        units = dict(zip(predictor.properties, predictor.units, strict=True))
        metrics += [
            replace(m, variant=f"caution {caution:g}, {m.variant}") for m in campaign_metrics(rounds, units)
        ]
        errors = [one.errors["gap"] for one in rounds]
        draw_campaign(
            [e.mae for e in errors],
            [(e.low, e.high) for e in errors],
            [e.test for e in errors],
            [one.hit_share for one in rounds],
            [one.hit_interval for one in rounds],
            "gap",
            "eV",
            folder / "campaign.png",
            base,
        )
    record = RunRecord(
        system=f"campaign for a gap of {target:.2f} eV",
        preset=config.preset,
        command=f"python -m experiments.campaign.run --preset {config.preset}",
        config={key: str(value) for key, value in asdict(config).items() if key != "out"},
        seeds=[config.seed],
        data={"small_organics": small_organics.provenance()["gfn2_sha256"]},
        seconds={"run": round(time.perf_counter() - began, 1)},
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.preset}.json")
    for metric in metrics:
        print(f"{metric.variant:<24} {metric.name:<44} {metric.value:.3f} {metric.unit}")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
