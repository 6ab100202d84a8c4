"""ANI vectors against loops over images, against stored values of torchani, and their derivatives."""

import json
from functools import partial
from pathlib import Path

import ase
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

from mlmat.descriptors.ani import PUBLISHED, ANIDescriptor, power
from mlmat.descriptors.triples import Capacity, environment, needed_capacity
from mlmat.errors import InputError
from mlmat.graphs.radius_graph import RadiusGraphEncoder

SMALL = ANIDescriptor(4.0, 3.2, 9.0, (0.8, 1.7, 2.6), 5.0, 8.0, (1.0, 2.0), (0.4, 1.2, 2.5))
ODD = ANIDescriptor(4.0, 3.2, 9.0, (0.8, 1.7), 5.0, 14.1, (1.0,), (0.4, 1.2))


def described(graph, d, elements=3):
    capacity = needed_capacity([graph], d.angular_cutoff)
    return compiled(graph, d, elements, capacity)


@partial(jax.jit, static_argnums=(1, 2, 3))
def compiled(graph, d, elements, capacity):
    return d(environment(graph, d.cutoff, d.angular_cutoff, capacity), elements)


def reference(atoms, d):
    count = len(ELEMENTS)
    per_pair = len(d.angular_shifts) * len(d.angles)
    out = np.zeros((len(atoms), d.size(count)))
    for i in range(len(atoms)):
        for kind, vector in neighbours(atoms, i, d.cutoff):
            r = np.linalg.norm(vector)
            at = kind * len(d.radial_shifts)
            bump = np.exp(-d.radial_eta * (r - np.array(d.radial_shifts)) ** 2)
            out[i, at : at + len(bump)] += d.prefactor * bump * fade(r, d.cutoff)
        for kinds, r, s, _, cosine in triples(atoms, i, d.angular_cutoff):
            theta = np.arccos(0.95 * cosine)
            at = count * len(d.radial_shifts) + pair_index(kinds) * per_pair
            for k, shift in enumerate(d.angular_shifts):
                for m, angle in enumerate(d.angles):
                    value = 2 ** (1 - d.zeta) * (1 + np.cos(theta - angle)) ** d.zeta
                    value *= np.exp(-d.angular_eta * ((r + s) / 2 - shift) ** 2)
                    value *= fade(r, d.angular_cutoff) * fade(s, d.angular_cutoff)
                    out[i, at + k * len(d.angles) + m] += value
    return out


@pytest.mark.parametrize("atoms", [molecule(), crystal()], ids=["molecule", "cell smaller than the cutoff"])
@pytest.mark.parametrize("d", [SMALL, ODD], ids=["integer power", "any power"])
def test_values_are_the_sums(atoms, d):
    found = in_float64(described, graph_of(atoms, d.cutoff), d)
    np.testing.assert_allclose(found, reference(atoms, d), atol=1e-10)


def test_equal_to_torchani():
    """Values of torchani 2.9.0 in double precision, stored: see the note in the file."""
    stored = json.loads((Path(__file__).parent / "torchani_vectors.json").read_text())
    for name, case in stored["cases"].items():
        d, elements = PUBLISHED[name], tuple(stored["elements"][name])
        atoms = ase.Atoms(case["symbols"], case["positions"])
        graph = RadiusGraphEncoder(elements, d.cutoff)(atoms)
        graph = graph._replace(nodes={**graph.nodes, "positions": atoms.positions})
        found = in_float64(described, graph, d, len(elements))
        expected = np.zeros(found.size)
        expected[case["index"]] = case["value"]
        np.testing.assert_allclose(found.ravel(), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "size", "elements"), [("ani-1", 384, 4), ("ani-1x", 384, 4), ("ani-2x", 1008, 7)]
)
def test_published_lengths(name, size, elements):
    assert PUBLISHED[name].size(elements) == size


def test_turned_moved_and_permuted():
    atoms = molecule()
    order = np.random.default_rng(1).permutation(len(atoms))
    moved = atoms[order]
    moved.rotate(71, (1, 2, 3))
    moved.translate((3, -2, 1))
    before = in_float64(described, graph_of(atoms, SMALL.cutoff), SMALL)
    after = in_float64(described, graph_of(moved, SMALL.cutoff), SMALL)
    np.testing.assert_allclose(after, before[order], atol=1e-10)


def test_supercell_repeats_the_cell():
    cell = crystal()
    one = in_float64(described, graph_of(cell, SMALL.cutoff), SMALL)
    many = in_float64(described, graph_of(cell * (2, 2, 2), SMALL.cutoff), SMALL)
    np.testing.assert_allclose(many, np.tile(one, (8, 1)), atol=1e-10)


@pytest.mark.parametrize("d", [SMALL, ODD], ids=["integer power", "any power"])
def test_derivatives_are_finite_differences(d):
    """Also where three atoms are in line: there the angle itself has no derivative."""
    atoms = ase.Atoms("HCHO", [[-1.1, 0, 0], [0, 0, 0], [1.1, 0, 0], [0.4, 1.2, 0.3]])
    graph = graph_of(atoms, d.cutoff)
    weights = np.random.default_rng(0).normal(size=(4, d.size(len(ELEMENTS))))

    def total(positions):
        moved = graph._replace(nodes={**graph.nodes, "positions": positions})
        return (described_fixed(moved, d) * weights).sum()

    with jax.enable_x64(True):
        gradient = np.asarray(jax.jit(jax.grad(total))(jnp.asarray(atoms.positions)))
        evaluate = jax.jit(total)
        for atom, axis in ((0, 0), (1, 1), (2, 2), (3, 0)):
            step = np.zeros((4, 3))
            step[atom, axis] = 1e-5
            slope = (evaluate(atoms.positions + step) - evaluate(atoms.positions - step)) / 2e-5
            assert gradient[atom, axis] == pytest.approx(float(slope), abs=1e-6)


def described_fixed(graph, d):
    return d(environment(graph, d.cutoff, d.angular_cutoff, Capacity(1.0, 4.0)), len(ELEMENTS))


def test_power_of_nearly_nothing():
    """Rounding may make the base negative: no NaN, in value or slope."""
    for exponent in (8.0, 14.1):
        value, slope = jax.value_and_grad(lambda x, e=exponent: power(x, e))(jnp.float32(-1e-8))
        assert abs(float(value)) < 1e-20
        assert np.isfinite(slope)


def test_refuses_reversed_cutoffs():
    with pytest.raises(InputError, match="angular cutoff"):
        ANIDescriptor(3.0, 4.0, 1.0, (1.0,), 1.0, 2.0, (1.0,), (0.0,))
