"""Alloys and sites as mixtures: surroundings counted on real slabs, the equations in NumPy, gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase.neighborlist import neighbor_list

from mlmat.data.alloy_sites import KINDS, all_sites, alloy_rows
from mlmat.data.alloy_slabs import alloy_slab
from mlmat.data.dataset import Dataset
from mlmat.descriptors.element_vectors import element_vectors
from mlmat.models.alloy_sites import AlloySiteNetwork, AlloySites

SYMBOLS = ("Cu", "Ni", "Pt")
SITES = all_sites()
NETWORK = AlloySiteNetwork(SYMBOLS, SITES, features=4, hidden=(6,))
apply = jax.jit(NETWORK.apply)


@pytest.mark.parametrize("site", SITES, ids=lambda site: f"{site.prototype} {site.label}")
def test_surroundings_are_those_of_a_slab(site):
    slab = alloy_slab("Ni", "Pt", site.prototype, site.label, "N")
    top, below = (np.abs(slab.positions[:, 2] - slab.positions[k, 2]) < 0.1 for k in (11, 7))
    i, j, d = neighbor_list("ijd", slab, 3.6)
    nitrogen = len(slab) - 1
    order = np.argsort(d[i == nitrogen])
    count = {"top": 1, "bridge": 2, "hollow": 3}[site.label.split("|")[0]]
    contacts = j[i == nitrogen][order][:count]
    metal = (i < 12) & (j < 12)
    shell = d < d[metal].min() + 0.05
    around = [j[(i == c) & metal & shell & top[j]] for c in contacts]
    beside = np.concatenate([part[~np.isin(part, contacts)] for part in around])
    under = np.concatenate([j[(i == c) & metal & shell & below[j]] for c in contacts])
    platinum = slab.symbols == "Pt"
    found = [platinum[rows].mean() for rows in (contacts, beside, under)] + [platinum[:12].mean()]
    assert found[0] == pytest.approx(site.shares[0])
    assert found[2] == pytest.approx(site.shares[2])
    # In a cell of two by two atoms an image of a contact may be its own neighbour: those count as contacts.
    if site.label.startswith("top"):
        assert found[1] == pytest.approx(site.shares[1])
    layer = platinum[4:8].mean()
    assert site.shares[3] == pytest.approx(layer)


def test_there_are_as_many_sites_as_labels():
    assert len(SITES) == 4 + 9 + 10
    assert len({(site.prototype, site.label) for site in SITES}) == len(SITES)
    assert all(0 <= share <= 1 for site in SITES for share in site.shares)


def table(sites):
    n = len(sites)
    arrays = {
        "a": ["Ni"] * n,
        "b": ["Pt"] * n,
        "prototype": ["L1_2"] * n,
        "site": sites,
        "adsorbate": ["N"] * n,
        "family": ["Ni-Pt"] * n,
        "adsorption_energy": np.arange(n) * 1.0,
    }
    arrays = {name: np.array(column) for name, column in arrays.items()}
    return Dataset("t", arrays, {"adsorption_energy": "eV"}, "", "", "")


def test_rows_without_a_known_site_are_left_out():
    rows = alloy_rows(table(["top|A", "hollow|B_B_B|FCC", "top|B"]), SYMBOLS, ("H", "N"))
    assert rows.row.tolist() == [0, 2]
    assert rows.energy.tolist() == [0, 2]
    assert [SITES[i].label for i in rows.site] == ["top|A", "top|B"]
    assert SYMBOLS[rows.a[0]] == "Ni"
    assert len(alloy_rows(table(["top|A"]), ("Ni", "Cu"), ("N",)).a) == 0


def corner(a, b, site, adsorbate):
    sizes = len(SYMBOLS), len(SYMBOLS), len(SITES), 2
    return AlloySites(
        *(np.eye(n, dtype=np.float32)[k] for k, n in zip((a, b, site, adsorbate), sizes, strict=True))
    )


@pytest.fixture(scope="module")
def variables():
    shapes = jax.eval_shape(NETWORK.init, jax.random.key(0), corner(0, 1, 2, 1))
    generator = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: jnp.asarray(0.5 * generator.normal(size=leaf.shape), leaf.dtype), shapes)


def test_it_is_what_it_says(variables):
    p = jax.tree.map(np.asarray, variables["params"])
    vectors = p["elements"] + element_vectors(SYMBOLS) @ p["bits"]["kernel"]
    for a, b, k in ((1, 2, 5), (0, 0, 1), (2, 1, 20)):
        site = SITES[k]
        around = [(1 - s) * vectors[a] + s * vectors[b] for s in site.shares]
        x = np.concatenate([*around, np.eye(len(KINDS))[site.kind], [0, 1]])
        q = p["readout"]
        x = x @ q["Dense_0"]["kernel"] + q["Dense_0"]["bias"]
        x = x / (1 + np.exp(-x))
        want = x @ q["Dense_1"]["kernel"] + q["Dense_1"]["bias"]
        np.testing.assert_allclose(apply(variables, corner(a, b, k, 1)), want, rtol=1e-4, atol=1e-5)


def test_the_second_element_of_a_pure_metal_does_not_matter(variables):
    pure = next(i for i, site in enumerate(SITES) if site.prototype == "fcc")
    one, two = (apply(variables, corner(0, b, pure, 0)) for b in (0, 2))
    np.testing.assert_array_equal(one, two)


def test_batches_are_rows(variables):
    rows = [corner(0, 1, 3, 0), corner(2, 1, 9, 1)]
    together = jax.tree.map(lambda *leaves: np.stack(leaves), *rows)
    found = apply(variables, together)
    np.testing.assert_allclose(found, [apply(variables, row) for row in rows], rtol=1e-5)


def test_gradients_by_mixtures_are_those_of_finite_differences(variables):
    with jax.enable_x64():
        exact = jax.tree.map(lambda leaf: jnp.asarray(leaf, float), variables)
        generator = np.random.default_rng(1)
        mixture, step = (
            AlloySites(*(jnp.asarray(generator.dirichlet(np.ones(n))) for n in (3, 3, len(SITES), 2)))
            for _ in range(2)
        )
        energy = jax.jit(lambda x: NETWORK.apply(exact, x)[0])
        slope = sum((g * s).sum() for g, s in zip(jax.jit(jax.grad(energy))(mixture), step, strict=True))
        ends = [energy(jax.tree.map(lambda x, s, t=t: x + t * s, mixture, step)) for t in (-1e-5, 1e-5)]
    assert float(slope) == pytest.approx(float(ends[1] - ends[0]) / 2e-5, rel=1e-6)
