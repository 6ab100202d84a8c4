"""Symmetry functions against loops over images; weights; forces."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from surroundings import (
    ELEMENTS,
    crystal,
    fade,
    graph_of,
    in_float64,
    molecule,
    neighbours,
    pair_index,
    triples,
)

from mlmat.descriptors.published_functions import MLEARN_SILICON, TITANIA, amp_gaussians
from mlmat.descriptors.symmetry_functions import SymmetryFunctions
from mlmat.descriptors.triples import Capacity, environment, needed_capacity
from mlmat.errors import InputError

CHARGES = (1.0, 6.0, 8.0)
FULL = SymmetryFunctions(
    3.6,
    ((0.4, 0.0), (2.0, 1.5)),
    cosines=(0.7, 2.1),
    counting=True,
    angular_etas=(0.02, 0.3),
    zetas=(1.0, 4.0),
)


def variant(**changes):
    return SymmetryFunctions(**{**vars(FULL), **changes})


def described(graph, d):
    return compiled(graph, d, needed_capacity([graph], d.cutoff))


@partial(jax.jit, static_argnums=(1, 2))
def compiled(graph, d, capacity):
    return d(environment(graph, d.cutoff, d.triple_cutoff, capacity), len(ELEMENTS))


def reference(atoms, d):
    count, first = len(ELEMENTS), d.per_element
    out = np.zeros((len(atoms), d.size(count)))
    for i in range(len(atoms)):
        for kind, vector in neighbours(atoms, i, d.cutoff):
            r = np.linalg.norm(vector)
            terms = [1.0] * d.counting
            terms += [np.exp(-eta * (r - shift) ** 2) for eta, shift in d.radial]
            terms += [np.cos(kappa * r) for kappa in d.cosines]
            at, weight = (0, d.weights[kind]) if d.weights else (kind * first, 1.0)
            out[i, at : at + first] += weight * np.array(terms) * fade(r, d.cutoff)
        for kinds, r, s, third, cosine in triples(atoms, i, d.cutoff) if d.angular_etas else ():
            g4 = d.kind == "G4"
            factor = fade(r, d.cutoff) * fade(s, d.cutoff) * (fade(third, d.cutoff) if g4 else 1.0)
            squares = r**2 + s**2 + (third**2 if g4 else 0.0)
            terms = [
                2 ** (1 - zeta) * (1 + sign * cosine) ** zeta * np.exp(-eta * squares) * factor
                for eta in d.angular_etas
                for sign in d.lambdas
                for zeta in d.zetas
            ]
            if d.weights:
                at, weight = first, d.weights[kinds[0]] * d.weights[kinds[1]]
            else:
                at, weight = count * first + pair_index(kinds) * d.per_pair, 1.0
            out[i, at : at + d.per_pair] += weight * np.array(terms)
    return out


@pytest.mark.parametrize("atoms", [molecule(), crystal()], ids=["molecule", "cell smaller than the cutoff"])
@pytest.mark.parametrize(
    "d",
    [FULL, variant(kind="G5"), variant(weights=CHARGES), variant(angular_etas=())],
    ids=["G4", "G5", "weighted", "pairs only"],
)
def test_values_are_the_sums(atoms, d):
    found = in_float64(described, graph_of(atoms, d.cutoff), d)
    assert found.shape == (len(atoms), d.size(len(ELEMENTS)))
    np.testing.assert_allclose(found, reference(atoms, d), atol=1e-9)


def test_published_sets_have_their_lengths():
    """70 functions of TiO₂ (aenet's manual), 27 of silicon (n2p2), η of AMP in units of the cutoff."""
    assert TITANIA.size(2) == 70
    assert MLEARN_SILICON.size(1) == 27
    assert MLEARN_SILICON.cutoff == pytest.approx(5.5, abs=1e-3)
    assert MLEARN_SILICON.radial[0] == pytest.approx((0.01 / 0.2800285, 4.0), rel=1e-4)
    assert amp_gaussians(6.5).size(2) == 2 * 4 + 3 * 4
    assert amp_gaussians(2.0).radial[1] == (1.0, 0.0)


def test_slopes_are_finite_differences_and_second_ones_exist():
    atoms = molecule(3)
    graph = graph_of(atoms, FULL.cutoff)
    weights = np.random.default_rng(0).normal(size=(len(atoms), FULL.size(len(ELEMENTS))))

    def total(positions):
        moved = graph._replace(nodes={**graph.nodes, "positions": positions})
        found = FULL(environment(moved, FULL.cutoff, FULL.cutoff, Capacity(1.0, 4.0)), len(ELEMENTS))
        return (found * weights).sum()

    with jax.enable_x64(True):
        evaluate, slope = jax.jit(total), jax.jit(jax.grad(total))
        at = jnp.asarray(atoms.positions)
        step = np.random.default_rng(1).normal(size=at.shape)
        first = (evaluate(at + 1e-5 * step) - evaluate(at - 1e-5 * step)) / 2e-5
        assert float((slope(at) * step).sum()) == pytest.approx(float(first), rel=1e-6)
        second = (slope(at + 1e-5 * step) - slope(at - 1e-5 * step)) / 2e-5
        found = jax.jit(lambda x: jax.jvp(slope, (x,), (step,))[1])(at)
        np.testing.assert_allclose(found, second, atol=1e-4 * float(np.abs(second).max()))


def test_wrong_settings_are_refused():
    with pytest.raises(InputError, match="λ"):
        variant(lambdas=(0.5,))
    with pytest.raises(InputError, match="G4 or G5"):
        variant(kind="G6")
    with pytest.raises(InputError, match="2 weights for 3 elements"):
        described(graph_of(molecule(), 3.6), variant(weights=(1.0, 2.0)))
