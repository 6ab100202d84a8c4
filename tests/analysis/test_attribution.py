"""Shares of atoms: they make up the prediction, and maps keep what belongs together."""

import csv
from dataclasses import replace
from types import SimpleNamespace

import ase
import ase.io
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase.build import add_adsorbate, bulk, fcc111

from mlmat.analysis import learned_space
from mlmat.analysis.attribution import attribute, by_element, explained_atoms
from mlmat.analysis.explain_plots import draw_map, place_of
from mlmat.cli import main
from mlmat.errors import InputError
from mlmat.graphs.crystal_graph import CrystalGraphEncoder
from mlmat.graphs.packing import Budget, pack
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.graphs.slab_graph import SlabGraphEncoder
from mlmat.models.cgcnn import CGCNN
from mlmat.models.crystal_network import CrystalNetwork
from mlmat.models.schnet import SchNet
from mlmat.models.sgcnn import SGCNN
from mlmat.predictor import Predictor, predict_items, save_predictor

ELEMENTS = ("O", "Na", "Mg", "Cl", "Cu")
STRUCTURES = [
    bulk("NaCl", "rocksalt", 5.64),
    bulk("Cu"),
    bulk("MgO", "rocksalt", 4.21) * (2, 1, 1),
    ase.Atoms("Cu", cell=[25, 25, 25], pbc=True),
    bulk("CuCl", "zincblende", 5.4),
]
CUTOFF = 3.5


def predictor_of(model, encoder, reference=None, members=2, structures=STRUCTURES):
    (batch,) = pack(map(encoder, structures), Budget(60, 900, 6))
    shapes = jax.eval_shape(model.init, jax.random.key(0), batch)
    rng = np.random.default_rng(3)
    # Positive: statistics of a batch norm have variances among them.
    variables = jax.tree.map(lambda leaf: rng.uniform(0.1, 0.9, (members, *leaf.shape)) - 0.3, shapes)
    if "batch_stats" in variables:
        variables = {**variables, "batch_stats": jax.tree.map(np.abs, variables["batch_stats"])}
    return Predictor(
        jax.tree.map(jnp.float32, variables), jnp.array([1.5, -2.0]), jnp.array([0.5, 3.0]), model, encoder,
        ("a", "b"), ("eV", "1"), reference=reference,
    )  # fmt: skip


def cgcnn(pooling="mean"):
    model = CGCNN(ELEMENTS, 2, features=6, layers=1, hidden=5, pooling=pooling)
    return predictor_of(model, CrystalGraphEncoder(ELEMENTS))


def crystal(pooling):
    model = CrystalNetwork(ELEMENTS, 2, features=6, channels=3, layers=1, pooling=pooling)
    return predictor_of(model, CrystalGraphEncoder(ELEMENTS, 16))


def schnet(pooling, reference=None):
    model = SchNet(len(ELEMENTS), 2, features=6, interactions=1, basis=5, cutoff=CUTOFF, pooling=pooling)
    return predictor_of(model, RadiusGraphEncoder(ELEMENTS, CUTOFF), reference)


REFERENCE = np.arange(10.0).reshape(5, 2)
CASES = {
    "cgcnn, mean": cgcnn,
    "cgcnn, sum": lambda: cgcnn("sum"),
    "crystal, mean": lambda: crystal("mean"),
    "crystal, sum": lambda: crystal("sum"),
    "schnet, mean": lambda: schnet("mean"),
    "schnet, sum with contributions of elements": lambda: schnet("sum", REFERENCE),
}


@pytest.mark.parametrize("name", CASES)
def test_shares_make_up_the_prediction_whatever_stands_beside(name):
    predictor = CASES[name]()
    found = attribute(predictor, STRUCTURES)
    expected = predict_items(predictor, STRUCTURES).mean
    np.testing.assert_allclose(found.predictions(), expected, rtol=2e-4, atol=2e-4)
    assert [len(shares) for shares in found.local] == [len(atoms) for atoms in STRUCTURES]
    # Atoms that symmetry makes equal have equal shares.
    np.testing.assert_allclose(found.local[2][0], found.local[2][2], rtol=1e-3, atol=1e-3)
    if found.pooling == "sum":
        alone = attribute(predictor, STRUCTURES[:1]).local[0]
        if name.startswith("schnet"):  # its atoms know nothing of other structures
            np.testing.assert_allclose(alone, found.local[0], rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(found.base, 0)


def slabs():
    """Copper with oxygen, and with chlorine in another place; surface and bulk are two branches."""
    found = []
    for symbol, site in (("O", "fcc"), ("Cl", "ontop"), ("O", "bridge")):
        slab = fcc111("Cu", (2, 2, 4), vacuum=8.0)
        add_adsorbate(slab, symbol, 1.4, site)
        found.append(slab)
    return found


def sgcnn():
    model, encoder = SGCNN(ELEMENTS, 2), SlabGraphEncoder(ELEMENTS)
    return predictor_of(model, encoder, structures=slabs())


def test_shares_of_a_slab_add_up_and_say_which_part_an_atom_is_of():
    predictor, structures = sgcnn(), slabs()
    found, atoms = attribute(predictor, structures), explained_atoms(predictor.encoder, structures)
    expected = predict_items(predictor, structures).mean
    assert found.pooling == "sum"
    np.testing.assert_allclose(found.predictions(), expected, rtol=2e-4, atol=2e-4)
    for slab, shown, shares in zip(structures, atoms, found.local, strict=True):
        surface = shown.arrays["branch"] == 0
        assert len(shares) == len(shown) > surface.sum()
        index = shown.arrays["index"][surface]
        assert list(shown.numbers[surface]) == list(slab.numbers[index])
        assert len(slab) - 1 in index  # the adsorbate
    # The crystal below is the same for all, so its atoms move nothing away from the average slab.
    np.testing.assert_allclose(found.local[0][atoms[0].arrays["branch"] == 1], 0.0, atol=1e-4)
    assert np.abs(found.local[0][atoms[0].arrays["branch"] == 0]).max() > 1e-3
    vectors = learned_space.structure_vectors(predictor, structures)
    assert vectors.shape == (3, 2 * 58)


def test_elements_are_means_over_their_atoms():
    found = attribute(cgcnn(), STRUCTURES)
    rows = by_element(STRUCTURES, found)
    assert [row.symbol for row in rows] == ["O", "Na", "Mg", "Cl", "Cu"]
    copper = rows[-1]
    assert (copper.count, copper.structures) == (3, 3)
    mine = [found.local[1][0], found.local[3][0], found.local[4][0]]
    np.testing.assert_allclose(copper.mean, np.mean(mine, axis=0))
    np.testing.assert_allclose(copper.std, np.std(mine, axis=0))
    assert place_of(29) == (11, 4)
    assert place_of(1) == (1, 1)
    assert len({place_of(number) for number in range(1, 104)}) == 103


def test_what_cannot_be_explained_is_refused():
    shown = cgcnn()
    smiles = replace(shown, encoder=SimpleNamespace(kind="smiles"))
    with pytest.raises(InputError, match="takes SMILES"):
        attribute(smiles, STRUCTURES)
    silent = replace(shown, model=SimpleNamespace())
    with pytest.raises(InputError, match="does not say what its atoms"):
        attribute(silent, STRUCTURES)
    with pytest.raises(InputError, match="shows no vectors"):
        learned_space.structure_vectors(silent, STRUCTURES)
    with pytest.raises(InputError, match="structure 1"):
        attribute(shown, [STRUCTURES[0], bulk("Au")])


def test_principal_components_are_those_of_the_covariance():
    x = np.random.default_rng(0).normal(size=(40, 5)) * [5, 3, 1, 0.5, 0.1]
    places, shares = learned_space.principal_components(x)
    values = np.linalg.eigvalsh(np.cov(x.T))[::-1]
    np.testing.assert_allclose(places.var(axis=0, ddof=1), values[:2])
    np.testing.assert_allclose(shares, values[:2] / values.sum())
    one, none = learned_space.principal_components(np.ones((5, 1)))
    assert not one.any()
    assert not none.any()


def divergence(y, p):
    """Kullback-Leibler divergence of P from the map's own neighbour probabilities, from its definition."""
    weight = (1 - jnp.eye(len(y))) / (1 + ((y[:, None] - y) ** 2).sum(axis=2))
    q = weight / weight.sum()
    return jnp.sum(p * (jnp.log(jnp.maximum(p, 1e-12)) - jnp.log(jnp.maximum(q, 1e-12))))


def test_t_sne_follows_its_equations_and_keeps_groups_together():
    rng = np.random.default_rng(1)
    centres = 8 * rng.normal(size=(3, 6))
    group = np.repeat(np.arange(3), 20)
    x = centres[group] + rng.normal(size=(60, 6))
    p = learned_space.neighbour_probabilities(x, 10.0)
    np.testing.assert_allclose(p, p.T)
    assert p.sum() == pytest.approx(1.0)
    # Entropy of one row, from the definition: a number of neighbours as asked for.
    squared = ((x[0] - x) ** 2).sum(axis=1)

    def row(beta):
        w = np.exp(-beta * squared) * (np.arange(60) > 0)
        return w / w.sum()

    betas = np.geomspace(1e-3, 10, 4001)
    entropies = [-(r[r > 0] * np.log(r[r > 0])).sum() for r in map(row, betas)]
    best = row(betas[np.argmin(np.abs(np.exp(entropies) - 10.0))])
    # p is made symmetric, so only its lower bound by row 0 is known here.
    assert (p[0] * 120 >= best - 2e-3).all()
    y = jnp.asarray(rng.normal(size=(60, 2)), jnp.float32)
    np.testing.assert_allclose(
        learned_space.divergence_gradient(y, jnp.float32(p)),
        jax.grad(divergence)(y, jnp.float32(p)), atol=2e-5,
    )  # fmt: skip
    places = learned_space.t_sne(x, perplexity=10, steps=300)
    middles = np.stack([places[group == k].mean(axis=0) for k in range(3)])
    nearest = np.linalg.norm(places[:, None] - middles, axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest, group)
    before = divergence(jnp.asarray(1e-4 * x[:, :2]), p)
    assert divergence(jnp.asarray(places), p) < 0.5 * before


def test_the_command_writes_tables_and_pictures(tmp_path, capsys):
    save_predictor(cgcnn(), tmp_path / "p.mlmat")
    folder = tmp_path / "crystals"
    folder.mkdir()
    for k, atoms in enumerate(STRUCTURES):
        ase.io.write(folder / f"c{k}.vasp", atoms)
    (folder / "bad.cif").write_text("nothing")
    ase.io.write(folder / "gold.vasp", bulk("Au"))
    out = tmp_path / "seen"
    assert (
        main(["explain", str(tmp_path / "p.mlmat"), str(folder), "--property", "b", "--out", str(out)]) == 0
    )
    said = capsys.readouterr().out
    assert "2 structures are left out" in said
    with open(f"{out}-atoms.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == sum(map(len, STRUCTURES))
    assert rows[0]["id"] == "c0"
    found = attribute(cgcnn(), STRUCTURES)
    expected = np.concatenate(found.local)[:, 1]
    np.testing.assert_allclose([float(row["share of b"]) for row in rows], expected, rtol=1e-3, atol=1e-4)
    for end in ("-elements.csv", "-elements.png", "-map.png"):
        assert (tmp_path / f"seen{end}").stat().st_size > 0
    assert main(["explain", str(tmp_path / "p.mlmat"), str(folder), "--property", "c"]) == 2


def test_the_command_tells_the_surface_of_a_slab_from_its_bulk(tmp_path, capsys):
    save_predictor(sgcnn(), tmp_path / "p.mlmat")
    ase.io.write(tmp_path / "slabs.extxyz", slabs())
    out = tmp_path / "seen"
    assert (
        main(["explain", str(tmp_path / "p.mlmat"), str(tmp_path / "slabs.extxyz"), "--out", str(out)]) == 0
    )
    assert "the sum of its atoms' shares" in " ".join(capsys.readouterr().out.split())
    with open(f"{out}-atoms.csv", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["part"] for row in rows} == {"surface", "bulk"}
    oxygen = [row for row in rows if row["element"] == "O"]
    assert [(row["part"], row["atom"]) for row in oxygen] == [("surface", "16")] * 2


def test_maps_of_equal_values_are_drawn(tmp_path):
    draw_map([("one", np.zeros((5, 2)))], np.ones(5), "gap", "eV", tmp_path / "m.png")
    assert (tmp_path / "m.png").read_bytes().startswith(b"\x89PNG")
