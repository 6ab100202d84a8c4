"""The equivariant network: turned, mirrored, padded, repeated and differentiated."""

import ase
import e3nn_jax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.neighborlist import neighbor_list
from scipy.spatial.transform import Rotation
from scipy.special import eval_legendre, sph_harm_y

from mlmat.graphs.packing import Budget, pack
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.equivariant import SCALING, Equivariant, whitened
from mlmat.nn.equivariant import couplings, spherical_harmonics
from mlmat.nn.neighbour_table import neighbour_table
from mlmat.nn.power_spectrum import higher_harmonics
from mlmat.nn.radial import bessel_basis

ELEMENTS = ("H", "C", "O", "Si")
CUTOFF = 3.5
ENCODER = RadiusGraphEncoder(ELEMENTS, CUTOFF)
MODEL = Equivariant(
    len(ELEMENTS), 1, features=4, layers=3, basis=4, degree=4, cutoff=CUTOFF, neighbours=6.0, width=20
)
BUDGET = Budget(48, 700, 6)


def crystal():
    atoms = bulk("Si", "diamond", a=5.43)
    atoms.positions[1] += [0.2, -0.1, 0.3]
    atoms.symbols[0] = "C"
    return atoms


def batch_of(structures, budget=BUDGET):
    (batch,) = pack(map(ENCODER, structures), budget)
    return batch


@pytest.fixture(scope="module")
def variables():
    shapes = jax.eval_shape(MODEL.init, jax.random.key(0), batch_of([molecule("H2O")]))
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda leaf: rng.normal(0, 0.4, leaf.shape), shapes)


def exact(graph):
    """The same graph with positions and shifts in float64; to be called inside `jax.enable_x64`."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, float) if leaf.dtype == np.float32 else leaf, graph)


@jax.jit
def energies_and_gradient(variables, graph):
    def total(positions, shift):
        nodes = {**graph.nodes, "positions": positions}
        values = MODEL.apply(variables, graph._replace(nodes=nodes, edges={"shift": shift}))
        return values[: graph.n_node.shape[0] - 1].sum(), values[:, 0]

    gradient, values = jax.grad(total, argnums=(0, 1), has_aux=True)(
        graph.nodes["positions"], graph.edges["shift"]
    )
    return values, gradient


def evaluated(variables, graph):
    with jax.enable_x64(True):
        values, gradient = energies_and_gradient(variables, exact(graph))
        return np.asarray(values), tuple(map(np.asarray, gradient))


@pytest.mark.parametrize("path", list(couplings()))
def test_couplings_are_those_of_e3nn(path):
    """Equal up to sign: the invariant coupling of three irreps is unique up to a factor."""
    expected = e3nn_jax.clebsch_gordan(*path)
    ours = couplings()[path]
    # e3nn's l = 2 has the same five functions with y as its axis: x, y, z → z, x, y.
    turned = np.linalg.lstsq(
        spherical_harmonics(jnp.asarray(SAMPLE)),
        np.asarray(e3nn_jax.spherical_harmonics("0e+1o+2e", SAMPLE, True).array),
    )[0]
    change = [turned[part, part] / np.linalg.norm(turned[part, part], 2) for part in BLOCKS]
    a, b, c = (change[order] for order in path)
    moved = np.einsum("abc,ai,bj,ck->ijk", ours, a, b, c)
    overlap = (moved * expected).sum() / np.sqrt((moved**2).sum() * (expected**2).sum())
    assert abs(overlap) == pytest.approx(1.0, abs=1e-5)


SAMPLE = np.random.default_rng(5).normal(size=(200, 3)).astype(np.float32)
BLOCKS = (slice(0, 1), slice(1, 4), slice(4, 9))


def test_spherical_harmonics_have_unit_mean_square():
    directions = np.random.default_rng(0).normal(size=(40_000, 3))
    y = np.asarray(spherical_harmonics(jnp.asarray(directions)))
    np.testing.assert_allclose(y.T @ y / len(y), np.eye(9), atol=0.03)


def test_turning_and_mirroring_turn_the_forces(variables):
    plain = molecule("CH3CH2OH")
    rotation = Rotation.random(random_state=3).as_matrix()
    for matrix in (rotation, -rotation):
        turned = plain.copy()
        turned.positions = plain.positions @ matrix.T + [3.0, -7.0, 2.0]
        reordered = plain[::-1]
        batch = batch_of([plain, turned, reordered])
        # In float64 from the start: rounded positions would not be exactly turned.
        positions = np.zeros((BUDGET.n_node, 3))
        positions[:27] = np.concatenate([plain.positions, turned.positions, reordered.positions])
        batch = batch._replace(nodes={**batch.nodes, "positions": positions})
        energy, (gradient, _) = evaluated(variables, batch)
        np.testing.assert_allclose(energy[1:3], energy[0], rtol=1e-10)
        np.testing.assert_allclose(gradient[9:18], gradient[:9] @ matrix.T, atol=1e-9)
        np.testing.assert_allclose(gradient[18:27], gradient[:9][::-1], atol=1e-9)
        assert np.abs(gradient[:9]).max() > 1e-2


def test_forces_and_virial_are_finite_differences(variables):
    batch = batch_of([molecule("CH3CH2OH"), crystal()])
    _, (by_positions, by_shift) = evaluated(variables, batch)
    assert not np.isnan(by_positions).any()
    rng = np.random.default_rng(0)
    directions = [rng.normal(size=leaf.shape) for leaf in (by_positions, by_shift)]
    directions[1][int(batch.n_edge[:2].sum()) :] = 0.0  # padding edges stay without shift
    step, values = 1e-4, []
    for sign in (-1, 1):
        moved = batch._replace(
            nodes={**batch.nodes, "positions": batch.nodes["positions"] + sign * step * directions[0]},
            edges={"shift": batch.edges["shift"] + sign * step * directions[1]},
        )
        values.append(evaluated(variables, moved)[0][:2].sum())
    slope = (by_positions * directions[0]).sum() + (by_shift * directions[1]).sum()
    np.testing.assert_allclose((values[1] - values[0]) / (2 * step), slope, rtol=1e-6)


def test_padding_and_batch_mates_change_nothing(variables):
    alone, _ = evaluated(variables, batch_of([crystal()]))
    together, _ = evaluated(variables, batch_of([molecule("CH4"), crystal(), ase.Atoms("H")]))
    np.testing.assert_allclose(together[1], alone[0], rtol=1e-9)
    assert np.isfinite(together[:3]).all()


def test_supercell_is_extensive_and_cells_may_be_small(variables):
    one, _ = evaluated(variables, batch_of([crystal()]))
    eight, _ = evaluated(variables, batch_of([crystal() * (2, 2, 2)]))
    np.testing.assert_allclose(eight[0], 8 * one[0], rtol=1e-6)


def test_an_atom_beyond_the_cutoff_is_not_there(variables):
    pair = ase.Atoms("CO", [[0, 0, 0], [0, 0, CUTOFF - 1e-3]])
    far = ase.Atoms("CO", [[0, 0, 0], [0, 0, CUTOFF + 1.0]])
    (near_energy, far_energy), _ = evaluated(variables, batch_of([pair, far]))[0][:2], None
    np.testing.assert_allclose(near_energy, far_energy, atol=1e-6)


def test_too_many_neighbours_give_nan_and_not_a_wrong_number(variables):
    narrow = MODEL.clone(width=3)
    values = jax.jit(narrow.apply)(variables, batch_of([crystal(), molecule("H2O")]))
    assert np.isnan(values[0])
    assert np.isfinite(values[1])


def test_table_holds_the_neighbours_even_with_padding_between_them():
    # A graph up to 3.5 Å with a table up to 2.6 Å: padding stands between the edges that count.
    structures = [crystal(), molecule("H2O")]
    table = jax.jit(lambda graph: neighbour_table(graph, 2.6, 20))(batch_of(structures))
    expected = np.concatenate([np.bincount(neighbor_list("i", a, 2.6), minlength=len(a)) for a in structures])
    np.testing.assert_array_equal(table.inside.sum(axis=1)[:5], expected)
    lengths = np.concatenate([neighbor_list("d", a, 2.6) for a in structures])
    np.testing.assert_allclose(np.sort(table.distances[table.inside]), np.sort(lengths), atol=1e-5)
    assert not table.overflow.any()


def test_it_grows_with_the_neighbours_it_meets(variables):
    small = Equivariant(len(ELEMENTS), features=4, layers=2, cutoff=CUTOFF, width=4)
    graphs = [ENCODER(crystal()), ENCODER(molecule("H2O"))]
    counts = np.concatenate([np.bincount(graph.receivers, minlength=graph.n_node[0]) for graph in graphs])
    grown = small.grown(graphs)
    assert grown.width == 4 * -(-counts.max() // 4)
    assert grown.neighbours == pytest.approx(counts.mean())
    # A scale that was trained with stays; room is never taken away.
    later = grown.grown([ENCODER(ase.Atoms("H"))])
    assert later == grown
    wider = MODEL.clone(width=32)
    batch = batch_of([crystal(), molecule("H2O")])
    np.testing.assert_allclose(
        jax.jit(wider.apply)(variables, batch)[:2], jax.jit(MODEL.apply)(variables, batch)[:2], rtol=1e-5
    )


def rattled(count):
    found = []
    for seed in range(count):
        atoms = bulk("Si", "diamond", a=5.43).repeat(2)
        atoms.rattle(0.1, seed=seed)
        found.append(atoms)
    return found


def test_radial_functions_are_whitened_over_the_training_atoms(variables):
    graphs = [ENCODER(atoms) for atoms in rattled(8)]
    model = MODEL.grown(graphs)
    members = jax.tree.map(lambda leaf: np.stack([leaf] * 2), variables)
    found = model.fitted(members, graphs)
    assert jax.tree.structure(found["params"]) == jax.tree.structure(members["params"])
    mixing, centre = (np.asarray(found[SCALING][name][1]) for name in ("mixing", "centre"))
    assert mixing.shape == (5, 4, 4)
    for degree in range(5):
        sums = np.concatenate([sums_of(atoms, degree) for atoms in rattled(8)])
        if degree == 0:
            np.testing.assert_allclose((sums @ mixing[0]).mean(axis=0)[0], centre, rtol=1e-4, atol=1e-4)
            sums = sums - sums.mean(axis=0)
        sums = sums.reshape(-1, 4)
        spread = np.linalg.eigvalsh(sums.T @ sums)
        white = mixing[degree].T @ sums.T @ sums @ mixing[degree] / len(sums)
        assert spread[-1] > 1000 * spread[0]
        np.testing.assert_allclose(white, np.diag(np.diag(white)), atol=1e-2)
        # The larger half has unit variance, what hardly varies is not blown up to it.
        np.testing.assert_allclose(np.diag(white)[-2:], 1.0, atol=0.1)
        assert np.diag(white).max() < 1.1


def sums_of(atoms, degree):
    """Σ_j B_k Y_lm of each atom over √6, ``[n, 2l + 1, 4]``, by ASE, SciPy and NumPy."""
    i, d, vectors = neighbor_list("idD", atoms, CUTOFF)
    envelope = np.asarray(bessel_basis(jnp.asarray(d), 4, CUTOFF))
    found = np.zeros((len(atoms), 2 * degree + 1, 4))
    np.add.at(found, i, real_harmonics(degree, vectors)[:, :, None] * envelope[:, None] / 6.0**0.5)
    return found


def real_harmonics(degree, vectors):
    """``[N, 2l + 1]`` by SciPy, each of mean square 1."""
    polar, azimuth = np.arccos(vectors[:, 2] / np.linalg.norm(vectors, axis=1)), np.arctan2(*vectors.T[1::-1])
    parts = []
    for order in range(degree + 1):
        y = sph_harm_y(degree, order, polar, azimuth) * (4 * np.pi) ** 0.5
        parts += [y.real] if order == 0 else [y.real * 2**0.5, y.imag * 2**0.5]
    return np.stack(parts, axis=1)


def test_scalars_of_pairs_are_legendre_polynomials_of_angles():
    vectors = np.random.default_rng(3).normal(size=(6, 3))
    unit = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    found = higher_harmonics(jnp.asarray(vectors), 6)
    assert [y.shape for y in found] == [(6, 7), (6, 9), (6, 11), (6, 13)]
    for degree, y in enumerate(found, start=3):
        expected = (2 * degree + 1) * eval_legendre(degree, unit @ unit.T)
        np.testing.assert_allclose(y @ y.T, expected, atol=1e-4)
    assert not np.any(jnp.concatenate(higher_harmonics(jnp.zeros((2, 3)), 4), axis=-1))
    assert higher_harmonics(jnp.asarray(vectors), 2) == []


def test_atoms_that_are_all_the_same_are_whitened_to_finite_numbers():
    mixing, centre = whitened(np.ones((5, 9, 4)), 0.1)
    assert np.isfinite(mixing).all()
    assert np.isfinite(centre).all()
    assert np.abs(mixing).max() < 1e4


def test_variables_without_a_scaling_are_those_of_no_whitening(variables):
    batch = batch_of([crystal()])
    for mixing in (np.eye(4), np.tile(np.eye(4), (5, 1, 1))):  # one R for every l, or one each
        plain = {"mixing": mixing, "centre": np.zeros(4)}
        expected = MODEL.apply({"params": variables["params"], SCALING: plain}, batch)
        np.testing.assert_array_equal(MODEL.apply({"params": variables["params"]}, batch), expected)
