"""The neighbour list inside jit against ASE's, on cells of every kind."""

import ase
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase.build import bulk, fcc111, molecule
from ase.neighborlist import neighbor_list

from mlmat.errors import InputError
from mlmat.simulate.grid import allocate, grown
from mlmat.simulate.neighbours import overflows, rebuild, to_graph, update

fresh = jax.jit(rebuild, static_argnums=0)


def rattled(atoms, stdev=0.1):
    atoms = atoms.copy()
    atoms.rattle(stdev, seed=3)
    return atoms


def outside(atoms):
    atoms = rattled(atoms)
    atoms.positions += np.random.default_rng(0).integers(-3, 4, (len(atoms), 3)) @ atoms.cell.array
    return atoms


STRUCTURES = {
    "one atom, cell far below the cutoff": (bulk("Cu"), 6.0),
    "two atoms in a small triclinic cell": (rattled(bulk("Si")), 6.0),
    "cell a little larger than the cutoff": (rattled(bulk("Cu", cubic=True) * (2, 1, 1)), 3.4),
    "many bins, atoms outside of the cell": (outside(bulk("Cu", cubic=True) * 4), 3.0),
    "long triclinic cell": (outside(bulk("Cu") * (2, 3, 8)), 4.0),
    "slab": (rattled(fcc111("Pt", (3, 3, 3), vacuum=7.0)), 4.5),
    "molecule": (molecule("C6H6"), 2.5),
    "large cluster": (ase.Atoms("Ar300", 30 * np.random.default_rng(1).random((300, 3))), 5.0),
    "wire": (ase.Atoms("CO", [[0, 0, 0], [0.1, 0.2, 1.1]], cell=[[2, 0.3, 0], [0] * 3, [0] * 3],
                       pbc=[1, 0, 0]), 5.0),
}  # fmt: skip


def edges_of(neighbours, positions, cell):
    graph = jax.device_get(to_graph(neighbours, jnp.zeros(len(positions), int), positions, cell))
    real = graph.receivers < len(positions)
    points = graph.nodes["positions"]
    vectors = points[graph.senders] + graph.edges["shift"] - points[graph.receivers]
    assert not vectors[~real].any()
    assert (np.diff(graph.receivers) >= 0).all()
    assert graph.n_edge[0] == real.sum()
    return graph.receivers[real], graph.senders[real], vectors[real]


def assert_same(ours, theirs):
    ours, theirs = (np.column_stack(edges) for edges in (ours, theirs))
    assert ours.shape == theirs.shape
    ours, theirs = (a[np.lexsort(np.round(a, 4).T[::-1])] for a in (ours, theirs))
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


@pytest.mark.parametrize("name", STRUCTURES)
def test_neighbours_are_those_of_ase(name):
    atoms, cutoff = STRUCTURES[name]
    cell = atoms.cell.complete().array
    with jax.enable_x64(True):
        grid = allocate(atoms.positions, cell, atoms.pbc, cutoff - 0.3, 0.3)
        found = fresh(grid, atoms.positions, cell)
        assert not overflows(grid, found)
        assert_same(edges_of(found, atoms.positions, cell), neighbor_list("ijD", atoms, cutoff))
        distances = neighbor_list("d", atoms, cutoff)
        assert float(found.closest) == pytest.approx(distances.min() if len(distances) else np.inf)


def test_a_list_that_is_too_small_says_what_it_needs():
    atoms = rattled(bulk("Cu", cubic=True) * 3)
    grid = allocate(atoms.positions, atoms.cell.array, atoms.pbc, 3.0, 0.5)
    with jax.enable_x64(True):
        dense = atoms.positions * 0.8
        cell = atoms.cell.array * 0.8
        found = fresh(grid, dense, cell)
        assert overflows(grid, found)
        # Narrow bins need a new grid; the right one holds it.
        grid = allocate(dense, cell, atoms.pbc, 3.0, 0.5)
        assert not overflows(grid, fresh(grid, dense, cell))
    crowded = atoms.positions.copy()
    crowded[:40] = crowded[0] + 0.4 * np.random.default_rng(0).normal(size=(40, 3))
    found = fresh(grid, crowded, cell)
    assert overflows(grid, found)
    for _ in range(3):
        grid = grown(grid, np.asarray(found.needed))
        found = fresh(grid, crowded, cell)
    assert not overflows(grid, found)


def test_the_list_is_remade_when_an_atom_or_the_cell_has_moved():
    atoms = rattled(bulk("Cu", cubic=True) * 2)
    cell = jnp.asarray(atoms.cell.array)
    grid = allocate(atoms.positions, atoms.cell.array, atoms.pbc, 3.0, 0.6)
    step = jax.jit(update, static_argnums=0)
    start = fresh(grid, jnp.asarray(atoms.positions), cell)

    def remade(positions, cell):
        return not np.array_equal(step(grid, start, positions, cell).positions, start.positions)

    nudged = jnp.asarray(atoms.positions).at[3, 0].add(0.29)
    assert not remade(nudged, cell)
    assert remade(nudged.at[3, 0].add(0.03), cell)
    # With the cell, atoms move along; only the deformation counts.
    assert not remade(jnp.asarray(atoms.positions) * 1.01, cell * 1.01)
    assert remade(jnp.asarray(atoms.positions) * 0.8, cell * 0.8)


def test_a_flat_cell_is_refused():
    atoms = ase.Atoms("H", cell=[5, 5, 0.1], pbc=True)
    with pytest.raises(InputError, match="too small"):
        allocate(atoms.positions, atoms.cell.array, atoms.pbc, 3.0, 0.5)
