"""Dynamics by an ensemble that stops where its members no longer agree: frames worth a label."""

from __future__ import annotations

from typing import Any, NamedTuple

import ase
import numpy as np

from mlmat.errors import InputError
from mlmat.potentials.committee import force_disagreement
from mlmat.potentials.learned import fitting
from mlmat.potentials.potential import Potential
from mlmat.simulate.advance import SimulationError, advance
from mlmat.simulate.run import frame
from mlmat.simulate.state import start


class Explored(NamedTuple):
    """Frames of an exploration.

    Attributes:
        frames: in the order of time.
        disagreement: ``[frames]`` eV/Å, see `force_disagreement`.
        ended: why it did not run to its end; empty if it did.
    """

    frames: list[ase.Atoms]
    disagreement: np.ndarray
    ended: str


def explore(
    potential: Potential,
    atoms: ase.Atoms,
    ensemble: Any,
    frames: int,
    interval: int,
    temperature: float,
    furthest: float,
    seed: int = 0,
) -> Explored:
    """Run dynamics and ask the members at each frame; end where they differ too much.

    Args:
        potential: of an ensemble.
        atoms: first structure.
        ensemble: of `mlmat.simulate.ensembles`.
        frames: at most.
        interval: steps from frame to frame.
        temperature: K, of the first velocities.
        furthest: eV/Å of disagreement beyond which the trajectory means nothing.
        seed: of velocities and thermostat.
    """
    potential = fitting(potential, [potential.encoder(atoms)])
    system, grid, state = start(potential, atoms, temperature, seed)
    state = ensemble(potential, system, grid).init(state)
    # Sizes that grow with the frames; those of the dynamics grow only when it needs them.
    members = potential
    found, spread = [], []
    for _ in range(frames):
        try:
            grid, potential, state, _ = advance(ensemble, grid, potential, system, state, interval)
        except SimulationError as error:
            return Explored(found, np.array(spread), str(error))
        one = frame(atoms, state)
        found.append(one)
        members = fitting(members, [members.encoder(one)])
        spread.append(float(force_disagreement(members, [one])[0]))
        if spread[-1] > furthest:
            return Explored(found, np.array(spread), f"the members differ by {spread[-1]:.2f} eV/Å")
    return Explored(found, np.array(spread), "")


def uncertain(disagreement: np.ndarray, count: int, least: float, apart: int = 3) -> list[int]:
    """The frames that the members differ most about, not too close in time.

    Args:
        disagreement: ``[frames]`` eV/Å, in the order of time.
        count: frames, at most.
        least: eV/Å of disagreement; frames below teach little.
        apart: frames between two that are taken, at least.

    Returns:
        Their indices, ascending.

    Raises:
        InputError: a count below 1.
    """
    if count < 1:
        raise InputError(f"at least one frame must be asked for, not {count}")
    taken: list[int] = []
    for index in np.argsort(disagreement)[::-1]:
        if disagreement[index] < least or len(taken) == count:
            break
        if all(abs(index - other) >= apart for other in taken):
            taken.append(int(index))
    return sorted(taken)
