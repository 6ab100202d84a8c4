"""Does retraining on what was verified cure the optimiser's curse?

    python -m experiments.campaign.run --preset full --out runs/campaign

Three rounds of propose, verify (GFN2-xTB), retrain, for a rare gap: the 1st percentile of the
training gaps. Once with the predictor's uncertainty counted against a design (caution 1), once
without (caution 0), where the search is free to go where the predictor errs. Error on the
designs of each round beside the error of the same round's predictor on the test part, for several
seeds. A stopped run goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from mlmat.analysis.campaign_plots import draw_campaign
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.analysis.seeds import mean_interval
from mlmat.commands.runs import prepare_process
from mlmat.data import small_organics
from mlmat.design.campaign.round import CampaignConfig
from mlmat.design.campaign.run import run_campaign
from mlmat.design.campaign.table import RoundSummary, campaign_metrics
from mlmat.design.campaign.training import embedded_data
from mlmat.design.molecules.problem import molecule_problem
from mlmat.design.objective import Objective
from mlmat.design.searcher import get_searcher
from mlmat.design.wants import Want
from mlmat.predictor import load_predictor
from mlmat.pretrained.make import gap_split

OF_SEEDS = {
    "hit share", "verified share", "gap error on designs (MAE)", "gap test error (MAE)",
    "gap error on designs over test error",
}  # fmt: skip
"""Metrics of a round that are averaged over seeds."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment; run again with the same `out` to go on.

    Attributes:
        preset: full: three rounds of 48 designs; quick: two rounds of 8.
        out: folder for the results.
        searcher: name.
        seeds: of searches and retraining; default by preset.
        cautions: weights of the uncertainty that are compared.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/campaign")
    searcher: str = "genetic"
    seeds: tuple[int, ...] = ()
    cautions: tuple[float, ...] = (0.0, 1.0)


def over_seeds(rounds: Mapping[int, Sequence[RoundSummary]], units: Mapping[str, str]) -> list[Metric]:
    """Means over seeds of the numbers of each round, with Student's intervals.

    Args:
        rounds: of each seed.
        units: of the properties.
    """
    found: dict[tuple[str, str], list[Metric]] = {}
    for own in rounds.values():
        for metric in campaign_metrics(own, units):
            if metric.name in OF_SEEDS:
                found.setdefault((metric.variant, metric.name), []).append(metric)
    metrics = []
    for (variant, name), parts in found.items():
        mean, half = mean_interval([part.value for part in parts])
        counts = [part.n_test for part in parts if part.n_test is not None]
        std = half / 1.96 if np.isfinite(half) else None
        more = {"n_test": sum(counts) if counts else None, "n_seeds": len(parts)}
        metrics.append(Metric(name, mean, parts[0].unit, std, variant=variant, **more))
    return metrics


def draw(rounds: Mapping[int, Sequence[RoundSummary]], path: Path, base: float) -> None:
    """Error and hits by round: mean and range of the seeds, or one seed with intervals over designs."""
    own = list(rounds.values())

    def series(value: Callable[[RoundSummary], float]) -> tuple[list[float], list[tuple[float, float]]]:
        table = np.array([[value(summary) for summary in summaries] for summaries in own])
        return list(table.mean(axis=0)), list(zip(table.min(axis=0), table.max(axis=0), strict=True))

    errors, error_ends = series(lambda summary: summary.errors["gap"].mae)
    tests, _ = series(lambda summary: summary.errors["gap"].test)
    hits, hit_ends = series(lambda summary: summary.hit_share)
    if len(own) == 1:
        error_ends = [(summary.errors["gap"].low, summary.errors["gap"].high) for summary in own[0]]
        hit_ends = [summary.hit_interval for summary in own[0]]
    draw_campaign(errors, error_ends, tests, hits, hit_ends, "gap", "eV", path, base)


def main(config: Config) -> RunRecord:
    prepare_process()
    began = time.perf_counter()
    full = config.preset == "full"
    seeds = config.seeds or (tuple(range(6)) if full else (0,))
    predictor = load_predictor()
    units = dict(zip(predictor.properties, predictor.units, strict=True))
    data = embedded_data(predictor.properties)
    gaps = small_organics.load()["gap"]
    target = round(float(np.percentile(gaps[gap_split().train], 1)), 2)
    want = Want("gap", target, target)
    base = float(np.mean([bool(want.hit(gap)) for gap in gaps]))
    metrics = []
    for caution in config.cautions:
        objective = Objective((want,), caution)
        rounds = {}
        for seed in seeds:
            folder = config.out / f"{config.preset}-{caution:g}-{seed}"
            folder.mkdir(parents=True, exist_ok=True)
            rounds[seed] = run_campaign(
                molecule_problem(objective, predictor.capacity),
                predictor,
                objective,
                get_searcher(config.searcher),
                data,
                CampaignConfig(3 if full else 2, 48 if full else 8, 2_000 if full else 300, seed),
                folder,
                report=lambda number, stage, done, total, seed=seed: print(
                    f"\rseed {seed}, round {number}: {stage} {done}/{total}    ", end="", flush=True
                ),
            )
        for metric in over_seeds(rounds, units):
            metrics.append(replace(metric, variant=f"caution {caution:g}, {metric.variant}"))
        draw(rounds, config.out / f"caution-{caution:g}.png", base)
    record = RunRecord(
        system=f"campaign for a gap of {target:.2f} eV",
        preset=config.preset,
        command=f"python -m experiments.campaign.run --preset {config.preset}",
        config={key: str(value) for key, value in asdict(config).items() if key != "out"},
        seeds=list(seeds),
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
