"""One metric of a record as a picture: what was measured, beside what was published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlmat.analysis.figure import HIT, INK, MISS, NEUTRAL, new_figure, save, tidy
from mlmat.analysis.record import Metric
from mlmat.errors import InputError

FAR = 4.0
"""See `draw_dots`."""


def without_shared_parts(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names without the parts between commas that all of them have, and these parts.

    Args:
        names: such as "CGCNN, random split"; one alone keeps all its parts.
    """
    parts = [name.split(", ") for name in names]
    shared = [part for part in parts[0] if len(parts) > 1 and all(part in other for other in parts)]
    return [
        ", ".join(p for p in own if p not in shared) or name for own, name in zip(parts, names, strict=True)
    ], shared


def draw_dots(metrics: Sequence[Metric], path: str | Path) -> None:
    """One row for each variant: a dot with its 95 % interval, and the published value where there is one.

    What the names of all variants say goes below, once. A value that is more than `FAR` times the next
    largest (a training mean beside trained networks) would hide all others: it stands below in words.

    Args:
        metrics: of one name and unit.
        path: PNG file.

    Raises:
        InputError: no metrics, or different ones.
    """
    if len({(metric.name, metric.unit) for metric in metrics}) != 1:
        raise InputError("a picture shows one metric, and at least one value of it")
    metrics = [metric for metric in metrics if ";" not in (metric.variant or "")] or list(metrics)
    names = [metric.variant or metric.split or "" for metric in metrics]
    names, shared = without_shared_parts(names)
    below = ", ".join(shared)
    *rest, largest = sorted(range(len(metrics)), key=lambda row: metrics[row].value)
    if rest and metrics[largest].value > FAR * metrics[rest[-1]].value > 0:
        out = metrics.pop(largest)
        below = f"{below + '; ' if below else ''}{names.pop(largest)}: {out.value:.3g}"
    factor, unit = (1.0, metrics[0].unit) if metrics[0].unit else (100.0, "%")
    values = factor * np.array([metric.value for metric in metrics])
    halves = factor * 1.96 * np.array([metric.std or 0.0 for metric in metrics])
    papers = factor * np.array([np.nan if metric.paper is None else metric.paper for metric in metrics])
    places = np.arange(len(metrics))[::-1]
    figure = new_figure(6.8, 1.1 + 0.36 * len(metrics))
    axes = figure.subplots()
    axes.hlines(places, 0, values, color=NEUTRAL, lw=0.8, alpha=0.6)
    axes.errorbar(
        values, places, xerr=halves, fmt="o", color=HIT, ms=7, lw=1.4, label="measured, 95 % interval"
    )
    if np.isfinite(papers).any():
        axes.plot(papers, places, "D", mfc="none", mec=MISS, ms=7, mew=1.5, label="published")
        axes.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    axes.set(
        yticks=places,
        yticklabels=names,
        ylim=(-0.6, len(metrics) - 0.4),
        xlabel=(f"{metrics[0].name} ({unit})" if unit != "1" else metrics[0].name) + f"\n{below}".rstrip(),
    )
    axes.set_xlim(left=0)
    axes.tick_params(axis="y", length=0, labelcolor=INK)
    tidy(axes)
    save(figure, path)
