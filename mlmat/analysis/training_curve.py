"""Error against training size, beside published models: what more data would bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mlmat.analysis.figure import HIT, INK, NEUTRAL, new_figure, plain_ticks, save, tidy, with_unit
from mlmat.errors import InputError


def draw_training_curve(
    n_train: Sequence[int],
    errors: Sequence[float] | np.ndarray,
    path: str | Path,
    reference_points: Mapping[str, Sequence[tuple[float, float]]] | None = None,
    *,
    error: str = "test MAE",
    unit: str = "",
) -> float | None:
    """Error against training size on logarithmic axes, with the fitted power law.

    Args:
        n_train: sizes ``[k]``.
        errors: ``[k]``, or ``[seeds, k]``: then means, with the range over seeds.
        path: PNG file.
        reference_points: name of a published model → (size, error) points.
        error: what is measured.
        unit: its unit.

    Returns:
        The exponent b of error ∝ n^b, or None with fewer than two sizes.

    Raises:
        InputError: lengths differ, or a value is not positive.
        OutputError: the file cannot be written.
    """
    sizes, errors = np.asarray(n_train, float), np.atleast_2d(np.asarray(errors, float))
    if errors.shape[1] != len(sizes) or not (sizes > 0).all() or not (errors > 0).all():
        raise InputError("a training curve needs one positive error per positive training size")
    figure = new_figure(5.6, 4.4)
    axes = figure.subplots()
    mean = errors.mean(axis=0)
    shapes = "s^Dv"
    for k, (label, points) in enumerate((reference_points or {}).items()):
        n, value = np.array(sorted(points), float).T
        axes.plot(n, value, color=NEUTRAL, lw=1.0, marker=shapes[k % 4], ms=5.5, mfc="white", label=label)
    slope = None
    if len(set(sizes.tolist())) > 1:
        slope, offset = np.polyfit(np.log(sizes), np.log(mean), 1)
        line = np.array([sizes.min() / 1.15, sizes.max() * 1.15])
        axes.plot(line, np.exp(offset) * line**slope, color=HIT, lw=1.2, ls="--", alpha=0.7,
                  label=f"error ∝ n$^{{{slope:.2f}}}$".replace("-", "−"))  # fmt: skip
    spread = np.abs(np.stack([errors.min(axis=0), errors.max(axis=0)]) - mean)
    label = "this model" + (f" ({len(errors)} seeds)" if len(errors) > 1 else "")
    bars = spread if len(errors) > 1 else None
    axes.errorbar(sizes, mean, yerr=bars, fmt="o", color=HIT, ms=7, mec="white", mew=1, elinewidth=1.2,
                  label=label, zorder=5)  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="training items", ylabel=with_unit(error, unit))
    for axis in (axes.xaxis, axes.yaxis):
        plain_ticks(axis)
    axes.grid(True, which="major", color="#e6e9ed", lw=0.8)
    axes.set_axisbelow(True)
    tidy(axes)
    axes.legend(fontsize=9, frameon=False, labelcolor=INK)
    save(figure, path)
    return None if slope is None else float(slope)
