"""Hit shares, exact QED and the optimiser's curse against the budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from experiments.inverse_gap.summary import COLOURS
from experiments.inverse_logp_qed.cells import Cell, Result
from experiments.inverse_logp_qed.summary import (
    Truth,
    base_rate,
    errors,
    exact,
    grouped,
    hit_share,
    test_errors,
)
from experiments.inverse_logp_qed.tasks import Task
from mlmat.analysis.figure import INK, NEUTRAL, new_figure, save, tidy
from mlmat.analysis.seeds import mean_interval
from mlmat.metrics import wilson_interval
from mlmat.pretrained.make_rdkit import PROPERTIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLES = {
    "logp-1": "logP = −1 ± 0.1",
    "logp+1": "logP = 1 ± 0.1",
    "logp+3": "logP = 3 ± 0.1",
    "several": "logP = 1, QED and SA better\nthan the training median",
    "pyridine": "logP = 1 ± 0.1,\nkeeping a pyridine ring",
    "qed-max": "QED as high as possible",
}


def _against_budget(
    axes: Axes,
    results: Mapping[Cell, Result],
    task: str,
    measure: Callable[[Cell, Result], float],
    alone: Callable[[Cell, Result], tuple[float, float]] | None = None,
    **style: object,
) -> None:
    """One line per searcher, with 95 % intervals over seeds where there are several.

    `alone` gives the interval's two ends for a single seed; without it there is none.
    """
    groups = grouped(results)
    budgets = sorted({cell.budget for cell in results})
    searchers = list(dict.fromkeys(cell.searcher for cell in results if cell.task == task))
    for number, searcher in enumerate(searchers):
        there = [b for b in budgets if (task, b, searcher) in groups]
        values = [[measure(c, r) for c, r in groups[task, b, searcher]] for b in there]
        means, halves = np.array([mean_interval(part) for part in values]).T
        spans = np.array([np.where(np.isfinite(halves), halves, 0)] * 2)
        for place, budget in enumerate(there):
            group = groups[task, budget, searcher]
            if alone is not None and len(group) == 1:
                low, high = alone(*group[0])
                spans[:, place] = means[place] - low, high - means[place]
        places = [budgets.index(b) + 0.12 * (number - (len(searchers) - 1) / 2) for b in there]
        axes.errorbar(
            places, means, yerr=spans,
            **{"marker": "o", "ls": "-", "ms": 5, "lw": 1.4, "elinewidth": 1, "capsize": 2, "label": searcher,
               "color": COLOURS[searcher], **style},
        )  # fmt: skip
    axes.set_xticks(range(len(budgets)), [f"{b:,}" for b in budgets])
    axes.set(xlim=(-0.5, len(budgets) - 0.5), xlabel="predictor evaluations")


def _full_cells(results: Mapping[Cell, Result]) -> dict[Cell, Result]:
    """Cells with anything submitted, so that means exist."""
    return {cell: result for cell, result in results.items() if result.designs}


def draw_hits(results: Mapping[Cell, Result], tasks: Mapping[str, Task], truth: Truth, path: Path) -> None:
    """Hit share of every task that has hits; dashed: random members of the space that nobody chose."""
    shown = [tasks[name] for name in TITLES if tasks[name].countable and any(c.task == name for c in results)]
    if not shown:
        return
    figure = new_figure(2.9 * len(shown), 3.7)
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    for axes, task in zip(panels, shown, strict=True):
        _against_budget(axes, results, task.name, *_percent(task))
        hits, tried = base_rate(task, truth)
        axes.axhline(100 * hits / tried, color=INK, lw=0.9, ls="--", label="random, not chosen")
        axes.set(ylim=(0, 103))
        tidy(axes, TITLES[task.name])
    panels[0].set_ylabel("hits, of 128 submitted (%)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=5, fontsize=9, frameon=False, labelcolor=INK
    )
    save(figure, path)


def draw_qed(results: Mapping[Cell, Result], truth: Truth, path: Path) -> None:
    """Exact QED of the submissions, beside what the predictor promised and the training set holds."""
    results = {c: r for c, r in _full_cells(results).items() if c.task == "qed-max"}
    if not results:
        return
    column = PROPERTIES.index("qed")
    training = np.sort(truth.values[truth.train, column])[::-1]
    figure = new_figure(8.6, 3.9)
    panels = figure.subplots(1, 2, sharey=True)
    _against_budget(panels[0], results, "qed-max", lambda _, r: exact(r)["qed"].mean())
    promised = {"mfc": "white", "ls": ":", "label": None}
    _against_budget(
        panels[0], results, "qed-max", lambda _, r: np.mean([d.mean[column] for d in r.designs]), **promised
    )
    _against_budget(panels[1], results, "qed-max", lambda _, r: exact(r)["qed"].max())
    for axes, level, title, said in (
        (panels[0], training[:128].mean(), "Mean of 128 (hollow: predicted)", "best 128 of the training set"),
        (panels[1], training[0], "Best of 128", "best of the training set"),
    ):
        axes.axhline(level, color=INK, lw=0.9, ls="--")
        axes.annotate(said, (0.98, level), xycoords=("axes fraction", "data"), xytext=(0, -3),
                      textcoords="offset points", ha="right", va="top", fontsize=9, color=INK)  # fmt: skip
        tidy(axes, title)
    panels[0].set_ylabel("QED")
    panels[1].legend(fontsize=9, frameon=False, labelcolor=INK, loc="lower right")
    save(figure, path)


def draw_curse(results: Mapping[Cell, Result], tasks: Mapping[str, Task], truth: Truth, path: Path) -> None:
    """Error on designs in units of the test error, and of the ensemble's own doubt, for the first want."""
    results = _full_cells(results)
    shown = [tasks[name] for name in TITLES if any(cell.task == name for cell in results)]
    if not shown:
        return
    figure = new_figure(2.7 * len(shown), 6.2)
    panels = figure.subplots(2, len(shown), sharex=True, sharey="row", squeeze=False)
    for (above, below), task in zip(panels.T, shown, strict=True):
        name = task.parsed[0].name
        error, std = test_errors(truth, name)
        size, doubt = np.abs(error).mean(), np.median(np.abs(error / std))
        _against_budget(above, results, task.name, _ratio(name, size))
        _against_budget(below, results, task.name, _surprise(name))
        for axes, level in ((above, 1.0), (below, doubt)):
            axes.axhline(level, color=INK, lw=0.9, ls="--", label="test part")
        below.axhline(0.674, color=NEUTRAL, lw=0.9, ls=":", label="a calibrated Gaussian")
        above.set_xlabel("")
        tidy(above, TITLES[task.name])
        tidy(below)
    panels[0, 0].set(ylabel="error on designs / test error", ylim=(0, None))
    panels[1, 0].set(ylabel="median |error / std|", ylim=(0, None))
    handles, labels = panels[1, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=6, fontsize=9, frameon=False, labelcolor=INK
    )
    save(figure, path)


def _percent(task: Task) -> tuple[Callable, Callable]:
    """Hit share of a cell in percent, and the interval of its designs alone (Wilson)."""

    def interval(cell: Cell, result: Result) -> tuple[float, float]:
        hits = round(hit_share(cell, result, task) * cell.designs)
        low, high = wilson_interval(hits, cell.designs)
        return 100 * low, 100 * high

    return lambda cell, result: 100 * hit_share(cell, result, task), interval


def _ratio(name: str, size: float) -> Callable[[Cell, Result], float]:
    return lambda _, result: float(np.abs(errors([result], name)[0]).mean() / size)


def _surprise(name: str) -> Callable[[Cell, Result], float]:
    def measure(_: Cell, result: Result) -> float:
        error, std = errors([result], name)
        return float(np.median(np.abs(error / std)))

    return measure
