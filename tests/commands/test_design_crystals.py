"""`mlmat design --prototype`: files that agree with each other, and one clear error for what cannot be."""

import csv

import ase.io
import jax
import jax.numpy as jnp
import pytest

from mlmat.analysis.record import load_record
from mlmat.cli import main
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.site_network import SiteNetwork
from mlmat.predictor import Predictor, predict_items, save_predictor

ELEMENTS = ("Li", "O", "F", "Na", "Mg", "Al", "Cl", "K", "Ca", "Ti", "Sr")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A predictor of random weights on the sites of rock salt."""
    encoder = RadiusGraphEncoder(ELEMENTS, 0.5)
    model = SiteNetwork(ELEMENTS, ((0,), (1,)), hidden=8, layers=1)
    graph = encoder(ase.Atoms("NaCl", [[0, 0, 0], [2.8, 0, 0]]))
    start = jax.jit(jax.vmap(lambda key: model.init(key, graph)))
    variables = start(jax.random.split(jax.random.key(0), 2))
    path = tmp_path_factory.mktemp("predictor") / "salt.mlmat"
    save_predictor(Predictor(variables, jnp.ones(1), jnp.ones(1), model, encoder, ("gap",), ("eV",)), path)
    return path


def test_designs_are_neutral_real_crystals(file, tmp_path):
    out = tmp_path / "run"
    words = ["design", "--prototype", "rocksalt", "--predictor", str(file), "--want", "gap=max"]
    words += ["--method", "genetic", "--designs", "4", "--out", str(out), "--sites", "X=O,F,Cl"]
    assert main(words) == 0
    rows = list(csv.DictReader((out / "designs.csv").open()))
    structures = ase.io.read(out / "designs.extxyz", ":")
    assert len(rows) == len(structures) == len(list((out / "cif").glob("*.cif"))) == 4
    assert len({row["name"] for row in rows}) == 4
    for row, atoms in zip(rows, structures, strict=True):
        assert sum(map(int, row["charges"].split())) == 0
        assert row["name"].split("/")[1] in ("O", "F", "Cl")
        assert atoms.cell.volume == pytest.approx(float(row["volume_A3"]), rel=1e-4)
        assert atoms.info["gap"] == pytest.approx(float(row["gap_eV"]), rel=1e-3)
    record = load_record(out / "results.json")
    assert record.metric("designs").value == 4
    from mlmat.predictor import load_predictor

    own = predict_items(load_predictor(file), structures).mean[:, 0]
    assert own == pytest.approx([float(row["gap_eV"]) for row in rows], rel=1e-3)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--sites", "Q=O"], "groups A, X"),
        (["--sites", "X=O2N"], "3 atoms"),
        (["--sites", "X=W"], "covers Li"),
        (["--sites", "A=Na", "--sites", "X=K"], "no rocksalt"),
        (["--keep", "c1ccccc1"], "are for molecules"),
        (["--want", "colour=1"], "knows gap"),
    ],
)
def test_what_cannot_be_is_one_error(file, more, message, tmp_path, capsys):
    words = ["design", "--prototype", "rocksalt", "--predictor", str(file), "--out", str(tmp_path / "run")]
    wants = [] if "--want" in more else ["--want", "gap=max"]
    assert main([*words, *wants, *more]) == 2
    assert message in capsys.readouterr().err


def test_a_prototype_needs_a_predictor_and_a_name(file, tmp_path, capsys):
    assert main(["design", "--prototype", "rocksalt", "--want", "gap=1"]) == 2
    assert "no predictor of crystals ships" in capsys.readouterr().err
    assert main(["design", "--charged", "--want", "gap=1"]) == 2
    assert "are for crystals" in capsys.readouterr().err
    bad = tmp_path / "broken.cif"
    bad.write_text("data_x\nloop_\n")
    words = ["design", "--prototype", str(bad), "--predictor", str(file), "--out", str(tmp_path / "run")]
    assert main([*words, "--want", "gap=1"]) == 2
    assert "cannot read a structure" in capsys.readouterr().err
