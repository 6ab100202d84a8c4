"""From cells to shares of hits with intervals, a figure, and a table of what was found."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.ammonia_catalysts.cells import TOLERANCE, Cell, Result
from experiments.ammonia_catalysts.predictor import DATASET
from mlmat.analysis.figure import HIT, INK, MISS, NEUTRAL, WANTED, new_figure, save, tidy
from mlmat.analysis.record import Metric
from mlmat.files import atomic_write
from mlmat.metrics import wilson_interval

COLOURS = {"gradient": HIT, "informed": WANTED, "genetic": MISS, "random": NEUTRAL, "brute force": INK}
SPLIT = "families of alloys held out"
WHOLE = "whole space screened"


@dataclass(frozen=True)
class Quality:
    """How good a predictor is on alloys that it never saw.

    Attributes:
        n_train: rows it was fitted to, of all adsorbates.
        n_test: rows held out.
        n_nitrogen: of these, with nitrogen.
        error: mean absolute error, eV.
        nitrogen: the same for nitrogen.
        mean: error of the training mean of each adsorbate, eV.
        nitrogen_mean: the same for nitrogen.
        space: members of the space of designs.
        energies: their adsorption energies, eV.
    """

    n_train: int
    n_test: int
    n_nitrogen: int
    error: float
    nitrogen: float
    mean: float
    nitrogen_mean: float
    space: int
    energies: list[float]

    def base(self, target: float) -> int:
        """Members whose energy is in the window around a target."""
        return int((np.abs(np.array(self.energies) - target) <= TOLERANCE).sum())


def grouped(results: Mapping[Cell, Result]) -> dict[tuple[float, int, str], tuple[int, int, int]]:
    """(target, budget, searcher) → hits, designs and seeds, added up."""
    found: dict[tuple[float, int, str], tuple[int, int, int]] = {}
    for cell, result in results.items():
        hits, asked, seeds = found.get((cell.target, cell.budget, cell.searcher), (0, 0, 0))
        found[cell.target, cell.budget, cell.searcher] = (hits + result.hits, asked + cell.designs, seeds + 1)
    return found


def share(name: str, hits: int, asked: int, **fields) -> Metric:
    """A share with half of its Wilson interval."""
    low, high = wilson_interval(hits, asked)
    return Metric(name, hits / asked, std=(high - low) / (2 * 1.96), n_test=asked, **fields)


def metrics(results: Mapping[Cell, Result], qualities: Mapping[int, Quality]) -> list[Metric]:
    """Errors of the predictors, shares of hits, and errors on what was submitted."""
    common = {"dataset": DATASET, "split": SPLIT, "n_seeds": len(qualities)}
    found = []
    for title, field, count in (
        ("nitrogen, network", "nitrogen", "n_nitrogen"),
        ("nitrogen, training mean", "nitrogen_mean", "n_nitrogen"),
        ("eleven adsorbates, network", "error", "n_test"),
        ("eleven adsorbates, training mean of each", "mean", "n_test"),
    ):
        values = [getattr(quality, field) for quality in qualities.values()]
        std = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 2 else None
        sizes = {"n_test": sum(getattr(quality, count) for quality in qualities.values())}
        sizes["n_train"] = round(np.mean([quality.n_train for quality in qualities.values()]))
        found.append(
            Metric(
                "adsorption energy MAE", float(np.mean(values)), "eV", std, variant=title, **sizes, **common
            )
        )
    for target in dict.fromkeys(cell.target for cell in results):
        hits, asked = (sum(column) for column in zip(*bases(qualities, target), strict=True))
        found.append(share("hit share", hits, asked, variant=f"random choice, {target:+.1f} eV", **common))
    for (target, budget, searcher), (hits, asked, _) in grouped(results).items():
        who = f"{searcher} with {budget:,} evaluations" if budget else WHOLE
        found.append(share("hit share", hits, asked, variant=f"{who}, {target:+.1f} eV", **common))
    for key in grouped(results):
        target, budget, searcher = key
        chosen = [r for c, r in results.items() if (c.target, c.budget, c.searcher) == key]
        who = f"{searcher} with {budget:,} evaluations" if budget else WHOLE
        error = float(np.mean([result.error for result in chosen]))
        found.append(
            Metric("error on designs (MAE)", error, "eV", variant=f"{who}, {target:+.1f} eV", **common)
        )
    return found


def bases(qualities: Mapping[int, Quality], target: float) -> list[tuple[int, int]]:
    """Hits and members of the space of each seed."""
    return [(quality.base(target), quality.space) for quality in qualities.values()]


def draw(results: Mapping[Cell, Result], qualities: Mapping[int, Quality], path: Path) -> None:
    """Shares of hits with Wilson intervals by target, beside random choice and the whole space screened."""
    groups = grouped(results)
    targets = list(dict.fromkeys(cell.target for cell in results))
    budgets = sorted({cell.budget for cell in results if cell.budget})
    searchers = [name for name in COLOURS if any(cell.searcher == name for cell in results)]
    figure = new_figure(3.6 * len(targets) + 1, 3.6)
    panels = figure.subplots(1, len(targets), sharey=True, squeeze=False)[0]
    for axes, target in zip(panels, targets, strict=True):
        for number, searcher in enumerate(searchers):
            for place, budget in enumerate(budgets):
                if (target, budget, searcher) not in groups:
                    continue
                hits, asked, _ = groups[target, budget, searcher]
                low, high = wilson_interval(hits, asked)
                x = place + 0.14 * (number - (len(searchers) - 1) / 2)
                axes.plot([x, x], [100 * low, 100 * high], color=COLOURS[searcher], lw=1.6)
                label = searcher if not place else None
                axes.plot(x, 100 * hits / asked, "o", ms=5, color=COLOURS[searcher], label=label)
        hits, asked = (sum(column) for column in zip(*bases(qualities, target), strict=True))
        axes.axhline(100 * hits / asked, color=INK, lw=0.9, ls="--", label="random choice")
        if (target, 0, "brute force") in groups:
            hits, asked, _ = groups[target, 0, "brute force"]
            axes.axhline(100 * hits / asked, color=INK, lw=0.9, ls=":", label="whole space screened")
        axes.set(xticks=range(len(budgets)), xticklabels=[f"{b:,}" for b in budgets], ylim=(0, 100))
        axes.set(xlim=(-0.5, len(budgets) - 0.5), xlabel="predictor evaluations")
        tidy(axes, f"{target:+.1f} eV wanted".replace("-", "−"))
    panels[0].set_ylabel(f"designs within {TOLERANCE} eV (%)")
    figure.legend(
        *panels[0].get_legend_handles_labels(), loc="outside right center", frameon=False, fontsize=9
    )
    save(figure, path)


def write_designs(results: Mapping[Cell, Result], path: Path) -> None:
    """Every submission with what was predicted and what the table says."""
    with atomic_write(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(
            (
                "target_eV",
                "budget",
                "searcher",
                "seed",
                "rank",
                "surface",
                "predicted_eV",
                "std_eV",
                "table_eV",
            )
        )
        for cell, result in results.items():
            for rank, (name, mean, std, truth) in enumerate(result.designs, 1):
                row = (cell.target, cell.budget or "all", cell.searcher, cell.seed, rank, name)
                writer.writerow((*row, f"{mean:.3f}", f"{std:.3f}", f"{truth:.3f}"))
