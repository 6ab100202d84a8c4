"""Slabs: layers, adsorbates, free atoms and bulk against ASE's builders; neighbours against ASE; errors."""

import ase.build
import numpy as np
import pytest
from ase.constraints import FixAtoms, FixScaled
from ase.neighborlist import neighbor_list

from mlmat.data.alloy_slabs import alloy_slab
from mlmat.elements import property_by_number
from mlmat.errors import InputError, UnknownElementError
from mlmat.graphs.slab import adsorbate, bulk_of, free, heights, layers
from mlmat.graphs.slab_graph import SlabGraphEncoder

ENCODER = SlabGraphEncoder(("H", "N", "O", "Ni", "Cu", "Pt"))


def nitrogen_on(slab, tags=True):
    ase.build.add_adsorbate(slab, "N", 1.2, "fcc")
    if not tags:
        slab.set_tags(0)
    return slab


def copper(size=(2, 2, 4), tags=True):
    return nitrogen_on(ase.build.fcc111("Cu", size, vacuum=8.0), tags)


@pytest.mark.parametrize("tags", [True, False])
@pytest.mark.parametrize(
    "build",
    [ase.build.fcc111, ase.build.fcc100, ase.build.hcp0001, ase.build.bcc110],
    ids=lambda f: f.__name__,
)
def test_layers_and_adsorbates_of_ase(build, tags):
    symbol = {"fcc111": "Cu", "fcc100": "Pt", "hcp0001": "Ru", "bcc110": "Fe"}[build.__name__]
    slab = build(symbol, (2, 2, 4), vacuum=8.0)
    np.testing.assert_array_equal(layers(heights(slab)), 4 - slab.get_tags())
    ase.build.add_adsorbate(slab, ase.build.molecule("NH3"), 2.0, "ontop")
    want = slab.get_tags() == 0
    if not tags:
        slab.set_tags(0)
    np.testing.assert_array_equal(adsorbate(slab), want)
    assert free(slab).sum() == 4 + 8


def test_tags_of_the_open_catalyst_sets():
    slab = copper()
    slab.set_tags([0] * 8 + [1] * 8 + [2])
    np.testing.assert_array_equal(adsorbate(slab), np.arange(17) == 16)


def test_oxygen_inside_a_slab_is_not_adsorbed():
    # A face of the primitive cell: layers of oxygen and of magnesium in turn, magnesium on top.
    oxide = ase.build.surface(ase.build.bulk("MgO", "rocksalt", a=4.21), (1, 0, 0), 3, vacuum=8.0)
    oxide.append(ase.Atom("N", (0, 0, oxide.positions[:, 2].max() + 1.5)))
    np.testing.assert_array_equal(adsorbate(oxide), np.arange(7) == 6)


def test_constraints_say_what_is_free():
    slab = copper()
    slab.set_constraint(FixAtoms(range(12)))
    assert np.flatnonzero(free(slab)).tolist() == [12, 13, 14, 15, 16]
    slab.set_constraint([FixScaled(range(4), mask=(True, True, True)), FixScaled([5], mask=(0, 0, 1))])
    assert np.flatnonzero(~free(slab)).tolist() == [0, 1, 2, 3]
    slab.set_constraint(FixAtoms(range(17)))
    with pytest.raises(InputError, match="every atom of the slab is fixed"):
        free(slab)


def test_a_slab_cut_by_the_edge_of_the_cell_is_put_together():
    slab = copper()
    slab.pbc = True
    before = heights(slab)
    slab.positions[:, 2] += 0.5 * slab.cell[2, 2] - 1.0
    slab.wrap()
    np.testing.assert_allclose(heights(slab), before, atol=1e-9)


@pytest.mark.parametrize("count", [3, 4])
def test_the_bulk_below_a_slab_of_copper_is_copper(count):
    bulk = bulk_of(copper((2, 2, count), tags=False))
    i, d = neighbor_list("id", bulk, 3.0)
    assert (np.bincount(i) == 12).all()
    np.testing.assert_allclose(d, 3.61 / 2**0.5, atol=1e-6)


def test_the_bulk_found_below_an_ordered_alloy_is_its_crystal():
    slab = alloy_slab("Ni", "Pt", "L1_2")
    want = slab.info.pop("bulk").repeat(2)
    slab.set_constraint(FixAtoms(range(8)))
    found = bulk_of(slab)
    for atoms in (want, found):
        i, j = neighbor_list("ij", atoms, 3.0)
        of_platinum = j[atoms.symbols[i] == "Pt"]
        assert set(atoms.symbols[of_platinum]) == {"Ni"}
    assert len(found) == 8
    np.testing.assert_allclose(found.cell.volume / 8, want.cell.volume / 32)


def test_a_single_layer_has_no_bulk():
    sheet = ase.build.fcc111("Cu", (2, 2, 1), vacuum=8.0)
    with pytest.raises(InputError, match="no bulk below it"):
        bulk_of(sheet)
    sheet.info["bulk"] = ase.build.bulk("Cu")
    assert bulk_of(sheet) is sheet.info["bulk"]


def test_molecules_are_no_slabs():
    with pytest.raises(InputError, match="repeats in two directions"):
        ENCODER(ase.build.molecule("NH3"))


def edges(graph, branch):
    chosen = graph.nodes["branch"][graph.receivers] == branch
    positions = graph.nodes["positions"].astype(float)
    ends = positions[graph.senders] + graph.edges["shift"] - positions[graph.receivers]
    kinds = graph.nodes["species"]
    rows = zip(
        kinds[graph.receivers][chosen],
        kinds[graph.senders][chosen],
        np.linalg.norm(ends, axis=1)[chosen].round(3),
        strict=True,
    )
    return sorted(rows)


def reference(atoms):
    """Neighbours as ASE finds them, by the rule of the paper."""
    i, j, d = neighbor_list("ijd", atoms, 6.0)
    radii = property_by_number("covalent_radius")[atoms.numbers]
    near = d < radii[i] + radii[j] + 1.5
    kinds = np.array([ENCODER.elements.index(s) for s in atoms.symbols])
    return sorted(zip(kinds[i[near]], kinds[j[near]], d[near].round(3), strict=True))


def test_neighbours_of_both_branches_are_those_of_ase():
    slab = alloy_slab("Ni", "Pt", "L1_2", "hollow|A_A_B|HCP", "NH")
    slab.positions += np.random.default_rng(0).normal(scale=0.05, size=slab.positions.shape)
    graph = ENCODER(slab)
    assert graph.nodes["branch"].tolist() == [0] * 10 + [1] * 4
    surface = slab[4:]
    surface.set_constraint()
    assert np.allclose(np.array(edges(graph, 0)), np.array(reference(surface)), atol=2e-3)
    assert np.allclose(np.array(edges(graph, 1)), np.array(reference(slab.info["bulk"])), atol=2e-3)
    assert (np.diff(graph.receivers) >= 0).all()
    branch = graph.nodes["branch"]
    assert (branch[graph.receivers] == branch[graph.senders]).all()


def test_unknown_elements_and_bad_sizes():
    with pytest.raises(UnknownElementError):
        ENCODER(nitrogen_on(ase.build.fcc111("Ag", (2, 2, 3), vacuum=8.0)))
    with pytest.raises(InputError, match="top_layers"):
        SlabGraphEncoder(("N", "Cu"), top_layers=0)
