"""Soft path counts are the counts of a real molecule, and their similarity has a gradient."""

from itertools import product

import jax
import numpy as np
import pytest

from mlmat.design.molecules.space import decode_variables, init_variables
from mlmat.design.similarity import path_counts, similarities, similarity
from mlmat.graphs.chemistry import ELEMENTS, VALENCES, parse_smiles
from mlmat.graphs.softgraph import all_forms, from_smiles
from mlmat.typing import SoftGraph

CAPACITY = 12
counts = jax.jit(path_counts)
start = jax.jit(lambda seed: init_variables(jax.random.key(seed), CAPACITY))
decode = jax.jit(lambda x: decode_variables(x, 2.0))

SMILES = ["C", "CC(=O)Nc1ccc(F)cc1", "C1CC2CC1CS2", "C1CC1C#N", "O=C1CCC2CC12"]


def discrete_counts(smiles):
    """Hydrogens and simple paths, walked one by one."""
    molecule = parse_smiles(smiles)
    atoms = [ELEMENTS.index(a.GetSymbol()) for a in molecule.GetAtoms()]
    near = [[b.GetIdx() for b in a.GetNeighbors()] for a in molecule.GetAtoms()]
    hydrogens = np.zeros(len(ELEMENTS))
    for atom, kind in zip(molecule.GetAtoms(), atoms, strict=True):
        hydrogens[kind] += atom.GetTotalNumHs()
    paths = [(i,) for i in range(len(atoms))]
    parts = [hydrogens]
    for length in range(1, 5):
        table = np.zeros((len(ELEMENTS),) * length)
        for path in paths:
            table[tuple(atoms[i] for i in path)] += 1
        parts.append(table.ravel())
        paths = [(*path, i) for path in paths for i in near[path[-1]] if i not in path]
    return np.concatenate(parts)


@pytest.mark.parametrize("smiles", SMILES)
def test_counts_of_a_real_molecule_are_integers_anybody_would_count(smiles):
    np.testing.assert_allclose(counts(from_smiles(smiles, CAPACITY)), discrete_counts(smiles), atol=1e-4)


def test_similarity_is_the_discrete_formula_on_real_molecules():
    for one, other in product(SMILES[1:], repeat=2):
        x, y = discrete_counts(one), discrete_counts(other)
        expected = x @ y / (x @ x + y @ y - x @ y)
        assert similarities([one], other)[0] == pytest.approx(expected, abs=1e-5)
        assert (expected == pytest.approx(1.0)) == (one == other)


def test_all_kekule_forms_and_what_lies_between_are_the_same_molecule():
    forms = all_forms(parse_smiles("Cc1ccncc1F"), CAPACITY)
    assert len(forms) > 1
    reference = counts(forms[0])
    np.testing.assert_allclose(counts(forms[1]), reference, atol=1e-4)
    between = forms[0]._replace(bonds=(forms[0].bonds + forms[1].bonds) / 2)
    np.testing.assert_allclose(counts(between), reference, atol=1e-4)


def test_order_and_padding_of_atoms_do_not_matter():
    graph = jax.tree.map(np.asarray, decode(start(1)))
    order = np.random.default_rng(0).permutation(CAPACITY)
    shuffled = SoftGraph(graph.types[order], graph.bonds[order][:, order], graph.mask[order])
    types = np.pad(graph.types, [(0, 3), (0, 0)])
    padded = SoftGraph(types, np.pad(graph.bonds, (0, 3)), np.pad(graph.mask, (0, 3)))
    for other in (shuffled, padded):
        np.testing.assert_allclose(counts(other), counts(graph), rtol=1e-4, atol=1e-4)


def test_climbing_the_similarity_leads_towards_the_molecule():
    target = counts(from_smiles("CC(=O)CC", CAPACITY))
    x = start(0)

    def height(x):
        return similarity(path_counts(decode_variables(x, 2.0)), target)

    step = jax.jit(jax.value_and_grad(height))
    first, slope = step(x)
    for _ in range(60):
        _, slope = step(x)
        x = x._replace(types=x.types + 3 * slope.types, bonds=x.bonds + 3 * slope.bonds)
    assert step(x)[0] > first + 0.05


def test_hydrogens_are_the_valence_that_is_left():
    found = np.asarray(counts(from_smiles("CO", CAPACITY)))
    assert found[:5].tolist() == [VALENCES[0] - 1, 0, VALENCES[2] - 1, 0, 0]


def test_molecules_may_come_as_graphs():
    smiles = ["CCO", "c1ccncc1N", "OC1CC1"] * 30
    by_graph = similarities(from_smiles(smiles, 9), "CCN")
    np.testing.assert_allclose(by_graph, similarities(smiles, "CCN"), atol=1e-6)
