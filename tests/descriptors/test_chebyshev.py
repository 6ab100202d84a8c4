"""Chebyshev descriptors against sums with NumPy's polynomials."""

from functools import partial

import jax
import numpy as np
import pytest
from numpy.polynomial.chebyshev import chebval
from surroundings import ELEMENTS, crystal, fade, graph_of, in_float64, molecule, neighbours, triples

from mlmat.descriptors.chebyshev import ChebyshevDescriptor, pseudo_spins
from mlmat.descriptors.triples import Capacity, environment
from mlmat.errors import InputError

D = ChebyshevDescriptor(3.8, 5, 3.1, 3)


@partial(jax.jit, static_argnums=1)
def described(graph, d):
    return d(environment(graph, d.cutoff, d.triple_cutoff, Capacity()), len(ELEMENTS))


@pytest.mark.parametrize("atoms", [molecule(), crystal()], ids=["molecule", "cell smaller than the cutoff"])
def test_values_are_the_sums(atoms):
    spins = np.array([-1.0, 0.0, 1.0])
    radial, angular = D.radial + 1, D.angular + 1
    half = radial + angular
    expected = np.zeros((len(atoms), 2 * half))
    for i in range(len(atoms)):
        for kind, vector in neighbours(atoms, i, D.cutoff):
            r = np.linalg.norm(vector)
            terms = chebval(2 * r / D.cutoff - 1, np.eye(radial)) * fade(r, D.cutoff)
            expected[i, :radial] += terms
            expected[i, half : half + radial] += spins[kind] * terms
        for kinds, r, s, _, cosine in triples(atoms, i, D.angular_cutoff):
            terms = chebval(cosine, np.eye(angular)) * fade(r, D.angular_cutoff) * fade(s, D.angular_cutoff)
            expected[i, radial:half] += terms
            expected[i, half + radial :] += spins[kinds[0]] * spins[kinds[1]] * terms
    found = in_float64(described, graph_of(atoms, D.cutoff), D)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_published_length():
    """44 functions of the TiO₂ potential, whatever the number of elements beyond one."""
    assert ChebyshevDescriptor().size(2) == ChebyshevDescriptor().size(5) == 44
    assert pseudo_spins(2) == (-1.0, 1.0)
    assert pseudo_spins(5) == (-2.0, -1.0, 0.0, 1.0, 2.0)


def test_refuses_reversed_cutoffs():
    with pytest.raises(InputError, match="not beyond"):
        ChebyshevDescriptor(3.0, 4, 4.0, 4)
