"""Ordered alloys and their sites: coordination numbers, what lies below a site, bond lengths, bad names."""

from collections import Counter

import numpy as np
import pytest
from ase.neighborlist import neighbor_list

from mlmat.data.alloy_slabs import (
    ADSORBATES,
    PROTOTYPES,
    alloy_bulk,
    alloy_slab,
    lattice_constant,
    sites,
    vegard,
)
from mlmat.elements import element
from mlmat.errors import InputError


def nearest(atoms):
    """Elements of the nearest neighbours of each atom."""
    i, j, d = neighbor_list("ijd", atoms, 4.0)
    shell = d < d.min() + 0.01
    return [Counter(atoms.symbols[j[shell & (i == k)]]) for k in range(len(atoms))]


def test_lattice_constants_are_those_of_fcc_metals():
    for symbol, measured in {"Cu": 3.615, "Al": 4.05, "Pt": 3.92, "Ni": 3.52, "Ag": 4.09}.items():
        assert lattice_constant(symbol) == pytest.approx(measured, abs=0.02)
    assert vegard("Ni", "Pt", "L1_2") == pytest.approx(
        0.75 * lattice_constant("Ni") + 0.25 * lattice_constant("Pt")
    )


def test_ordered_crystals_have_their_coordination():
    # L1₂: B has A only around it, A has four B; L1₀: four like and eight unlike.
    for atoms in (alloy_bulk("Ni", "Pt", "L1_2"), alloy_bulk("Ni", "Pt", "L1_2").repeat(2)):
        for symbol, found in zip(atoms.symbols, nearest(atoms), strict=True):
            assert found == ({"Ni": 12} if symbol == "Pt" else {"Ni": 8, "Pt": 4})
    for symbol, found in zip("NP", nearest(alloy_bulk("Ni", "Pt", "L1_0")), strict=True):
        assert found == ({"Ni": 4, "Pt": 8} if symbol == "N" else {"Ni": 8, "Pt": 4})
    assert nearest(alloy_bulk("Cu", "Cu", "fcc")) == [{"Cu": 12}]


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_a_slab_is_a_cut_of_its_crystal(prototype):
    slab = alloy_slab("Ni", "Pt", prototype)
    middle = (slab.positions[:, 2] > slab.positions[0, 2] + 1) & (
        slab.positions[:, 2] < slab.positions[-1, 2] - 1
    )
    crystal = alloy_bulk("Ni", "Pt", prototype)
    allowed = [(s, tuple(sorted(n.items()))) for s, n in zip(crystal.symbols, nearest(crystal), strict=True)]
    around = nearest(slab)
    for k in np.flatnonzero(middle):
        assert (slab.symbols[k], tuple(sorted(around[k].items()))) in allowed
    shares = Counter(slab.symbols[8:])
    assert shares["Pt"] == {"fcc": 0, "L1_2": 1, "L1_0": 2}[prototype]


@pytest.mark.parametrize("prototype", PROTOTYPES)
def test_every_site_touches_what_its_label_says(prototype):
    for label in sites(prototype):
        kind, contacts, *third = label.split("|")
        slab = alloy_slab("Ni", "Pt", prototype, label, "N")
        bonds = sum(element(s).covalent_radius for s in ("N", "Ni")) + 0.15
        i, j, d, vectors = neighbor_list("ijdD", slab, 3.6)
        mine = i == len(slab) - 1
        touched = slab.symbols[j[mine & (d < bonds)]]
        assert len(touched) == {"top": 1, "bridge": 2, "hollow": 3}[kind]
        letters = {"Ni": "A", "Pt": "B"}
        assert "_".join(sorted(letters[s] for s in touched)) == contacts
        if kind == "hollow":
            # The second layer is a layer's distance below the top; HCP has an atom of it right below.
            level = slab.positions[4, 2]
            below = mine & (np.linalg.norm(vectors[:, :2], axis=1) < 0.05)
            found = below.any() and abs(slab.positions[j[below], 2] - level).min() < 0.01
            assert found == (third == ["HCP"])


def test_bonds_have_the_length_of_the_radii():
    for name, (central, hydrogens, length, _) in ADSORBATES.items():
        slab = alloy_slab("Ru", "Ru", "fcc", "hollow|A_A_A|FCC", name)
        assert slab.get_chemical_symbols()[12:] == [central] + ["H"] * hydrogens
        distances = slab.get_distances(12, range(12), mic=True)
        want = element("Ru").covalent_radius + element(central).covalent_radius
        np.testing.assert_allclose(np.sort(distances)[:3], max(want, 0), atol=0.1)
        for k in range(hydrogens):
            assert slab.get_distance(12, 13 + k, mic=True) == pytest.approx(length)
            assert slab.positions[13 + k, 2] > slab.positions[11, 2]


def test_the_lowest_layer_is_fixed_and_the_crystal_is_known():
    slab = alloy_slab("Ni", "Pt", "L1_2", "top|A", "OH")
    assert slab.constraints[0].index.tolist() == [0, 1, 2, 3]
    assert len(slab.info["bulk"]) == 4
    assert slab.pbc.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Ni", "Pt", "L1_1"), "unknown prototype"),
        (("Ni", "Pt", "L1_2", "hollow|B_B_B|FCC", "N"), "has no site"),
        (("Ni", "Pt", "L1_2", "top|A", "N2"), "unknown adsorbate"),
        (("Ni", "Qq", "L1_2"), "unknown element"),
    ],
)
def test_names_that_are_none(arguments, message):
    with pytest.raises(InputError, match=message):
        alloy_slab(*arguments)
