"""Constraints hold for whatever is realised, however wild the variables."""

import jax
import numpy as np
import pytest

from mlmat.design.molecules.constraints import Constraints, parse_elements, parse_rings, parse_span
from mlmat.design.molecules.problem import molecule_problem
from mlmat.design.molecules.realise import Realised
from mlmat.design.molecules.space import MoleculeVariables, decode_variables
from mlmat.design.wants import parse_want
from mlmat.errors import CapacityError, InputError, SmilesError
from mlmat.graphs.chemistry import VALENCES, canonical_smiles, parse_smiles
from mlmat.graphs.stability import stability_violations

CAPACITY = 10
MOLECULES = 40
decode = jax.jit(jax.vmap(lambda x: decode_variables(x, 4.0)))

CASES = {
    "elements, size, no rings": Constraints(elements=("C", "O"), sizes=(4, 6), rings=()),
    "six-rings": Constraints(rings=(6,), sizes=(8, 10)),
    "benzene": Constraints(keep="c1ccccc1", sizes=(7, 10)),
    "amide": Constraints(keep="C(=O)[NH2]", rings=(5, 6)),
    "start": Constraints(start="CC(=O)c1ccncc1", keep="c1ccncc1", elements=("C", "N", "O")),
}


def wild_graphs(constraints, strength):
    """Relaxed molecules whose logits are far from where a search begins."""
    problem = molecule_problem(parse_want("gap=4"), CAPACITY, constraints)
    x = jax.jit(jax.vmap(problem.init))(jax.random.split(jax.random.key(7), MOLECULES))
    rng = np.random.default_rng(7)
    x = x._replace(
        types=np.asarray(x.types + strength * rng.normal(size=x.types.shape), np.float32),
        bonds=np.asarray(x.bonds + strength * rng.normal(size=x.bonds.shape), np.float32),
    )
    return problem, jax.tree.map(np.asarray, (x, decode(x)))


@pytest.mark.parametrize("name", CASES)
def test_every_realised_molecule_obeys_and_is_a_stable_neutral_member(name):
    constraints = CASES[name]
    problem, (x, graphs) = wild_graphs(constraints, 3.0)
    kept = len(parse_smiles(constraints.keep).GetAtoms()) if constraints.keep else 0
    found = []
    for i in range(MOLECULES):
        graph = jax.tree.map(lambda leaf, i=i: leaf[i], graphs)
        assert (graph.bonds.sum(-1) <= graph.types @ np.array(VALENCES) + 1e-4).all()
        # Between kept atoms the relaxed bonds are the tree's, whatever the logits.
        np.testing.assert_array_equal(graph.bonds[:kept, :kept], x.tree[i][:kept, :kept])
        outcome = problem.realise(graph)
        if isinstance(outcome, Realised):
            found.append(parse_smiles(outcome.smiles))
    assert len(found) >= 0.9 * MOLECULES
    for molecule in found:
        assert not stability_violations(molecule)
        assert constraints.allows(molecule)
        assert all(atom.GetFormalCharge() == 0 for atom in molecule.GetAtoms())
    assert len({canonical_smiles(molecule) for molecule in found}) >= 3


def test_starts_without_noise_are_the_molecule_to_start_from():
    for smiles in ("CC(=O)c1ccccc1", "C1CC2CC1CO2"):
        problem = molecule_problem(
            parse_want("gap=4"), CAPACITY, start=smiles, sizes=(1, parse_smiles(smiles).GetNumAtoms())
        )
        x = jax.jit(jax.vmap(problem.init))(jax.random.split(jax.random.key(0), MOLECULES))
        graphs = jax.tree.map(np.asarray, decode(x))
        found = [problem.realise(jax.tree.map(lambda leaf, i=i: leaf[i], graphs)) for i in range(8)]
        same = canonical_smiles(parse_smiles(smiles))
        assert sum(isinstance(f, Realised) and f.smiles == same for f in found) >= 5


def test_fixed_entries_have_no_gradient():
    problem = molecule_problem(parse_want("gap=4"), CAPACITY, keep="CC=O", rings=(5,))

    def height(x):
        return (problem.decode(x, 2.0, None).bonds ** 2).sum()

    slope = jax.jit(jax.grad(height))(problem.init(jax.random.key(0)))
    assert isinstance(slope, MoleculeVariables)
    assert np.abs(slope.bonds).max() > 0
    assert not any(np.asarray(leaf).any() for leaf in (slope.tree, slope.mask, slope.allowed, slope.open))
    assert not np.asarray(slope.bonds)[:3, :3].any()


def test_ring_closures_are_open_at_the_allowed_distances_only():
    x = molecule_problem(parse_want("gap=4"), CAPACITY, rings=(6,)).init(jax.random.key(3))
    tree, grows = np.asarray(x.tree), np.asarray(x.open)
    distance = np.full(tree.shape, 99)
    for length in range(CAPACITY, -1, -1):
        distance[np.linalg.matrix_power(tree + np.eye(CAPACITY), length) > 0] = length
    real = np.outer(x.mask, x.mask) > 0
    np.testing.assert_array_equal(grows[real] > 0, np.isin(distance, (1, 5))[real])


def test_allows_judges_smiles_and_molecules():
    constraints = Constraints(elements=("C", "N"), sizes=(2, 6), rings=(6,), keep="CN")
    assert constraints.allows("c1ccncc1") is False  # aromatic bonds: the kept bond is single
    assert constraints.allows("C1CCNCC1")
    assert constraints.allows(parse_smiles("CCN"))
    for broken in ("CCO", "CCCCCCN", "C1CCNC1", "CC"):
        assert not constraints.allows(broken)
    assert Constraints().allows("CC(=O)OC1CC1")


@pytest.mark.parametrize(
    ("fields", "error", "reason"),
    [
        ({"elements": ("C", "Si")}, InputError, "unknown element 'Si'"),
        ({"elements": ("N", "O")}, InputError, "add C"),
        ({"sizes": (5, 4)}, InputError, "sizes must rise"),
        ({"rings": (2, 6)}, InputError, "at least 3 atoms"),
        ({"keep": "C("}, InputError, "cannot read"),
        ({"keep": "C.C"}, InputError, "one connected"),
        ({"start": "not"}, SmilesError, "bad SMILES"),
        ({"start": "CCO", "elements": ("C", "N")}, InputError, "element that is not allowed"),
        ({"start": "CCO", "keep": "CN"}, InputError, "not the substructure"),
        ({"start": "C1CC1", "rings": (6,)}, InputError, "ring size"),
        ({"keep": "CCO", "elements": ("C", "N")}, InputError, "add it"),
        ({"keep": "C" * 11}, CapacityError, "more than 10"),
        ({"keep": "CCCC", "sizes": (2, 3)}, CapacityError, "more than 3"),
        ({"sizes": (12, 14)}, CapacityError, "do not fit"),
        ({"keep": "[CH4]", "sizes": (3, 5)}, InputError, "nothing can be attached"),
    ],
)
def test_impossible_constraints_are_refused_with_the_reason(fields, error, reason):
    with pytest.raises(error, match=reason):
        molecule_problem(parse_want("gap=4"), CAPACITY, Constraints(**fields))


def test_reading_them_from_text():
    assert parse_span("6..10", "size") == (6, 10)
    assert parse_span("8", "size") == (8, 8)
    assert parse_rings("any") is None
    assert parse_rings("none") == ()
    assert parse_rings("3,5..7") == (3, 5, 6, 7)
    assert parse_elements("C, N") == ("C", "N")
    with pytest.raises(InputError, match=r"6\.\.10"):
        parse_span("many", "size")
