"""Structure features: invariances, hand-counted values, and elements they do not know."""

import ase
import numpy as np
import pytest
from ase.build import bulk, make_supercell, molecule

from mlmat.errors import InputError
from mlmat.graphs.structure_features import PAIRS, describe

WATER = molecule("H2O")


def test_water_by_hand():
    features = describe([WATER], bins=5)
    row = dict(zip(features.names(), features([WATER])[0], strict=True))
    assert (row["atoms"], row["H"], row["O"]) == (3, 2, 1)
    for pair, total in (("H-H", 1), ("H-O", 2), ("O-O", 0), ("other pairs", 0)):
        assert sum(row[f"{pair} {k}"] for k in range(5)) == pytest.approx(total)
    place = (1 / WATER.get_distance(0, 1) - 1 / 6) / (1 / 0.7 - 1 / 6) * 4
    left = int(place)
    assert row[f"H-O {left}"] == pytest.approx(2 * (left + 1 - place))
    assert row[f"H-O {left + 1}"] == pytest.approx(2 * (place - left))


def test_rotation_shift_and_order_do_not_matter():
    ethanol = molecule("CH3CH2OH")
    moved = ethanol[np.random.default_rng(0).permutation(len(ethanol))]
    moved.rotate(37, (1, 2, 3))
    moved.translate((5, -3, 2))
    a, b = describe([ethanol])([ethanol, moved])
    np.testing.assert_allclose(a, b, atol=1e-5)


def test_a_supercell_is_the_same_crystal():
    salt = bulk("NaCl", "rocksalt", 5.64)
    large = make_supercell(salt, [[2, 0, 0], [0, 1, 0], [0, 1, 2]])
    features = describe([salt])
    a, b = features([salt, large])
    np.testing.assert_allclose(a[1:], b[1:], atol=1e-5)
    # Rock salt has six neighbours at a/2 and twelve at a/√2 (a/2·√3 is 4.88, 6 Å is the cutoff).
    row = dict(zip(features.names(), a, strict=True))
    assert sum(row[f"Na-Cl {k}"] for k in range(features.bins)) == pytest.approx((6 + 8) / 2)
    assert sum(row[f"Na-Na {k}"] for k in range(features.bins)) == pytest.approx((12 + 6) / 4)


def test_unknown_elements_share_the_last_histogram():
    features = describe([WATER])
    row = dict(zip(features.names(), features([molecule("CH4")])[0], strict=True))
    assert (row["atoms"], row["H"]) == (5, 4)
    assert sum(row[f"other pairs {k}"] for k in range(features.bins)) == pytest.approx(4)


def test_many_elements_keep_the_vector_short():
    crystals = [bulk("NaCl", "rocksalt", 5.64) for _ in range(30)]
    for k, crystal in enumerate(crystals):
        crystal.numbers[:] = (3 + k, 40 + k)
    features = describe(crystals)
    assert len(features.pairs) == PAIRS
    matrix = features(crystals)
    assert matrix.shape == (30, len(features.names()))
    assert np.isfinite(matrix).all()


@pytest.mark.parametrize("structure", [ase.Atoms(), ase.Atoms("H", [(np.nan, 0, 0)])])
def test_what_is_no_structure_is_refused(structure):
    with pytest.raises(InputError, match="at least one atom"):
        describe([WATER])([structure])
    with pytest.raises(InputError, match="structure"):
        describe([])


def test_lone_and_overlapping_atoms_are_finite():
    structures = [ase.Atoms("H"), ase.Atoms("H2", [(0, 0, 0), (0, 0, 0)])]
    assert np.isfinite(describe(structures)(structures)).all()
