"""Relaxation of many structures at once: positions, and cells where wanted.

The variables of a structure are its positions x before deformation and a symmetric
deformation F = 1 + c/N (N atoms), so that atoms are at x F and the cell is cell₀ F. The loop
runs in jit on one packed batch with the neighbours up to cutoff + skin; when an atom has moved
too far for that list, the host makes a new one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import ase
import jax
import jax.numpy as jnp
import jraph
import numpy as np

from mlmat.errors import InputError
from mlmat.graphs.packing import Budget, pack
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.potentials.learned import fitting
from mlmat.potentials.potential import Potential
from mlmat.simulate.minimise import MINIMISERS, Point
from mlmat.simulate.relax_loop import SKIN, Progress, Task, begin, run
from mlmat.units import GPA


class Relaxed(NamedTuple):
    """A structure after relaxation.

    Attributes:
        atoms: with the last positions and cell.
        energy: eV; with pressure, the enthalpy.
        force: largest force on an atom, eV/Å.
        stress: largest deviation of a stress component from the wanted pressure, GPa; 0 for a
            fixed cell.
        steps: made for it.
        converged: whether force and stress are below what was asked.
    """

    atoms: ase.Atoms
    energy: float
    force: float
    stress: float
    steps: int
    converged: bool


def relax(
    potential: Potential,
    structures: Sequence[ase.Atoms],
    *,
    method: str = "lbfgs",
    cell: bool = False,
    force: float = 0.01,
    pressure: float = 0.0,
    stress: float = 0.05,
    steps: int = 1000,
    double: bool = True,
    report: Callable[[int, int], None] = lambda done, steps: None,
) -> list[Relaxed]:
    """Relax structures side by side.

    Args:
        potential: whose minima are looked for.
        structures: of any sizes.
        method: one of ``"fire"``, ``"lbfgs"``.
        cell: also relax the cells of structures that are periodic in all directions.
        force: converged when no atom feels more, eV/Å.
        pressure: GPa, outside of a cell that is relaxed.
        stress: converged when no component is further from the pressure, GPa.
        steps: at most, of each structure.
        double: compute in float64.
        report: called with the number of converged structures and of steps made.

    Returns:
        One result a structure, in their order; one that did not converge says so.

    Raises:
        UnknownElementError, InputError: a structure that cannot be relaxed, an unknown method.
    """
    if method not in MINIMISERS:
        raise InputError(f"unknown method {method!r}: take one of {', '.join(MINIMISERS)}")
    if not structures:
        return []
    dtype = np.float64 if double else np.float32
    atoms = [one.copy() for one in structures]
    boxes = [one.cell.complete().array if one.pbc.any() else np.eye(3) for one in atoms]
    free = [float(cell and one.pbc.all()) for one in atoms]
    count = len(atoms) + 1
    task = Task(
        np.asarray(pressure * GPA, dtype), np.asarray(force, dtype), np.asarray(stress * GPA, dtype),
        np.array([*free, 0.0], dtype), np.array([*boxes, np.eye(3)], dtype),
        np.array([*map(len, atoms), 1], dtype),
    )  # fmt: skip
    budget, progress, made = None, None, 0
    with jax.enable_x64(double):
        while True:
            batch, budget, potential = _packed(potential, atoms, boxes, budget, dtype)
            if progress is None:
                point = Point(jnp.asarray(batch.nodes["positions"]), jnp.zeros((count, 3, 3), dtype))
                progress = begin(method, batch, point)
            batch = batch._replace(nodes={**batch.nodes, "positions": np.asarray(progress.point.atoms)})
            progress = run(method, potential, batch, task, progress, steps - made)
            made = int(progress.steps.max())
            _write_back(atoms, boxes, progress)
            converged = np.asarray(progress.converged)[:-1]
            report(int(converged.sum()), made)
            if converged.all() or made >= steps or bool(progress.valid):
                break
    found = jax.device_get(progress)
    return [
        Relaxed(one, float(found.energy[k]), float(found.force[k]), float(found.stress[k] / GPA),
                int(found.steps[k]), bool(found.converged[k]))
        for k, one in enumerate(atoms)
    ]  # fmt: skip


def _packed(
    potential: Potential,
    atoms: Sequence[ase.Atoms],
    boxes: list[np.ndarray],
    budget: Budget | None,
    dtype: Any,
) -> tuple[jraph.GraphsTuple, Budget, Potential]:
    """One batch of all structures, shifts before deformation, and the potential with sizes for it."""
    encode = RadiusGraphEncoder(potential.elements, potential.cutoff + SKIN)
    graphs = []
    for one, box in zip(atoms, boxes, strict=True):
        graph = encode(one)
        now = one.cell.complete().array if one.pbc.any() else np.eye(3)
        cells = np.rint(graph.edges["shift"] @ np.linalg.inv(now))
        graphs.append(
            graph._replace(
                nodes={**graph.nodes, "positions": one.positions.astype(dtype)},
                edges={"shift": (cells @ box).astype(dtype)},
            )
        )
    nodes, edges = sum(map(len, atoms)) + 1, sum(int(graph.n_edge[0]) for graph in graphs)
    if budget is None or edges > budget.n_edge:
        budget = Budget(nodes, 64 * math.ceil(1.1 * edges / 64) + 64, len(atoms) + 1)
    (batch,) = pack(graphs, budget)
    return batch, budget, fitting(potential, graphs)


def _write_back(atoms: Sequence[ase.Atoms], boxes: list[np.ndarray], progress: Progress) -> None:
    point = jax.device_get(progress.point)
    start = 0
    for k, (one, box) in enumerate(zip(atoms, boxes, strict=True)):
        change = point.cells[k]
        deform = np.eye(3) + (change + change.T) / (2 * len(one))
        one.positions = np.asarray(point.atoms[start : start + len(one)], float) @ deform
        if one.pbc.all():
            one.set_cell(box @ deform)
        start += len(one)
