"""The card is tried on models of which every answer is known."""

import json

import ase
import jax
import numpy as np
import pytest
from ase.build import molecule

from mlmat.analysis.laws.card import card, measure_laws
from mlmat.analysis.laws.law import Subject
from mlmat.analysis.laws.picture import draw_card
from mlmat.analysis.laws.size import alkane
from mlmat.analysis.laws.subject import default_structures, smiles_laws, subject_of
from mlmat.analysis.laws.surface import jump_and_kink
from mlmat.errors import InputError
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.dtnn import ALL_PAIRS, DTNN
from mlmat.predictor import Predictor, load_predictor, save_predictor

ELEMENTS = ("H", "C", "N", "O")
STRUCTURES = [molecule("H2O"), molecule("CH3CONH2")]


def pair_energy(atoms, shift=0.0, cutoff=np.inf, broken=None):
    """Σ_{i<j} Z_i Z_j (e^{−2(d−1.4)} − 2 e^{−(d−1.4)} + shift) for d < cutoff."""
    z, r = atoms.numbers.astype(float), atoms.positions
    if broken == "permutation":
        z = z * (1 + 0.01 * np.arange(len(z)))
    if broken == "reflection" and len(atoms) > 3:
        return pair_energy(atoms) + 0.1 * np.linalg.det(r[1:4] - r[0])
    if broken == "rotation":
        r = r * [1.0, 1.0, 1.1]
    d = np.linalg.norm(r[:, None] - r, axis=-1)
    x = np.exp(-(d - 1.4))
    each = np.outer(z, z) * (x**2 - 2 * x + shift) * (d < cutoff)
    total = 0.5 * (each.sum() - np.trace(each))
    return total + (r[:, 0].sum() if broken == "translation" else 0.0)


def subject(forces=None, extensive=True, **options):
    def values(structures):
        return np.array([pair_energy(atoms, **options) for atoms in structures])

    return Subject("pairs", "energy", "eV", ELEMENTS, extensive, values, forces)


def found(laws):
    return {law.name: law for law in laws}


def test_a_pair_potential_obeys_the_laws():
    def forces(structures, factor=1.0):
        result = []
        for atoms in structures:
            force = np.zeros_like(atoms.positions)
            for i, axis in np.ndindex(force.shape):
                ends = []
                for step in (1e-5, -1e-5):
                    moved = atoms.copy()
                    moved.positions[i, axis] += step
                    ends.append(pair_energy(moved))
                force[i, axis] = -factor * (ends[0] - ends[1]) / 2e-5
            result.append(force)
        return result

    laws = found(measure_laws(subject(forces), STRUCTURES))
    for name in ("permutation", "rotation", "translation", "reflection", "force–energy consistency"):
        assert laws[name].holds, laws[name]
    assert laws["continuity"].holds
    assert laws["smoothness"].holds
    # e^{−25} of the well is left at 25 Å, and e^{−20} of a bond; rounding only, at this tolerance.
    assert laws["size extensivity"].holds
    assert laws["free atoms"].value == 0.0
    wrong = found(measure_laws(subject(lambda s: forces(s, 1.01)), STRUCTURES))
    assert not wrong["force–energy consistency"].holds


@pytest.mark.parametrize("name", ["permutation", "rotation", "translation", "reflection"])
def test_each_broken_symmetry_is_seen_and_named(name):
    laws = found(measure_laws(subject(broken=name), STRUCTURES))
    assert laws[name].holds is False
    assert laws[name].value > 1e-3


def test_pairs_that_never_cease_break_extensivity_by_their_number():
    shift = 0.01
    laws = found(measure_laws(subject(shift=shift), [molecule("H2O")]))
    charges = molecule("H2O").numbers.sum()
    # Each of the pairs between the two copies keeps `shift`.
    np.testing.assert_allclose(laws["size extensivity"].value, shift * charges**2, rtol=1e-6)
    np.testing.assert_allclose(laws["many copies"].value, 6 * shift * charges**2, rtol=1e-6)
    assert laws["dissociation limit"].holds is False
    np.testing.assert_allclose(laws["dissociation limit"].value, shift * 9, rtol=1e-5)
    intensive = found(measure_laws(subject(extensive=False), [molecule("H2O")]))
    assert intensive["size intensivity"].holds is False
    assert intensive["place of the minimum"].holds is None


def test_a_hard_cutoff_is_a_jump():
    laws = found(measure_laws(subject(cutoff=4.0), [molecule("H2O")]))
    x = np.exp(-(4.0 - 1.4))
    assert laws["continuity"].holds is False
    assert laws["continuity"].value > 0.5 * 8 * abs(x**2 - 2 * x)


def test_jump_and_kink_of_known_functions():
    x = np.arange(-1, 1, 0.01)
    for function, jump, kink in (
        (np.sin(3 * x), 0, 0),
        (np.where(x > 0.105, x**2 + 0.5, x**2), 0.5, None),
        (np.abs(x - 0.1) + x**2, 0, 2.0),
    ):
        measured = jump_and_kink(function, 0.01)
        if kink is None:
            np.testing.assert_allclose(measured[0], jump, rtol=0.01)
        else:
            assert measured[0] < 0.03
            np.testing.assert_allclose(measured[1], kink, atol=0.02)


def test_alkanes_are_alkanes():
    atoms = alkane(6)
    assert atoms.get_chemical_formula() == "C6H14"
    d = atoms.get_all_distances() + 10 * np.eye(len(atoms))
    carbon, hydrogen = atoms.numbers == 6, atoms.numbers == 1
    np.testing.assert_allclose(np.sort(d[carbon][:, carbon], axis=1)[:, 0], 1.53, atol=1e-9)
    np.testing.assert_allclose(d[hydrogen].min(axis=1), 1.09, atol=1e-9)
    assert d[hydrogen][:, hydrogen].min() > 1.7
    near = (d[carbon] < 1.6).sum(axis=1)
    assert (near == 4).all()


@pytest.fixture(scope="module")
def predictors():
    """DTNN with and without a cutoff, random weights."""
    made, rng = {}, np.random.default_rng(0)
    for cutoff in (None, 5.0):
        model = DTNN(4, features=5, factors=6, passes=2, basis=30, hidden=4, cutoff=cutoff)
        encoder = RadiusGraphEncoder(ELEMENTS, cutoff or ALL_PAIRS)
        graph = encoder(STRUCTURES[0])
        shapes = jax.eval_shape(model.init, jax.random.key(0), graph)
        variables = jax.tree.map(lambda s: rng.normal(0, 0.3, (1, *s.shape)).astype(np.float32), shapes)
        made[cutoff] = Predictor(
            variables, np.zeros(1, np.float32), np.ones(1, np.float32), model, encoder, ("energy",), ("eV",),
            reference=rng.normal(0, 5.0, (4, 1)),
        )  # fmt: skip
    return made


def test_dtnn_is_not_extensive_and_its_cutoff_variant_is(predictors, tmp_path):
    full, near = (subject_of(predictors[cutoff], "DTNN") for cutoff in (None, 5.0))
    laws = measure_laws(full, STRUCTURES)
    by_name = found(laws)
    kept = ("permutation", "rotation", "translation", "reflection", "smoothness", "rounding")
    for name in (*kept, "force–energy consistency", "net force", "net torque"):
        assert by_name[name].holds, by_name[name]
    assert by_name["size extensivity"].holds is False
    assert by_name["dissociation limit"].holds is False
    content = json.loads(json.dumps(card(full, laws), allow_nan=False))
    assert {law["name"] for law in content["laws"]} == set(by_name)
    draw_card(full, laws, tmp_path / "laws.png")
    assert (tmp_path / "laws.png").stat().st_size > 20_000
    by_name = found(measure_laws(near._replace(forces=None, served=None), STRUCTURES[:1]))
    for name in ("reflection", "size extensivity", "many copies", "dissociation limit", "continuity"):
        assert by_name[name].holds, by_name[name]
    assert by_name["net force"].holds is None


def test_dtnn_is_kept_in_a_predictor_file(predictors, tmp_path):
    save_predictor(predictors[None], tmp_path / "dtnn.mlmat")
    again = subject_of(load_predictor(tmp_path / "dtnn.mlmat"), "DTNN").values(STRUCTURES)
    np.testing.assert_allclose(again, subject_of(predictors[None], "DTNN").values(STRUCTURES), rtol=1e-6)


def test_smiles_have_an_order_and_no_geometry():
    predictor = load_predictor()
    laws = found(smiles_laws(predictor, ["CCO", "c1ccccc1C"]))
    assert laws["permutation"].value is not None
    assert laws["rotation"].holds is None
    assert "no geometry" in laws["rotation"].says
    with pytest.raises(InputError, match="smiles"):
        subject_of(predictor, "gap")


def test_default_structures_know_only_given_elements():
    assert {s for atoms in default_structures(("C", "H")) for s in atoms.symbols} == {"C", "H"}
    with pytest.raises(InputError, match="--file"):
        default_structures(("Na", "Cl"))
    assert ase.Atoms("H") not in default_structures(ELEMENTS)
