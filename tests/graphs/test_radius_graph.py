import dataclasses
import json

import ase
import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.neighborlist import neighbor_list

from mlmat.errors import InputError, UnknownElementError
from mlmat.graphs.packing import budget_for, pack
from mlmat.graphs.radius_graph import RadiusGraphEncoder, looks_flat


def encoder_for(atoms, cutoff=5.0):
    return RadiusGraphEncoder(tuple(sorted(set(atoms.get_chemical_symbols()))), cutoff)


def far_from_its_cell():
    atoms = bulk("NaCl", "rocksalt", a=5.6)
    atoms.positions += [[31.0, -22.0, 7.0], [-55.0, 3.0, 90.0]]
    return atoms


CO = [[0, 0, 0], [0.1, 0.2, 1.1]]
STRUCTURES = {
    "molecule": (molecule("CH3CH2OH"), 5.0),
    "one atom": (ase.Atoms("H"), 5.0),
    "cell much smaller than the cutoff": (bulk("Cu"), 6.0),
    "two atoms in a small triclinic cell": (bulk("Si"), 6.0),
    "atoms outside of the cell": (far_from_its_cell(), 5.0),
    "wire": (
        ase.Atoms("CO", [[0, 0, 0], [0.1, 0.2, 1.1]], cell=[[2, 0.3, 0], [0] * 3, [0] * 3], pbc=[1, 0, 0]),
        5.0,
    ),
    "slab": (
        ase.Atoms(
            "CO", [[0, 0, 0], [0.1, 0.2, 1.1]], cell=[[2, 0.3, 0], [0.8, 3, 0], [0, 0, 9]], pbc=[1, 1, 0]
        ),
        5.0,
    ),
    "shell exactly at the cutoff": (ase.Atoms("Po", cell=[3.35] * 3, pbc=True), 3.35),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_neighbours_are_those_of_ase(name):
    atoms, cutoff = STRUCTURES[name]
    graph = encoder_for(atoms, cutoff)(atoms)
    vectors = (
        graph.nodes["positions"][graph.senders]
        + graph.edges["shift"]
        - graph.nodes["positions"][graph.receivers]
    )
    ours = np.column_stack([graph.receivers, graph.senders, vectors])
    # Above the cutoff by a hair: whether a distance equal to the cutoff counts is a matter of rounding.
    i, j, theirs = neighbor_list("ijD", atoms, cutoff * (1 + 1e-9))
    theirs = np.column_stack([i, j, theirs])
    if name == "shell exactly at the cutoff":
        assert len(ours) in (0, 6)
        return
    assert len(ours) == len(theirs) == graph.n_edge[0]

    def ordered(rows):
        return rows[np.lexsort(rows.round(3).T[::-1] + 0.0)]

    np.testing.assert_allclose(ordered(ours), ordered(theirs), atol=2e-5)


@pytest.mark.parametrize("name", STRUCTURES)
def test_edges_are_sorted_and_go_both_ways(name):
    atoms, cutoff = STRUCTURES[name]
    graph = encoder_for(atoms, cutoff)(atoms)
    order = np.lexsort((graph.senders, graph.receivers))
    np.testing.assert_array_equal(order, np.arange(len(order)))
    shift = graph.edges["shift"]
    there = {
        (i, j, *s) for i, j, s in zip(graph.receivers, graph.senders, (shift + 0.0).tolist(), strict=True)
    }
    back = {
        (j, i, *s) for i, j, s in zip(graph.receivers, graph.senders, (0.0 - shift).tolist(), strict=True)
    }
    assert there == back
    assert len(there) == len(shift)


def test_layout_and_packing():
    atoms = molecule("CH3CH2OH")
    graph = RadiusGraphEncoder(("O", "H", "C"))(atoms)
    assert [("O", "H", "C")[k] for k in graph.nodes["species"]] == atoms.get_chemical_symbols()
    assert graph.nodes["species"].dtype == graph.receivers.dtype == graph.senders.dtype == np.int32
    assert graph.nodes["positions"].dtype == graph.edges["shift"].dtype == np.float32
    assert graph.globals is None
    assert not graph.edges["shift"].any()
    (batch,) = pack([graph] * 3, budget_for([graph] * 3, 3))
    np.testing.assert_array_equal(batch.nodes["species"][9:18], graph.nodes["species"])


def test_fields_survive_json():
    encoder = RadiusGraphEncoder(("H", "C"), 4.5)
    assert RadiusGraphEncoder(**json.loads(json.dumps(dataclasses.asdict(encoder)))) == encoder
    assert encoder.kind == "structure"
    assert "kind" not in dataclasses.asdict(encoder)


H2 = [[0, 0, 0], [0, 0, 0.74]]
BAD = {
    "no atoms": (ase.Atoms(), "without atoms"),
    "zeros": (ase.Atoms("H3"), "all coordinates are zero"),
    "overlap": (
        ase.Atoms("HHC", [[0, 0, 3], [0, 0, 3.2], [0, 0, 0]]),
        r"0 \(H\) and 1 \(H\) overlap.* 0.20 Å",
    ),
    "same place": (ase.Atoms("H2", [[1, 0, 0], [1, 0, 0]]), "overlap.* 0.00 Å"),
    "overlap across the cell": (ase.Atoms("H", cell=[0.3, 9, 9], pbc=True), "overlap.* 0.30 Å"),
    "nan": (ase.Atoms("H2", [[0, 0, 0], [np.nan, 0, 1]]), r"atom 1 \(H\) is not finite"),
    "infinite": (ase.Atoms("H2", [[0, np.inf, 0], [0, 0, 1]]), r"atom 0 \(H\) is not finite"),
    "no cell": (ase.Atoms("H2", H2, pbc=True), "cell vector of its own"),
    "parallel cell": (ase.Atoms("H2", H2, cell=[[5, 0, 0], [10, 0, 0], [0, 0, 5]], pbc=True), "parallel"),
    "nan cell": (ase.Atoms("H2", H2, cell=[np.nan, 5, 5], pbc=True), "cell is not finite"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_structures_are_refused(name):
    atoms, message = BAD[name]
    with pytest.raises(InputError, match=message):
        RadiusGraphEncoder(("H", "C"))(atoms)


def test_unknown_element_is_named():
    with pytest.raises(UnknownElementError, match="'Cl': this method covers H, C"):
        RadiusGraphEncoder(("H", "C"))(molecule("CH3Cl"))


@pytest.mark.parametrize("elements", [(), ("H", "H"), ("Xx",), ("h",)])
def test_bad_elements_are_refused(elements):
    with pytest.raises(InputError, match="each once"):
        RadiusGraphEncoder(elements)


@pytest.mark.parametrize("cutoff", [0.0, -1.0, np.nan, np.inf])
def test_bad_cutoffs_are_refused(cutoff):
    with pytest.raises(InputError, match="cutoff"):
        RadiusGraphEncoder(("H",), cutoff)


def test_flat_structures_are_noticed():
    flat = molecule("CH3CH2OH")
    assert not looks_flat(flat)
    flat.positions[:, 2] = 1.5
    assert looks_flat(flat)
    assert not looks_flat(flat[:3])
    flat.set_cell([20, 20, 20])
    flat.pbc = True
    assert not looks_flat(flat)
