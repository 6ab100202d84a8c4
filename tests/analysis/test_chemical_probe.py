import jax
import numpy as np
import pytest
from ase.build import molecule

from mlmat.analysis.atomic_energies import atomic_energies, carbon_rings, rank_rings
from mlmat.analysis.chemical_probe import ISOVALUE, chemical_potential, draw_probe, field, see
from mlmat.errors import InputError, UnknownElementError
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.dtnn import ALL_PAIRS, DTNN
from mlmat.predictor import Predictor, load_predictor, predict_items

ELEMENTS = ("H", "C", "N", "O")


@pytest.fixture(scope="module")
def predictor():
    """Two members with random weights."""
    model = DTNN(4, features=5, factors=6, passes=2, basis=30, hidden=4)
    encoder = RadiusGraphEncoder(ELEMENTS, ALL_PAIRS)
    shapes = jax.eval_shape(model.init, jax.random.key(0), encoder(molecule("H2O")))
    rng = np.random.default_rng(0)
    variables = jax.tree.map(lambda s: rng.normal(0, 0.4, (2, *s.shape)).astype(np.float32), shapes)
    return Predictor(
        variables, np.full(1, 0.3, np.float32), np.full(1, 2.0, np.float32), model, encoder, ("energy",),
        ("eV",), reference=rng.normal(0, 5.0, (4, 1)),
    )  # fmt: skip


def test_contributions_sum_up_to_the_prediction_and_follow_symmetry(predictor):
    structures = [molecule("C6H6"), molecule("CH3CONH2"), molecule("H2O")]
    each = atomic_energies(predictor, structures)
    assert [len(one) for one in each] == [12, 9, 3]
    totals = predict_items(predictor, structures).mean[:, 0]
    np.testing.assert_allclose([one.sum() for one in each], totals, rtol=1e-5)
    np.testing.assert_allclose(each[0][:6, 0], each[0][0, 0], atol=2e-4)
    assert abs(each[0][0, 0] - each[0][6, 0]) > 1e-2


def test_rings_are_found_in_space_and_ranked(predictor):
    assert len(carbon_rings(molecule("C6H6"))) == 1
    assert carbon_rings(molecule("C5H5N")) == []
    assert carbon_rings(molecule("CH3CONH2")) == []
    structures = [molecule("H2O"), molecule("C6H6")]
    ranked = rank_rings(predictor, [*structures, _stretched(molecule("C6H6"))])
    assert sorted(ring.molecule for ring in ranked) == [1, 2]
    assert ranked[0].energy <= ranked[1].energy
    by_molecule = {ring.molecule: ring for ring in ranked}
    expected = atomic_energies(predictor, structures[1:])[0][list(by_molecule[1].atoms), 0].sum()
    np.testing.assert_allclose(by_molecule[1].energy, expected, rtol=1e-5)
    assert rank_rings(predictor, [molecule("H2O")]) == []


def _stretched(atoms):
    atoms.positions *= 1.05
    return atoms


def test_potential_far_away_and_by_symmetry(predictor):
    atoms = molecule("C6H6")
    corners = np.array([[2.0, 1.0, 1.5], [2.0, 1.0, -1.5], [-2.0, -1.0, 1.5]])
    values = chemical_potential(predictor, atoms, corners, "O")
    np.testing.assert_allclose(values, values[0], atol=2e-4)
    other = chemical_potential(predictor, atoms, corners, "H")
    assert abs(other - values).min() > 1e-3
    # One point and many give the same, though they are padded to one size.
    np.testing.assert_allclose(chemical_potential(predictor, atoms, corners[:1], "O"), values[:1], rtol=1e-6)
    with pytest.raises(UnknownElementError, match="S"):
        chemical_potential(predictor, atoms, corners, "S")
    with pytest.raises(InputError, match="DTNN"):
        chemical_potential(load_predictor(), atoms, corners, "H")


def test_rays_end_on_the_surface_of_a_sphere():
    surface = see(np.array([[1.0, 2.0, 3.0]]), pixels=40)
    radius = ISOVALUE**-0.5
    away = surface.points - [1.0, 2.0, 3.0]
    np.testing.assert_allclose(np.linalg.norm(away, axis=1), radius, rtol=1e-3)
    np.testing.assert_allclose(surface.normals, away / radius, atol=2e-3)
    assert (surface.normals @ surface.axes[2] > -0.1).all()
    # The sphere fills its square picture: π / 4 of it.
    assert abs(surface.hit.mean() - np.pi / 4) < 0.06


def test_surface_of_a_molecule_has_the_field_it_should(predictor, tmp_path):
    atoms = molecule("C6H6")
    surface = see(atoms.positions, pixels=30)
    np.testing.assert_allclose(field(surface.points, atoms.positions), ISOVALUE, rtol=2e-3)
    both = {"benzene": atoms, "water": molecule("H2O")}
    found = draw_probe(predictor, both, "C", tmp_path / "probe.png", pixels=40)
    assert set(found) == {"benzene", "water"}
    assert all(low < high for low, high in found.values())
    assert (tmp_path / "probe.png").stat().st_size > 20_000
