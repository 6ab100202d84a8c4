"""Neutral compositions: textbook cases, against all choices of states written out, and the stored table."""

from itertools import product

import pytest

from mlmat.elements import element
from mlmat.elements.make_oxidation_states import table_text
from mlmat.elements.oxidation import STATES, neutral_charges, oxidation_states


@pytest.fixture(scope="module")
def states():
    return oxidation_states()


@pytest.mark.parametrize(
    ("sites", "charges"),
    [
        ([("Sr", 1), ("Ti", 1), ("O", 3)], (2, 4, -2)),
        ([("Fe", 1), ("Fe", 2), ("O", 4)], (2, 3, -2)),
        ([("K", 2), ("Na", 1), ("Al", 1), ("F", 6)], (1, 1, 3, -1)),
        ([("La", 1), ("Ti", 1), ("O", 2), ("N", 1)], (3, 4, -2, -3)),
        ([("Na", 1), ("Cl", 2)], None),
        ([("Na", 1), ("K", 1)], None),
        ([("Ar", 1), ("F", 1)], None),
        ([("N", 1), ("O", 1), ("F", 1)], (3, -2, -1)),
    ],
)
def test_textbook_compounds(states, sites, charges):
    assert neutral_charges(sites, states) == charges


def test_the_answer_is_that_of_all_choices(states):
    elements = ("Cs", "Mn", "Sb", "S", "O", "Cl")
    for names in product(elements, repeat=3):
        sites = list(zip(names, (1, 1, 3), strict=True))
        every = [
            charges
            for charges in product(*(states[name] for name in names))
            if sum(c * n for c, (_, n) in zip(charges, sites, strict=True)) == 0
            and all(
                element(a).electronegativity < element(b).electronegativity
                for a, p in zip(names, charges, strict=True)
                for b, q in zip(names, charges, strict=True)
                if p > 0 > q
            )
        ]
        found = neutral_charges(sites, states)
        assert (found in every) if every else found is None, names


def test_the_table_is_what_its_source_gives():
    pytest.importorskip("mendeleev")
    assert STATES.read_text(encoding="utf-8") == table_text()
