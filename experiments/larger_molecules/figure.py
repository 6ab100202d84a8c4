"""Validity, time, memory, errors and hits against the number of heavy atoms."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlmat.analysis.figure import HIT, INK, MISS, NEUTRAL, WANTED, new_figure, save, tidy
from mlmat.metrics import wilson_interval


def draw_sizes(results: Sequence[dict[str, Any]], designs: int, path: Path) -> None:
    """Six panels against the capacity.

    Args:
        results: of `experiments.larger_molecules.sizes.measure`, in the order of capacity.
        designs: submitted for each target.
        path: PNG file.
    """
    figure = new_figure(10.5, 6.2)
    panels = figure.subplots(2, 3).ravel()
    sizes = [result["capacity"] for result in results]

    def line(axes: Any, values: Sequence[float], label: str | None, color: str, style: str = "o-") -> None:
        axes.plot(sizes, values, style, ms=5, lw=1.6, color=color, label=label)

    def mean(name: str) -> np.ndarray:
        return np.array([np.mean([run[name] for run in result["runs"]]) for result in results])

    starts = results[0]["runs"][0]["starts"]
    line(panels[0], 100 * mean("valid") / starts, "valid", HIT)
    line(panels[0], 100 * mean("distinct") / starts, "different", WANTED, "s--")
    panels[0].set(ylim=(0, 105), ylabel="starts (%)")
    line(panels[1], 1e3 * mean("step_seconds"), None, HIT)
    panels[1].set(ylabel="processor time (ms)")
    line(panels[2], mean("bytes") / starts / 1024, None, HIT)
    panels[2].set(ylabel="KiB")
    for place, color in ((0, MISS), (1, HIT)):
        runs = [result["runs"][place] for result in results]
        label = f"{runs[0]['percentile']}th percentile"
        low, high = np.transpose([wilson_interval(run["hits"], designs) for run in runs])
        share = np.array([run["hits"] / designs for run in runs])
        panels[3].errorbar(
            sizes, 100 * share, yerr=100 * np.array([share - low, high - share]), fmt="o-", ms=5, lw=1.6,
            elinewidth=1, capsize=2, color=color, label=label,
        )  # fmt: skip
        if results[0]["members"]:
            base = [100 * run["base_hits"] / r["members"] for run, r in zip(runs, results, strict=True)]
            line(panels[3], base, f"{label}, random", color, "x:")
        line(panels[4], [run["error"] or np.nan for run in runs], f"designs, {label}", color)
        line(panels[5], [run["sa_score"] or np.nan for run in runs], f"designs, {label}", color)
    panels[3].set(ylim=(0, 105), ylabel="submissions (%)")
    line(panels[4], [result["test_error"] for result in results], "test set", NEUTRAL)
    panels[4].set(ylim=(0, None), ylabel="logP")
    line(panels[5], [result["training_sa_score"] for result in results], "training set", NEUTRAL)
    panels[5].set(ylim=(1, 10), ylabel="SA score")
    titles = (
        "validity",
        "one gradient step of one start",
        "memory of one start",
        "hits (logP within 0.3)",
        "error",
        "SA score (1 easy to make, 10 hard)",
    )
    for axes, title in zip(panels, titles, strict=True):
        axes.set(xlabel="largest number of heavy atoms", xticks=sizes)
        tidy(axes, title)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8, frameon=False, labelcolor=INK)
    for axes in panels[1:3]:
        axes.set_ylim(0, None)
    save(figure, path)
