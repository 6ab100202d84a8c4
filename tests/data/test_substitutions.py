"""Spaces of substituted prototypes: every candidate once, made from its number alone."""

from itertools import permutations

import ase
import numpy as np
import pytest
from ase.build import bulk, molecule

from mlmat.data.substitutions import Substitutions, scattered
from mlmat.elements import property_by_number
from mlmat.errors import InputError

PEROVSKITE = ase.Atoms(
    "CaTiO3",
    scaled_positions=[[0, 0, 0], [0.5] * 3, [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]],
    cell=[3.8] * 3,
    pbc=True,
)


def test_every_substitution_is_there_once():
    elements = ("O", "Mg", "Al", "Sr", "Zr")
    space = Substitutions((PEROVSKITE, bulk("Cu")), elements, fixed=("O",))
    assert space.counts() == [12, 4]
    assert len(space) == 16
    made = [space.candidate(k) for k in range(16)]
    assert [origin for origin, _ in made] == [0] * 12 + [1] * 4
    found = [tuple(atoms.get_chemical_symbols()) for _, atoms in made]
    cations = list(permutations(elements[1:], 2))
    expected = {(a, b, "O", "O", "O") for a, b in cations} | {(symbol,) for symbol in elements[1:]}
    assert set(found) == expected
    assert len(found) == len(expected)
    with pytest.raises(InputError, match="none is 16"):
        space.candidate(16)


def test_cells_grow_with_the_radii_and_fractions_stay():
    space = Substitutions((PEROVSKITE,), ("O", "Ca", "Ti", "Sr"), fixed=("O",))
    radii = np.asarray(property_by_number("covalent_radius"))
    for k in range(len(space)):
        _, atoms = space.candidate(k)
        factor = radii[atoms.numbers].sum() / radii[PEROVSKITE.numbers].sum()
        np.testing.assert_allclose(atoms.cell.lengths(), 3.8 * factor)
        np.testing.assert_allclose(
            atoms.get_scaled_positions(), PEROVSKITE.get_scaled_positions(), atol=1e-12
        )
        if atoms.get_chemical_formula() == "CaO3Ti" and atoms.symbols[0] == "Ca":
            np.testing.assert_allclose(atoms.positions, PEROVSKITE.positions)


@pytest.mark.parametrize("total", [1, 2, 7, 100, 1001])
def test_scattered_numbers_come_once_and_spread(total):
    numbers = [scattered(k, total, 3) for k in range(total)]
    assert sorted(numbers) == list(range(total))
    first = np.sort(numbers[: max(1, total // 10)])
    if total > 50:
        assert np.diff(first).max() < 3 * total / len(first)


@pytest.mark.parametrize(
    ("prototypes", "elements", "fixed", "says"),
    [
        ((), ("O",), (), "at least one prototype"),
        ((molecule("H2O"),), ("O", "H", "N"), (), "is no crystal"),
        ((PEROVSKITE,), ("O", "Ca"), (), "has 3 elements to replace, and 2"),
        ((bulk("Cu"),), ("O",), ("Cu",), "has 0 elements to replace"),
        ((bulk("Cu"),), ("Oganesson",), (), "Oganesson"),
    ],
)
def test_what_is_refused(prototypes, elements, fixed, says):
    with pytest.raises(InputError, match=says):
        Substitutions(prototypes, elements, fixed)
