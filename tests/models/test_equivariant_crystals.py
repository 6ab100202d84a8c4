"""The equivariant network on crystals, with the mean over atoms: nothing but the material counts."""

import ase
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase.build import bulk, make_supercell
from scipy.spatial.transform import Rotation

from mlmat.descriptors.element_vectors import element_vectors
from mlmat.graphs.packing import Budget, pack
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.equivariant import Equivariant

ELEMENTS = ("Na", "Cl", "Cu", "Ti", "O")
CUTOFF = 4.0
ENCODER = RadiusGraphEncoder(ELEMENTS, CUTOFF)
MODEL = Equivariant(
    len(ELEMENTS),
    2,
    features=4,
    layers=2,
    order=2,
    basis=3,
    cutoff=CUTOFF,
    neighbours=6.0,
    width=24,
    pooling="mean",
    symbols=ELEMENTS,
)
BUDGET = Budget(40, 900, 5)


def rough():
    atoms = bulk("NaCl", "rocksalt", 5.64)
    atoms.rattle(0.15, seed=1)
    atoms.set_cell(atoms.cell.array @ np.array([[1, 0.05, 0], [0, 1.02, 0], [0.03, 0, 1]]), scale_atoms=True)
    return atoms


def turned(atoms):
    matrix = Rotation.random(random_state=2).as_matrix()
    return ase.Atoms(atoms.numbers, atoms.positions @ matrix.T, cell=atoms.cell.array @ matrix.T, pbc=True)


def moved(atoms):
    found = atoms.copy()
    found.positions += [1.3, -4.0, 0.7]
    found.wrap()
    return found


CASES = {
    "rotation": turned,
    "mirror image": lambda atoms: ase.Atoms(
        atoms.numbers, -atoms.positions, cell=-atoms.cell.array, pbc=True
    ),
    "translation": moved,
    "permutation": lambda atoms: atoms[::-1],
    "supercell": lambda atoms: atoms * (2, 2, 2),
    "another cell of the same lattice": lambda atoms: make_supercell(
        atoms, [[1, 1, 0], [0, 1, 0], [0, 2, 1]]
    ),
}


@pytest.fixture(scope="module")
def variables():
    shapes = jax.eval_shape(MODEL.init, jax.random.key(0), batch_of([rough()]))
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: rng.normal(0, 0.9, leaf.shape), shapes)


def batch_of(structures, budget=BUDGET):
    (batch,) = pack(map(ENCODER, structures), budget)
    return batch


@jax.jit
def apply(variables, graph):
    return MODEL.apply(variables, graph), MODEL.apply(variables, graph, method="atomic")


def values(variables, structures, budget=BUDGET):
    """Properties of the structures, and what their atoms contribute."""
    with jax.enable_x64(True):
        graph = jax.tree.map(
            lambda leaf: jnp.asarray(leaf, float) if leaf.dtype == np.float32 else leaf,
            batch_of(structures, budget),
        )
        found, parts = apply(variables, graph)
        return np.asarray(found)[: len(structures)], np.asarray(parts)


@pytest.mark.parametrize("name", CASES)
def test_what_is_the_same_crystal_has_the_same_properties(name, variables):
    before, after = values(variables, [rough(), CASES[name](rough())])[0]
    # Positions are rounded to single precision in a graph.
    np.testing.assert_allclose(after, before, rtol=3e-5, atol=1e-5)
    other = rough()
    other.positions[0, 0] += 0.2
    assert np.abs(values(variables, [other])[0][0] - before).max() > 1e-2


def test_weights_that_elements_have_in_common_are_rows_of_a_table_of_their_properties(variables):
    bits = element_vectors(ELEMENTS)
    bits = bits / bits.sum(axis=1).mean() ** 0.5

    def table(node, base):
        return bits @ node["kernel"] + base

    params = {name: dict(node) for name, node in variables["params"].items()}
    params["embedding"] = {"embedding": table(params["embedding"], 0)}
    params["gain_1"] = {"embedding": table(params["gain_1"], 1)}
    for name, node in params["products_1"].items():
        params["products_1"][name] = table(node, 0).reshape(len(ELEMENTS), MODEL.features, -1)
    free = MODEL.clone(symbols=())
    shapes = jax.eval_shape(free.init, jax.random.key(0), batch_of([rough()]))["params"]
    assert jax.tree.map(np.shape, params) == jax.tree.map(lambda leaf: leaf.shape, dict(shapes))
    structures = [rough(), bulk("Cu")]
    with jax.enable_x64(True):
        found = free.apply({**variables, "params": params}, batch_of(structures))[:2]
    np.testing.assert_allclose(found, values(variables, structures)[0], rtol=2e-4, atol=1e-5)


def test_the_mean_of_what_atoms_contribute(variables):
    structures = [rough(), bulk("Cu"), rough() * (2, 1, 1)]
    found, parts = values(variables, structures)
    sizes = [len(atoms) for atoms in structures]
    expected = [part.mean(axis=0) for part in np.split(parts[: sum(sizes)], np.cumsum(sizes)[:-1])]
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_padding_and_neighbours_in_the_batch_change_neither_value_nor_gradient(variables):
    lonely = ase.Atoms("Cu", cell=[20, 20, 20], pbc=True)

    def gradient(batch):
        def loss(variables):
            return MODEL.apply(variables, batch)[0].sum()

        return jax.jit(jax.grad(loss))(variables)

    small, large = batch_of([rough()], Budget(3, 80, 2)), batch_of([rough(), lonely, bulk("Cu")])
    for a, b in zip(*map(jax.tree.leaves, map(gradient, (small, large))), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5)
    alone, _ = values(variables, [rough()], Budget(3, 80, 2))
    found, _ = values(variables, [rough(), lonely, bulk("Cu")])
    np.testing.assert_allclose(found[0], alone[0], rtol=1e-9)
    assert np.isfinite(found).all()
