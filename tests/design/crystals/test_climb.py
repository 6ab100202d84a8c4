"""A frozen predictor is climbed honestly: its own values at the corners, true slopes between them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import CATIONS, predictor_of

from mlmat.design.crystals.climb import climbable
from mlmat.design.crystals.lattice import covalent_lattice
from mlmat.design.crystals.members import predict_names
from mlmat.design.crystals.prototypes import PROTOTYPES
from mlmat.design.crystals.realise import atoms_of
from mlmat.design.crystals.relaxed import SoftCrystal, full_name
from mlmat.design.crystals.space import make_space
from mlmat.errors import InputError, UnknownElementError
from mlmat.predictor import predict_items


@pytest.mark.parametrize("kind", ["cgcnn", "crystal", "schnet"])
def test_corners_have_the_predictors_own_value(space, kind, request):
    climbed = request.getfixturevalue(kind)
    modes = len(climbed.frame.strains)
    rng = np.random.default_rng(0)
    names = []
    for row in space.rows[rng.choice(len(space.rows), 6, replace=False)]:
        names.append(full_name(space, tuple(row.tolist()), tuple(rng.integers(-9, 10, modes).tolist())))
    mean, std = predict_names(space, modes, climbed, names)
    own = predict_items(climbed.predictor, [atoms_of(space, climbed, name) for name in names])
    assert np.ptp(own.mean[:, 0]) > 0.01  # compositions differ at all
    np.testing.assert_allclose(mean, own.mean, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(std, own.std, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("kind", ["cgcnn", "crystal", "schnet"])
def test_slopes_are_those_of_finite_differences(space, kind, request):
    climbed = request.getfixturevalue(kind)
    with jax.enable_x64(True):
        wide = jax.tree.map(
            lambda x: (
                jnp.asarray(x, jnp.float64) if jnp.issubdtype(jnp.asarray(x).dtype, jnp.floating) else x
            ),
            climbed,
        )
        rng = np.random.default_rng(1)
        width = climbed.frame.fillings.shape[1]
        open_ = np.arange(width) < np.array([len(g) for g in space.fillings])[:, None]
        weights = np.where(open_, rng.dirichlet(np.ones(width), 3), 0)
        weights /= weights.sum(axis=1, keepdims=True)
        modes = 0.01 * rng.standard_normal(len(climbed.frame.strains))
        x = SoftCrystal(jnp.asarray(weights), jnp.asarray(modes))
        value = jax.jit(jax.value_and_grad(lambda x: wide(x)[0]))
        slope = value(x)[1]
        for _ in range(4):
            step = SoftCrystal(rng.standard_normal(weights.shape) * open_, rng.standard_normal(modes.shape))
            moved = (jax.tree.map(lambda a, b, h=h: a + h * b, x, step) for h in (1e-5, -1e-5))
            ends = [float(value(crystal)[0]) for crystal in moved]
            along = sum(float((a * b).sum()) for a, b in zip(slope, step, strict=True))
            assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(along, rel=1e-5, abs=1e-8)


def test_what_cannot_be_climbed_is_refused(space):
    lattice = covalent_lattice(space.prototype, space.elements)
    with pytest.raises(InputError, match=r"every site \(20\)"):
        climbable(predictor_of("cgcnn", space, neighbours=12), space, lattice)
    good = predictor_of("cgcnn", space)
    with pytest.raises(InputError, match="ideal geometry"):
        climbable(good, space, lattice, deform=True)
    more = make_space(PROTOTYPES["perovskite"], [(*CATIONS, "Bi"), CATIONS, ["O"]])
    with pytest.raises(UnknownElementError, match="Bi"):
        climbable(good, more, lattice)
    with pytest.raises(InputError, match="takes a predictor of structures"):
        climbable(dataclasses.replace(good, encoder=None), space, lattice)
