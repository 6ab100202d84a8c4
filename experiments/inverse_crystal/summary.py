"""From cells to shares with intervals, comparisons of searchers, and the figure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from experiments.inverse_crystal.cells import Cell, Result
from experiments.inverse_crystal.predictors import Errors
from mlmat.analysis.figure import HIT, INK, MISS, NEUTRAL, WANTED, new_figure, plain_ticks, save, tidy
from mlmat.analysis.record import Metric
from mlmat.analysis.seeds import difference_interval, mean_interval
from mlmat.metrics import wilson_interval

COLOURS = {"random": NEUTRAL, "substitution": INK, "genetic": MISS, "informed": WANTED, "gradient": HIT}


def trained_metrics(learnt: Mapping[tuple[str, str], Errors]) -> list[Metric]:
    """Errors of the predictors on the held-out half."""
    found = []
    for (system, split), trained in learnt.items():
        for name, error in trained.errors.items():
            unit = "Å" if name == "lattice constant" else "eV"
            where = {"dataset": system, "split": split}
            title = f"{name.replace('_', ' ')} (MAE)"
            found.append(Metric(title, error, unit, variant=f"predictor, {system}, {split}", **where))
            known = f"training mean, {system}, {split}"
            found.append(Metric(title, trained.spread[name], unit, variant=known, **where))
    return found


def grouped(results: Mapping[Cell, Result]) -> dict[tuple[str, str, int, str], list[tuple[Cell, Result]]]:
    """Cells of one arm, target, budget and searcher, over seeds."""
    groups: dict[tuple[str, str, int, str], list] = {}
    for cell, result in results.items():
        groups.setdefault((cell.arm, cell.target, cell.budget, cell.searcher), []).append((cell, result))
    return groups


def budget_name(budget: int) -> str:
    """``"200 evaluations"``, or all."""
    return f"{budget:,} evaluations" if budget else "all"


def cell_metrics(results: Mapping[Cell, Result]) -> list[Metric]:
    """Hit shares of every group, base rates, and what else the submissions are."""
    groups, found, based = grouped(results), [], set()
    for (arm, target, budget, searcher), pairs in groups.items():
        first = pairs[0][1]
        if (arm, target) not in based:
            based.add((arm, target))
            low, high = wilson_interval(first.possible, first.members)
            found.append(
                Metric(
                    f"hit share, {arm}",
                    first.possible / first.members,
                    std=(high - low) / (2 * 1.96),
                    variant=f"base rate, {target}",
                    n_test=first.members,
                )
            )
        shares = [r.hits / c.designs for c, r in pairs]
        hits, asked = sum(r.hits for _, r in pairs), sum(c.designs for c, _ in pairs)
        mean, half = mean_interval(shares)
        if searcher == "exhaustive":
            low, high = wilson_interval(hits, asked)
            half = (high - low) / 2
        found.append(
            Metric(
                f"hit share, {arm}",
                mean,
                std=half / 1.96 if np.isfinite(half) else None,
                variant=f"{searcher} with {budget_name(budget)}, {target}",
                n_test=asked,
                n_seeds=len(pairs),
            )
        )
    return found + comparisons(groups) + checks(results)


def comparisons(groups: Mapping[tuple[str, str, int, str], list]) -> list[Metric]:
    """The genetic algorithm against the searchers that use gradients, over all targets of an arm."""
    found = []
    for arm in dict.fromkeys(key[0] for key in groups):
        for budget in sorted({b for a, _, b, _ in groups if a == arm and b}):
            shares: dict[str, dict[int, list[float]]] = {}
            for (a, _, b, searcher), pairs in groups.items():
                if (a, b) == (arm, budget):
                    for cell, result in pairs:
                        share = result.hits / cell.designs
                        shares.setdefault(searcher, {}).setdefault(cell.seed, []).append(share)
            for one in ("informed", "gradient"):
                if one in shares and "genetic" in shares:
                    both = [[np.mean(v) for v in shares[s].values()] for s in (one, "genetic")]
                    mean, half = difference_interval(*both)
                    found.append(
                        Metric(
                            f"{one} less genetic, hit share",
                            mean,
                            std=half / 1.96 if np.isfinite(half) else None,
                            variant=f"all targets: {arm}, {budget:,} evaluations",
                            n_seeds=min(map(len, both)),
                        )
                    )
    return found


def checks(results: Mapping[Cell, Result]) -> list[Metric]:
    """Shares of submissions that are neutral and plausible, and errors on them, by arm."""
    found = []
    for arm in dict.fromkeys(cell.arm for cell in results):
        rows = [r for c, r in results.items() if c.arm == arm]
        count = sum(r.submitted for r in rows)
        for name, field in (("neutral submissions", "neutral"), ("plausible submissions", "plausible")):
            share = sum(getattr(r, field) for r in rows) / count
            found.append(Metric(name, share, variant=arm, n_test=count))
        error = sum(r.error * r.submitted for r in rows) / count
        found.append(Metric("error on submissions (MAE), first want", error, "eV", variant=arm, n_test=count))
    return found


def draw_budgets(results: Mapping[Cell, Result], path: Path) -> None:
    """Hit share against budget, a panel for each arm and target; the dashed line ranks all members."""
    groups = grouped(results)
    panels = list(dict.fromkeys((arm, target) for arm, target, _, _ in groups))
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(3.6 * columns, 2.8 * rows)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis, (arm, target) in zip(axes.flat, panels, strict=False):
        for searcher, colour in COLOURS.items():
            points = [
                (budget, *mean_interval([r.hits / c.designs for c, r in pairs]))
                for (a, t, budget, s), pairs in groups.items()
                if (a, t, s) == (arm, target, searcher)
            ]
            if points:
                budgets, means, halves = np.array(sorted(points)).T
                error = np.where(np.isfinite(halves), halves, 0)
                axis.errorbar(
                    budgets, means, error, color=colour, marker="o", ms=3, capsize=2, label=searcher
                )
        all_of = groups.get((arm, target, 0, "exhaustive"))
        some = next(pairs for (a, t, *_), pairs in groups.items() if (a, t) == (arm, target))[0][1]
        if all_of:
            axis.axhline(all_of[0][1].hits / all_of[0][0].designs, color=INK, ls="--", lw=0.8)
        axis.axhline(some.possible / some.members, color=NEUTRAL, ls=":", lw=0.8)
        axis.set(xscale="log", ylim=(0, 1))
        plain_ticks(axis.xaxis)
        tidy(axis, f"{target}\n{arm}")
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel("hit share of 32")
    for axis in axes[-1]:
        axis.set_xlabel("predictor evaluations")
    axes.flat[0].legend(fontsize=7, frameon=False)
    save(figure, path)
