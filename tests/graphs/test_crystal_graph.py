"""Nearest neighbours of crystals against ASE, ties, small cells, lonely atoms, bad input."""

import ase.build
import numpy as np
import pytest
from ase.neighborlist import neighbor_list

from mlmat.errors import InputError, UnknownElementError
from mlmat.graphs.crystal_graph import CrystalGraphEncoder

ENCODER = CrystalGraphEncoder(("O", "Mg", "Si", "Ti", "Cu", "Ba"))


def rough(seed=0):
    atoms = ase.build.bulk("MgO", "rocksalt", a=4.21, cubic=True)
    atoms.set_cell(atoms.cell.array + np.random.default_rng(seed).normal(scale=0.2, size=(3, 3)), True)
    atoms.rattle(0.15, seed=seed)
    return atoms


def lengths(graph, atoms, width=12):
    ends = atoms.positions[graph.senders] + graph.edges["shift"] - atoms.positions[graph.receivers]
    return np.linalg.norm(ends, axis=1).reshape(-1, width)


@pytest.mark.parametrize("seed", range(4))
def test_the_nearest_of_all_within_the_radius(seed):
    atoms = rough(seed)
    i, d = neighbor_list("id", atoms, 8.0)
    want = np.stack([np.sort(d[i == k])[:12] for k in range(len(atoms))])
    np.testing.assert_allclose(lengths(ENCODER(atoms), atoms), want, atol=2e-3)


def test_a_cell_smaller_than_the_radius_has_all_its_images():
    atoms = ase.build.bulk("Cu")
    np.testing.assert_allclose(lengths(ENCODER(atoms), atoms), 3.61 / 2**0.5, rtol=1e-5)


def test_noise_does_not_choose_among_equal_neighbours():
    # Barium in perovskite: 12 O, then 8 Ti; with ten neighbours, O is chosen among equals.
    places = [(0, 0, 0), (0.5, 0.5, 0.5), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)]
    atoms = ase.Atoms("BaTiO3", scaled_positions=places, cell=[4.0] * 3, pbc=True)
    encoder = CrystalGraphEncoder(ENCODER.elements, neighbours=10)
    first = encoder(atoms)
    for seed in range(3):
        shaken = atoms.copy()
        shaken.rattle(1e-7, seed=seed)
        again = encoder(shaken)
        np.testing.assert_array_equal(first.senders, again.senders)
        np.testing.assert_allclose(first.edges["shift"], again.edges["shift"], atol=1e-5)


def test_missing_neighbours_are_edges_of_no_length():
    pair = ase.Atoms("Cu2", [(0, 0, 0), (0, 0, 2.2)], cell=[30] * 3, pbc=True)
    graph = ENCODER(pair)
    assert graph.n_edge[0] == 24
    found = lengths(graph, pair)
    np.testing.assert_allclose(found[:, 0], 2.2)
    assert (found[:, 1:] == 0).all()


def test_slabs_and_molecules():
    slab = ase.build.fcc111("Cu", (1, 1, 3), vacuum=8.0)
    i, d = neighbor_list("id", slab, 8.0)
    want = np.stack([np.sort(d[i == k])[:12] for k in range(3)])
    np.testing.assert_allclose(lengths(ENCODER(slab), slab), want, atol=2e-3)
    assert ENCODER(ase.Atoms("O2", [(0, 0, 0), (0, 0, 1.2)])).n_edge[0] == 24


def test_bad_structures_and_settings():
    with pytest.raises(UnknownElementError):
        ENCODER(ase.build.bulk("Au"))
    with pytest.raises(InputError, match="overlap"):
        ENCODER(ase.Atoms("Cu2", [(0, 0, 0), (0, 0, 0.1)], cell=[9] * 3, pbc=True))
    with pytest.raises(InputError, match="neighbour"):
        CrystalGraphEncoder(("O",), neighbours=0)
