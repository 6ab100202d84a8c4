"""Classical potentials against ASE's calculators and against naive NumPy."""

import ase
import jax
import numpy as np
import pytest
from ase.build import bulk, fcc111, molecule
from ase.calculators.emt import EMT as AseEMT
from ase.calculators.lj import LennardJones as AseLennardJones
from ase.calculators.morse import MorsePotential
from ase.neighborlist import neighbor_list

from mlmat.errors import InputError, UnknownElementError
from mlmat.potentials import (
    MlmatCalculator,
    emt,
    evaluate,
    exact_graph,
    hessian,
    lennard_jones,
    load_potential,
    morse,
    stillinger_weber,
)
from mlmat.potentials.stillinger_weber import SILICON


def rattled(atoms, stdev=0.08, seed=1):
    atoms = atoms.copy()
    atoms.rattle(stdev, seed=seed)
    if atoms.cell.rank == 3:
        strain = np.eye(3) + 0.02 * np.random.default_rng(seed).normal(size=(3, 3))
        atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
    return atoms


def alloy():
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.symbols[[0, 3, 6]] = "Au"
    return rattled(atoms)


def cluster():
    atoms = ase.Atoms(
        "Pt4Au2",
        positions=2.7
        * np.random.default_rng(0).permutation(
            [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1]]
        ),
    )
    return rattled(atoms)


CASES = {
    "EMT alloy": (emt(("Cu", "Au")), AseEMT(), alloy()),
    "EMT cluster": (emt(("Au", "Pt")), AseEMT(), cluster()),
    "EMT slab": (emt(("Pt", "Al", "Ni")), AseEMT(), rattled(fcc111("Pt", (2, 2, 2), vacuum=6.0))),
    "Lennard-Jones": (
        lennard_jones(smooth=False),
        AseLennardJones(epsilon=0.01042, sigma=3.405, rc=3 * 3.405),
        rattled(bulk("Ar", "fcc", a=5.3)),
    ),
    "Morse": (
        morse(),
        MorsePotential(epsilon=0.3429, r0=2.866, rho0=1.3588 * 2.866),
        rattled(bulk("Cu", cubic=True)),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_energies_forces_and_stress_are_those_of_ase(name):
    potential, reference, atoms = CASES[name]
    ours, theirs = atoms.copy(), atoms.copy()
    ours.calc, theirs.calc = MlmatCalculator(potential), reference
    assert ours.get_potential_energy() == pytest.approx(theirs.get_potential_energy(), abs=1e-8)
    if not name.startswith("EMT"):  # where ASE shares a term of two atoms in another way
        np.testing.assert_allclose(ours.get_potential_energies(), theirs.get_potential_energies(), atol=1e-8)
    np.testing.assert_allclose(ours.get_forces(), theirs.get_forces(), atol=1e-8)
    if atoms.cell.rank == 3:
        np.testing.assert_allclose(ours.get_stress(), theirs.get_stress(), atol=1e-8)


def naive_stillinger_weber(atoms):
    p, reach = SILICON, 1.8 * SILICON["sigma"]
    i, _, r, vectors = neighbor_list("ijdD", atoms, reach)
    energy = 0.0
    for d in r:
        pair = p["A"] * (p["B"] * (p["sigma"] / d) ** 4 - 1) * np.exp(p["sigma"] / (d - reach))
        energy += 0.5 * p["epsilon"] * pair
    for atom in range(len(atoms)):
        (mine,) = np.nonzero(i == atom)
        for a, first in enumerate(mine):
            for second in mine[a + 1 :]:
                cosine = vectors[first] @ vectors[second] / (r[first] * r[second])
                decay = sum(p["gamma"] * p["sigma"] / (r[k] - reach) for k in (first, second))
                energy += p["epsilon"] * p["lambda"] * np.exp(decay) * (cosine + 1 / 3) ** 2
    return energy


@pytest.mark.parametrize("atoms", [rattled(bulk("Si"), 0.2), rattled(bulk("Si", cubic=True), 0.3)])
def test_stillinger_weber_equals_the_sum_over_triples(atoms):
    atoms.calc = MlmatCalculator(stillinger_weber())
    assert atoms.get_potential_energy() == pytest.approx(naive_stillinger_weber(atoms), abs=1e-10)


def test_stillinger_weber_silicon_has_the_published_cohesive_energy():
    # -2 ε per atom in the ideal crystal at the spacing of least energy, 5.431 Å.
    atoms = bulk("Si", a=5.431)
    atoms.calc = MlmatCalculator(stillinger_weber())
    assert atoms.get_potential_energy() / 2 == pytest.approx(-2 * SILICON["epsilon"], abs=1e-5)
    assert np.abs(atoms.get_stress()).max() < 1e-4


POTENTIALS = {
    "EMT": (emt(("Cu", "Au")), alloy()),
    "Lennard-Jones": (lennard_jones(), rattled(bulk("Ar", "fcc", a=5.3))),
    "Stillinger-Weber": (stillinger_weber(), rattled(bulk("Si"), 0.2)),
}


@pytest.mark.parametrize("name", POTENTIALS)
def test_derivatives_equal_finite_differences(name):
    potential, atoms = POTENTIALS[name]
    atoms.calc = MlmatCalculator(potential)
    step = 1e-5
    forces, stress = atoms.get_forces(), atoms.get_stress(voigt=False)

    def after(change):
        other = atoms.copy()
        other.calc = atoms.calc
        change(other)
        return other.get_potential_energy()

    for atom, axis in ((0, 0), (1 % len(atoms), 2)):

        def push(other, by, atom=atom, axis=axis):
            other.positions[atom, axis] += by

        slope = (after(lambda o: push(o, step)) - after(lambda o: push(o, -step))) / (2 * step)
        assert -slope == pytest.approx(forces[atom, axis], abs=1e-6)
    for a, b in ((0, 0), (0, 1), (2, 1)):

        def strain(other, by, a=a, b=b):
            tensor = np.eye(3)
            tensor[a, b] += by / 2
            tensor[b, a] += by / 2
            other.set_cell(other.cell.array @ tensor, scale_atoms=True)

        slope = (after(lambda o: strain(o, step)) - after(lambda o: strain(o, -step))) / (2 * step)
        assert slope / atoms.get_volume() == pytest.approx(stress[a, b], abs=1e-6)


def test_hessian_equals_differences_of_forces():
    atoms, potential = POTENTIALS["Stillinger-Weber"][1].copy(), stillinger_weber()
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(hessian)(potential, exact_graph(potential, atoms)))
    np.testing.assert_allclose(found, found.T, atol=1e-10)
    atoms.calc, step = MlmatCalculator(potential), 1e-5
    for k in (0, 4):
        rows = []
        for sign in (1, -1):
            other = atoms.copy()
            other.calc = atoms.calc
            other.positions.reshape(-1)[k] += sign * step
            rows.append(other.get_forces().reshape(-1))
        np.testing.assert_allclose(found[k], -(rows[0] - rows[1]) / (2 * step), atol=1e-6)


def test_an_isolated_atom_of_emt_is_finite():
    atoms = ase.Atoms("Pt", positions=[[1.0, 2.0, 3.0]])
    atoms.calc = MlmatCalculator(emt(("Pt",)))
    theirs = atoms.copy()
    theirs.calc = AseEMT()
    assert atoms.get_potential_energy() == pytest.approx(theirs.get_potential_energy())
    assert np.abs(atoms.get_forces()).max() == 0


def test_other_parameters_do_not_compile_again():
    traces = []

    @jax.jit
    def energy(potential, graph):
        traces.append(1)
        return evaluate(potential, graph).energy

    atoms = bulk("Ar", "fcc", a=5.3)
    weak, strong = lennard_jones(epsilon=0.01), lennard_jones(epsilon=0.02)
    graph = weak.encoder(atoms)
    assert float(energy(strong, graph)[0]) == pytest.approx(2 * float(energy(weak, graph)[0]), rel=1e-5)
    assert len(traces) == 1


def test_what_is_not_covered_is_said():
    with pytest.raises(UnknownElementError, match="Fe"):
        emt(("Fe",))
    with pytest.raises(InputError, match="neither a predictor file nor"):
        load_potential("lennard")
    with pytest.raises(InputError, match="one positive number"):
        lennard_jones(epsilon=(0.1, 0.2))
    atoms = molecule("H2O")
    atoms.calc = MlmatCalculator(stillinger_weber())
    with pytest.raises(UnknownElementError, match="covers Si"):
        atoms.get_potential_energy()
