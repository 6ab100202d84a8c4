"""Figures of a molecular-dynamics run: energy and temperature over time, radial distribution."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlmat.analysis.figure import HIT, INK, MISS, NEUTRAL, new_figure, note, save, tidy

if TYPE_CHECKING:
    from mlmat.simulate.observables import RadialDistribution


def draw_log(log: dict[str, np.ndarray], atoms: int, wanted: float | None, path: str | Path) -> None:
    """Energies per atom and temperature against time.

    Args:
        log: columns of ``log.csv``.
        atoms: their number.
        wanted: temperature of the thermostat, K; None without one.
        path: PNG file.
    """
    figure = new_figure(7.0, 5.2)
    upper, lower = figure.subplots(2, 1, sharex=True)
    time = log["time_fs"] * 1e-3
    total = log["potential_eV"] + log["kinetic_eV"]
    for values, name, colour in (
        (log["potential_eV"], "potential", HIT),
        (total, "total", INK),
        (log["conserved_eV"], "conserved", MISS),
    ):
        # In the microcanonical ensemble the total energy is the conserved one.
        if np.isfinite(values[1:]).all() and not (name == "conserved" and np.allclose(values[1:], total[1:])):
            start = values[np.isfinite(values)][0]
            upper.plot(time, 1e3 * (values - start) / atoms, color=colour, lw=1.1, label=name)
    upper.set_ylabel("energy change (meV/atom)")
    upper.legend(frameon=False, fontsize=9)
    lower.plot(time, log["temperature_K"], color=HIT, lw=1.1)
    if wanted is not None:
        lower.axhline(wanted, color=NEUTRAL, lw=0.9, ls="--")
    later = log["temperature_K"][len(time) // 5 :]
    note(lower, f"mean of the last four fifths: {later.mean():.0f} K", (0.98, 0.06), "bottom", "right")
    lower.set(xlabel="time (ps)", ylabel="temperature (K)")
    tidy(upper)
    tidy(lower)
    save(figure, path)


def draw_distribution(found: RadialDistribution, path: str | Path) -> None:
    """Radial distribution function, with the mean number of neighbours at its first minimum."""
    figure = new_figure(6.0, 3.8)
    axes = figure.subplots()
    axes.axhline(1.0, color=NEUTRAL, lw=0.9, ls="--")
    axes.plot(found.distances, found.density, color=HIT, lw=1.3)
    axes.set(xlabel="distance (Å)", ylabel="g(r)", ylim=(0, None), xlim=(0, found.distances[-1]))
    peak = int(found.density.argmax())
    valley = peak + int(found.density[peak:].argmin())
    count, reach = found.neighbours[valley], found.distances[valley]
    text = f"first peak {found.distances[peak]:.2f} Å\n{count:.1f} neighbours up to {reach:.2f} Å"
    note(axes, text, (0.98, 0.96), "top", "right")
    tidy(axes)
    save(figure, path)
