"""Do molecules designed by gradient have the gap they were designed for?

    python -m experiments.inverse_gap.run --preset full --out runs/inverse_gap

Targets are the 5th and the 95th percentile of the training gaps, hits are verified by
GFN2-xTB within 0.3 eV, and everything that fails counts as a miss. Beside it stands the
base rate: the share of hits among random members of the space, failures counted too.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from mlmat.analysis import plots
from mlmat.analysis.design_table import write_csv
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.data import small_organics
from mlmat.design.molecules import molecule_problem
from mlmat.design.rows import design_metrics, design_rows
from mlmat.design.run import DEFAULT_BUDGET, SearchConfig, search_pool, select, verify_designs
from mlmat.design.wants import Want
from mlmat.metrics import wilson_interval
from mlmat.predictor import load_predictor
from mlmat.pretrained.make import gap_split

PERCENTILES = (5, 95)


@dataclass(frozen=True)
class Config:
    """Options of the experiment; run again with the same `out` to go on.

    Attributes:
        preset: full: 128 designs and the default budget; quick: 16 designs, a sixteenth of it.
        out: folder for the results and the state.
        seed: of the starts.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/inverse_gap")
    seed: int = 0


def base_rate(want: Want) -> tuple[int, int]:
    """Hits among random members of the space, and how many were tried.

    The embedded set is itself a random sample of the space, so its labels tell; the
    members that failed to relax count as misses.
    """
    gaps = small_organics.load()["gap"]
    return sum(want.hit(gap) for gap in gaps), small_organics.provenance()["space"]["molecules_tried"]


def main(config: Config) -> RunRecord:
    began = time.perf_counter()
    data, parts = small_organics.load(), gap_split()
    training = data["gap"][parts.train]
    known = data["smiles"][parts.train].tolist()
    predictor = load_predictor()
    share = 1 if config.preset == "full" else 16
    metrics, pools, lost = [], {}, {}
    for percentile in PERCENTILES:
        value = round(float(np.percentile(training, percentile)), 2)
        want = Want("gap", value, value)
        folder = config.out / f"{config.preset}-{percentile}"
        folder.mkdir(parents=True, exist_ok=True)
        search_config = SearchConfig(want, 128 // share, DEFAULT_BUDGET // share, config.seed)
        problem = molecule_problem(want, predictor.capacity)
        search = search_pool(problem, predictor, search_config, state_file=folder / "search.state")
        chosen = select(predictor, search.pool, want, search_config.designs)
        verdicts = verify_designs(problem, chosen, folder / "verdicts.jsonl")
        rows = design_rows(chosen, verdicts, known, want)
        write_csv(rows, folder / "designs.csv")
        plots.draw_molecules(rows, want.window, folder / "molecules.png")
        verified = np.array([row.gap_verified for row in rows if row.gap_verified is not None])
        plots.draw_descent(search.history, want.window, verified, training, folder / "descent.png")

        variant = f"gradient, {percentile}th percentile ({value:.2f} eV)"
        found = design_metrics(rows, want, search_config.designs, variant)
        hits, tried = base_rate(want)
        low, high = wilson_interval(hits, tried)
        random_members = f"random members, {percentile}th percentile ({value:.2f} eV)"
        metrics += found
        metrics.append(
            Metric(
                "hit share", hits / tried, std=(high - low) / (2 * 1.96), variant=random_members, n_test=tried
            )
        )
        pools[str(percentile)], lost[str(percentile)] = len(search.pool), search.lost
        for metric in (*found, metrics[-1]):
            print(f"{metric.variant:>44}  {metric.name:<42} {metric.value:.3f} {metric.unit}")
    record = RunRecord(
        system="inverse design for a gap",
        preset=config.preset,
        command=f"python -m experiments.inverse_gap.run --preset {config.preset}",
        config={k: str(v) for k, v in asdict(config).items()} | {"pool": pools, "lost": lost},
        seeds=[config.seed],
        data={"small_organics": small_organics.provenance()["gfn2_sha256"]},
        seconds={"run": round(time.perf_counter() - began, 1)},
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.preset}.json")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
