"""From cells to shares with intervals, and to the comparison of searchers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.inverse_gap.cells import Cell, Result
from mlmat.analysis.figure import HIT, INK, MISS, NEUTRAL, WANTED, new_figure, save, tidy
from mlmat.analysis.record import Metric
from mlmat.analysis.seeds import difference_interval, mean_interval
from mlmat.metrics import wilson_interval

COLOURS = {"gradient": HIT, "genetic": MISS, "random": NEUTRAL, "informed": WANTED, "hybrid": INK}


def ordinal(number: int) -> str:
    """``"1st"``, ``"2nd"``, ``"95th"``."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"


def target_name(cell: Cell) -> str:
    """``"1st percentile (0.85 eV)"``."""
    return f"{ordinal(cell.percentile)} percentile ({cell.target:.2f} eV)"


def grouped(results: Mapping[Cell, Result]) -> dict[tuple[int, int, str], list[tuple[Cell, Result]]]:
    """Cells of one target, budget and searcher, over seeds."""
    groups: dict[tuple[int, int, str], list] = {}
    for cell, result in results.items():
        groups.setdefault((cell.percentile, cell.budget, cell.searcher), []).append((cell, result))
    return groups


def cell_metrics(results: Mapping[Cell, Result]) -> list[Metric]:
    """Metrics of every group, and of the differences between searchers."""
    groups, found = grouped(results), []
    for (_, budget, searcher), pairs in groups.items():
        variant = f"{searcher}, {target_name(pairs[0][0])}, {budget:,} evaluations"
        common = {"variant": variant, "n_seeds": len(pairs), "n_test": sum(cell.designs for cell, _ in pairs)}
        shares = [result.hits / cell.designs for cell, result in pairs]
        mean, half = mean_interval(shares)
        std = half / 1.96 if np.isfinite(half) else None
        found.append(Metric("hit share", mean, std=std, **common))
        seconds = sum(r.search_seconds + r.oracle_seconds for _, r in pairs)
        hits = sum(r.hits for _, r in pairs)
        found.append(Metric("verified hits per CPU-second", hits / seconds, "1/s", **common))
        rate = sum(r.found for _, r in pairs) / sum(r.search_seconds for _, r in pairs)
        found.append(Metric("molecules found per CPU-second", rate, "1/s", **common))
        for name, field, unit in (
            ("error on designs (MAE)", "error", "eV"),
            ("hits not in the training set", "new", ""),
            ("mean similarity of the hits", "similarity", ""),
            ("mean SA score of the hits", "sa_score", "1"),
        ):
            values = [getattr(r, field) for _, r in pairs if getattr(r, field) is not None]
            if values:
                found.append(Metric(name, float(np.mean(values)), unit, **common))
    return found + comparison_metrics(groups)


def comparison_metrics(groups: Mapping[tuple[int, int, str], Sequence[tuple[Cell, Result]]]) -> list[Metric]:
    """The genetic algorithm less each searcher that uses gradients: for each target, and for all together.

    For all together, the shares of a seed are first averaged over the targets.
    """
    percentiles = list(dict.fromkeys(p for p, _, _ in groups))
    found = []
    for budget, name in product(dict.fromkeys(b for _, b, _ in groups), ("gradient", "informed", "hybrid")):
        shares = {
            (p, searcher): {
                cell.seed: r.hits / cell.designs for cell, r in groups.get((p, budget, searcher), [])
            }
            for p, searcher in product(percentiles, ("genetic", name))
        }
        rows = [
            (
                f"{ordinal(p)} percentile",
                [list(shares[p, searcher].values()) for searcher in ("genetic", name)],
            )
            for p in percentiles
        ]
        if len(percentiles) > 1:
            together = []
            for searcher in ("genetic", name):
                seeds = set.intersection(*(set(shares[p, searcher]) for p in percentiles))
                together.append([np.mean([shares[p, searcher][seed] for p in percentiles]) for seed in seeds])
            rows.append(("all targets", together))
        for label, both in rows:
            if all(both):
                mean, half = difference_interval(*both)
                found.append(
                    Metric(
                        f"genetic less {name}, hit share",
                        mean,
                        std=half / 1.96 if np.isfinite(half) else None,
                        variant=f"{label}, {budget:,} evaluations",
                        n_seeds=min(map(len, both)),
                    )
                )
    return found


class Share(NamedTuple):
    """A share of hits as the record has it; ends of its interval beside it."""

    mean: float
    low: float
    high: float


def shares_of(metrics: Sequence[Metric]) -> dict[str, dict[tuple[str, int], Share]]:
    """Hit shares of a record: target → (searcher, budget) → share; base rates have budget 0."""
    found: dict[str, dict[tuple[str, int], Share]] = {}
    for metric in metrics:
        if metric.name != "hit share":
            continue
        searcher, target, *budget = metric.variant.split(", ")
        evaluations = int(budget[0].split()[0].replace(",", "")) if budget else 0
        if metric.std is None:  # few seeds: the interval is that of all designs
            hits = round(metric.value * metric.n_test)
            ends = wilson_interval(hits, metric.n_test)
        else:
            half = 1.96 * metric.std
            ends = max(0.0, metric.value - half), min(1.0, metric.value + half)
        found.setdefault(target, {})[searcher, evaluations] = Share(metric.value, *ends)
    return found


def draw_budgets(metrics: Sequence[Metric], path: Path) -> None:
    """Hit share against budget, one panel for each target, with 95 % intervals over seeds.

    Args:
        metrics: of a record, which may be a merged one.
        path: PNG file.
    """
    targets = shares_of(metrics)
    keys = {key for shares in targets.values() for key in shares if key[1]}
    searchers = [name for name in COLOURS if any(searcher == name for searcher, _ in keys)]
    budgets = sorted({budget for _, budget in keys})
    figure = new_figure(4.0 * len(targets), 3.9)
    panels = figure.subplots(1, len(targets), sharey=True, squeeze=False)[0]
    for axes, (target, shares) in zip(panels, targets.items(), strict=True):
        for number, searcher in enumerate(searchers):
            have = [budget for budget in budgets if (searcher, budget) in shares]
            if not have:
                continue
            means, lows, highs = np.array([shares[searcher, budget] for budget in have]).T
            # With a single budget the searchers stand side by side.
            places = [number] if len(budgets) == 1 else np.array(have) * 1.04 ** (number - len(searchers) / 2)
            axes.errorbar(
                places, 100 * means, yerr=100 * np.array([means - lows, highs - means]), fmt="o-", ms=5,
                lw=1.6, elinewidth=1, capsize=2, color=COLOURS[searcher], label=searcher,
            )  # fmt: skip
        base = shares["members nobody chose", 0].mean
        axes.axhline(100 * base, color=INK, lw=0.9, ls="--", label="members nobody chose")
        if len(budgets) == 1:
            axes.set_xticks(range(len(searchers)), searchers, rotation=20)
            axes.set(xlim=(-0.5, len(searchers) - 0.5), xlabel=f"after {budgets[0]:,} predictor evaluations")
        else:
            axes.set(xscale="log", xlabel="predictor evaluations")
            axes.set_xticks(budgets, [f"{b:,}" for b in budgets])
            axes.minorticks_off()
        axes.set_ylim(0, 100)
        tidy(axes, target)
    panels[0].set_ylabel("verified hits (%)")
    handles = dict(
        pair[::-1] for axes in panels for pair in zip(*axes.get_legend_handles_labels(), strict=True)
    )
    if len(budgets) > 1:
        names = {"fontsize": 9, "frameon": False, "labelcolor": INK, "ncols": len(handles)}
        figure.legend(handles.values(), handles, loc="outside lower center", **names)
    save(figure, path)
