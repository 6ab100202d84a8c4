"""Many steps in one compiled loop, with the neighbour list grown on the host when it overflows."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import jraph
import numpy as np

from mlmat.errors import MlmatError
from mlmat.potentials.learned import fitting
from mlmat.potentials.potential import Potential
from mlmat.simulate.grid import Grid, allocate, grown
from mlmat.simulate.neighbours import rebuild, to_graph
from mlmat.simulate.state import EXPLODED, FINE, OVERFLOW, OVERLAPPING, Info, State, System, with_virial

MOST_TRIES = 8
"""Times the list is grown for one chunk of steps."""


class SimulationError(MlmatError):
    """A trajectory that cannot go on; what was finished is kept."""


class Advanced(NamedTuple):
    """A state some steps later.

    Attributes:
        grid: of its neighbour list, larger if it had to be.
        potential: the one given, with larger static sizes if it had to be.
        state: after the steps.
        info: what the last step reports.
    """

    grid: Grid
    potential: Potential
    state: State
    info: Info


@partial(jax.jit, static_argnums=(0, 1))
def loop(
    ensemble: Any, grid: Grid, potential: Potential, system: System, state: State, steps: Any
) -> tuple[State, Info]:
    """`steps` steps, or fewer if the status is no longer `FINE`; one trace for any number of steps."""
    simulator = ensemble(potential, system, grid)
    blank = jax.tree.map(
        lambda leaf: jnp.full(leaf.shape, jnp.nan, leaf.dtype), jax.eval_shape(simulator.step, state)[1]
    )

    def go(carry: tuple[Any, State, Info]) -> Any:
        return (carry[0] < steps) & (carry[1].status == FINE)

    def one(carry: tuple[Any, State, Info]) -> Any:
        return carry[0] + 1, *simulator.step(carry[1])

    _, state, info = jax.lax.while_loop(go, one, (0, state, blank))
    return with_virial(potential, system, grid, state, info)


def advance(
    ensemble: Any, grid: Grid, potential: Potential, system: System, state: State, steps: int
) -> Advanced:
    """Make `steps` steps; host code.

    Args:
        ensemble: of `mlmat.simulate.ensembles`.
        grid: sizes of the neighbour list.
        potential: that moves the atoms.
        system: what does not change.
        state: from `mlmat.simulate.state.start` and the ensemble's ``init``.
        steps: at least one.

    Raises:
        SimulationError: a trajectory that explodes, atoms on top of each other, a list that
            cannot be grown. The state that was given is untouched.
    """
    for _ in range(MOST_TRIES):
        after, info = loop(ensemble, grid, potential, system, state, steps)
        status = int(after.status)
        if status == FINE:
            return Advanced(grid, potential, after, info)
        step = int(after.step)
        if status & EXPLODED:
            larger = fitting(potential, [host_graph(potential, system, after)])
            if larger.energy != potential.energy:  # the network ran out of room for triples
                potential = larger
                continue
            raise SimulationError(
                f"the trajectory exploded at step {step}: an atom moves more than 1 Å in a step, or "
                "energies are not finite. Take a shorter time step, relax the structure first, or use a "
                "potential that knows these structures"
            )
        if status & OVERLAPPING:
            raise SimulationError(
                f"two atoms are {float(after.neighbours.closest):.2f} Å apart at step {step}: the potential "
                "lets them fall into each other, which learned ones do far from their training data"
            )
        if status & OVERFLOW:
            grid, state = regrown(grid, state, after)
    raise SimulationError(f"the neighbour list kept growing at step {step}: the structure collapses")


def host_graph(potential: Potential, system: System, state: State) -> jraph.GraphsTuple:
    """The structure as the potential's encoder would make it, on the host."""
    graph = jax.device_get(to_graph(state.neighbours, system.species, state.positions, state.cell))
    n, positions = len(system.species), graph.nodes["positions"]
    vectors = positions[graph.senders] + graph.edges["shift"] - positions[graph.receivers]
    kept = (graph.receivers < n) & ((vectors**2).sum(axis=1) < potential.cutoff**2)
    return jraph.GraphsTuple(
        nodes={name: values[:n] for name, values in graph.nodes.items()},
        edges={"shift": graph.edges["shift"][kept]},
        receivers=graph.receivers[kept],
        senders=graph.senders[kept],
        globals=None,
        n_node=np.array([n], np.int32),
        n_edge=np.array([kept.sum()], np.int32),
    )


def regrown(grid: Grid, state: State, after: State) -> tuple[Grid, State]:
    """Larger sizes, and the state before with a list of those sizes."""
    needed = np.asarray(after.neighbours.needed)
    if needed[2]:
        cell = np.asarray(after.cell, float)
        fresh = allocate(np.asarray(after.positions, float), cell, grid.periodic, grid.cutoff, grid.skin)
        grid = replace(fresh, edges=max(grid.edges, fresh.edges))
    else:
        grid = grown(grid, needed)
    # The list of the state stays that of the same positions, so that its remaking falls on the same steps.
    old = state.neighbours
    found = jax.jit(rebuild, static_argnums=0)(grid, old.positions, old.cell)
    return grid, state._replace(neighbours=found, status=jnp.zeros_like(state.status))
