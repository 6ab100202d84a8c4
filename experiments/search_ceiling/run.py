"""How much is left to gain by searching better for a gap, and does anything tell which designs are wrong?

    python -m experiments.search_ceiling.run --preset full --out runs/search_ceiling --judged runs/inverse_gap

Two parts. The first asks how many evaluations a searcher needs until its 128 submissions are predicted
inside the window of `experiments.inverse_gap`: from there on finding more cannot help, and only the
predictor's error decides. The second takes designs that GFN2-xTB has judged (a folder that
`experiments.inverse_gap.run` filled) and asks whether anything that is known without the oracle,
gradients among it, goes with that error. No oracle is asked here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
import tyro

from experiments.inverse_gap.summary import COLOURS, ordinal
from experiments.search_ceiling.signals import judged_designs, signal_metrics
from mlmat.analysis.figure import INK, MISS, new_figure, save, tidy
from mlmat.analysis.record import Metric, RunRecord, save_record
from mlmat.analysis.seeds import mean_interval
from mlmat.commands.runs import prepare_process
from mlmat.data import small_organics
from mlmat.design.molecules.problem import molecule_problem
from mlmat.design.objective import Objective
from mlmat.design.searcher import get_searcher, submit
from mlmat.design.searchers import genetic
from mlmat.design.searchers.genetic import GeneticConfig
from mlmat.design.wants import Want
from mlmat.errors import NoDesignError
from mlmat.files import write_json
from mlmat.predictor import Predictor, load_predictor
from mlmat.pretrained.make import gap_split

DESIGNS = 128
"""Submissions; the denominator of the shares."""

SMALL = "genetic with a small population"

SEARCHERS: dict[str, Callable] = {
    **{name: get_searcher(name) for name in ("genetic", "informed", "hybrid", "gradient", "random")},
    # Best on average of seven settings with 300 and 500 evaluations, at 1.4 and 11.6 eV.
    SMALL: partial(genetic.search, config=GeneticConfig(population=12, children=8)),
}


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: all searchers, three targets, four seeds; quick: two searchers, one target.
        out: folder for the results; what is finished there is not run again.
        judged: folder that `experiments.inverse_gap.run` filled, for the second part; none: the first only.
        searchers: names; default by preset.
        budgets: predictor evaluations; default by preset.
        percentiles: of the training gaps, each a target; default by preset.
        seeds: number of seeds; default by preset.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/search_ceiling")
    judged: Path | None = None
    searchers: tuple[str, ...] = ()
    budgets: tuple[int, ...] = ()
    percentiles: tuple[int, ...] = ()
    seeds: int | None = None


def run_one(predictor: Predictor, target: float, budget: int, seed: int, search: Callable) -> dict:
    """One search: how much of what it submits is predicted inside, and how far from the middle it is."""
    want = Want("gap", target, target)
    objective = Objective((want,))
    problem = molecule_problem(objective, predictor.capacity)
    began = time.process_time()
    found = search(problem, predictor, objective, budget, seed)
    try:
        chosen = submit(predictor, found, objective, DESIGNS)
    except NoDesignError:
        chosen = []
    seconds = time.process_time() - began
    gaps = [c.mean[predictor.index("gap")] for c in chosen]
    return {
        "inside": sum(bool(want.hit(gap)) for gap in gaps),
        "distance": float(np.mean(np.abs(np.array(gaps) - target))) if gaps else None,
        "spent": found.spent,
        "seconds": seconds,
    }


def inside_metrics(results: Mapping[tuple[str, str, int], Sequence[dict]]) -> list[Metric]:
    """Means over seeds of every searcher, target and budget."""
    metrics = []
    for (name, target, budget), rows in results.items():
        mean, half = mean_interval([row["inside"] / DESIGNS for row in rows])
        std = half / 1.96 if np.isfinite(half) else None
        common = {"variant": f"{name}, {target}, {budget:,} evaluations", "n_seeds": len(rows)}
        metrics.append(Metric("predicted inside", mean, std=std, n_test=DESIGNS * len(rows), **common))
        distances = [row["distance"] for row in rows if row["distance"] is not None]
        if distances:
            metrics.append(
                Metric("mean predicted distance from the target", float(np.mean(distances)), "eV", **common)
            )
    return metrics


def draw_inside(results: Mapping[tuple[str, str, int], Sequence[dict]], path: Path) -> None:
    """Share predicted inside against the budget, a panel for each target; thin lines: range of the seeds."""
    targets, names = (list(dict.fromkeys(key[k] for key in results)) for k in (1, 0))
    figure = new_figure(3.6 * len(targets), 3.6)
    panels = figure.subplots(1, len(targets), sharey=True, squeeze=False)[0]
    for axes, target in zip(panels, targets, strict=True):
        for name in names:
            budgets = sorted(budget for n, t, budget in results if (n, t) == (name, target))
            shares = [
                [100 * row["inside"] / DESIGNS for row in results[name, target, budget]] for budget in budgets
            ]
            style = {"color": COLOURS.get(name, MISS), "ls": "-" if name in COLOURS else "--", "lw": 1.6}
            axes.plot(budgets, [np.mean(row) for row in shares], "o", ms=4, label=name, **style)
            axes.vlines(budgets, list(map(min, shares)), list(map(max, shares)), color=style["color"], lw=0.8)
        axes.set(xscale="log", ylim=(0, 103), xlabel="predictor evaluations")
        ticks = sorted({budget for _, _, budget in results})
        axes.set_xticks(ticks, [f"{budget:,}" for budget in ticks])
        axes.minorticks_off()
        tidy(axes, target)
    panels[0].set_ylabel("submissions predicted inside (%)")
    handles, labels = panels[0].get_legend_handles_labels()
    look = {"fontsize": 9, "frameon": False, "labelcolor": INK, "ncols": 6}
    figure.legend(handles, labels, loc="outside lower center", **look)
    save(figure, path)


def main(config: Config) -> RunRecord:
    prepare_process()
    full = config.preset == "full"
    names = config.searchers or (tuple(SEARCHERS) if full else ("genetic", "informed"))
    budgets = config.budgets or ((300, 500, 1_000, 2_000) if full else (300,))
    percentiles = config.percentiles or ((1, 5, 95) if full else (95,))
    seeds = range(config.seeds or (4 if full else 1))
    predictor = load_predictor()
    parts = gap_split()
    data = small_organics.load()
    targets = {p: round(float(np.percentile(data["gap"][parts.train], p)), 2) for p in percentiles}
    cells = config.out / "cells"
    cells.mkdir(parents=True, exist_ok=True)
    results: dict[tuple[str, str, int], list[dict]] = {}
    plan = list(product(seeds, budgets, percentiles, names))
    for number, (seed, budget, percentile, name) in enumerate(plan, 1):
        path = cells / f"{percentile}-{budget}-{seed}-{name.replace(' ', '_')}.json"
        if not path.exists():
            write_json(path, run_one(predictor, targets[percentile], budget, seed, SEARCHERS[name]))
        row = json.loads(path.read_text(encoding="utf-8"))
        label = f"{ordinal(percentile)} percentile ({targets[percentile]:.2f} eV)"
        results.setdefault((name, label, budget), []).append(row)
        print(
            f"{number:>3}/{len(plan)} {name:<32} {label:<28} {budget:>6,}: {row['inside']:>3} inside",
            flush=True,
        )
    metrics = inside_metrics(results)
    if config.judged is not None:
        designs = judged_designs(config.judged, targets)
        metrics += signal_metrics(predictor, designs, data["smiles"][parts.train].tolist(), targets)
    record = RunRecord(
        system="what is left to gain by searching better",
        preset=config.preset,
        command=f"python -m experiments.search_ceiling.run --preset {config.preset}",
        config={key: str(value) for key, value in asdict(config).items() if key not in ("out", "judged")},
        seeds=list(seeds),
        data={"small_organics": small_organics.provenance()["gfn2_sha256"]},
        seconds={"run": sum(row["seconds"] for rows in results.values() for row in rows)},
        metrics=metrics,
    )
    save_record(record, config.out / f"{config.preset}.json")
    draw_inside(results, config.out / "inside.png")
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
