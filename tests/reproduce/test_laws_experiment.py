"""The experiment on laws: Coulomb-matrix subjects, stored cards, and the kinds of rings."""

import json

import ase
import numpy as np
from ase.build import molecule

from experiments.laws.coulomb import coulomb_subject
from experiments.laws.parts import geometry
from experiments.laws.run import ELEMENTS, metrics_of, stored_laws
from mlmat.analysis.atomic_energies import carbon_rings
from mlmat.analysis.laws.card import card
from mlmat.analysis.laws.law import Law, Subject

NAMES = ("H2O", "CH4", "C2H4", "CH3CH2OH", "CH3CONH2", "NH3", "CH3OH")


def test_coulomb_matrices_in_the_given_order_see_the_order_and_sorted_ones_do_not():
    items = [molecule(name) for name in NAMES]
    energies = -4.0 * np.array([len(atoms) for atoms in items])
    # Without two atoms alike by symmetry, so that no norms of rows are equal.
    lone = ase.Atoms("CHNO", [[0, 0, 0], [1.1, 0.1, 0], [-0.4, 1.3, 0.2], [-0.7, -1.2, 0.5]])
    other = lone[[2, 0, 3, 1]]
    for order in ("given", "sorted"):
        subject = coulomb_subject(order, items, energies, ELEMENTS)
        np.testing.assert_allclose(subject.values(items), energies, atol=1e-3)
        first, second = subject.values([lone, other])
        assert (abs(first - second) < 1e-6) == (order == "sorted")


def test_a_stored_card_is_the_card(tmp_path):
    laws = [
        Law("size extensivity", 0.12, "eV", 1e-7, "two copies", {"a": ([1.0], [2.0])}, ("x", "y")),
        Law("net force", None, "eV/Å", None, "does not apply"),
    ]
    subject = Subject("net", "energy", "eV", ELEMENTS, True, None)
    (tmp_path / "card.json").write_text(json.dumps(card(subject, laws)))
    again = stored_laws(tmp_path / "card.json")
    assert card(subject, again) == json.loads((tmp_path / "card.json").read_text())
    (metric,) = metrics_of(subject, again)
    assert metric.unit == "meV"
    assert metric.variant == "net, broken"
    np.testing.assert_allclose(metric.value, 120.0)


def test_toluene_has_one_ring():
    atoms = geometry("Cc1ccccc1")
    assert atoms.get_chemical_formula() == "C7H8"
    (ring,) = carbon_rings(atoms)
    assert len(set(ring)) == 6
