import json

import jax
import numpy as np
import pytest
from ase.build import molecule
from ase.io import write

from mlmat import cli
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.schnet import SchNet
from mlmat.predictor import SHIPPED, Predictor, save_predictor


@pytest.fixture(scope="module")
def schnet(tmp_path_factory):
    """Untrained, with an element that no default molecule has beside those that all have."""
    encoder = RadiusGraphEncoder(("H", "O"), 4.0)
    model = SchNet(2, outputs=2, features=4, interactions=1, basis=5, cutoff=4.0)
    variables = jax.jit(model.init)(jax.random.key(0), encoder(molecule("H2O")))
    variables = jax.tree.map(lambda leaf: leaf[None], variables)
    predictor = Predictor(
        variables, np.zeros(2, np.float32), np.ones(2, np.float32), model, encoder,
        ("energy", "other"), ("eV", "eV"), reference=np.ones((2, 2)),
    )  # fmt: skip
    path = tmp_path_factory.mktemp("schnet") / "net.mlmat"
    save_predictor(predictor, path)
    return path


def test_card_of_a_network_is_written(schnet, tmp_path, capsys):
    write(tmp_path / "water.xyz", molecule("H2O"))
    words = ["laws", str(schnet), "--file", str(tmp_path / "water.xyz"), "--property", "other"]
    assert cli.main([*words, "--out", str(tmp_path / "card")]) == 0
    content = json.loads((tmp_path / "card.json").read_text())
    assert content["property"] == "other"
    assert content["extensive"] is True
    laws = {law["name"]: law for law in content["laws"]}
    assert laws["size extensivity"]["holds"] is True
    assert laws["reflection"]["holds"] is True
    assert (tmp_path / "card.png").exists()
    assert "size extensivity" in capsys.readouterr().out


def test_card_of_a_predictor_of_smiles(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["laws", str(SHIPPED)]) == 0
    laws = json.loads((tmp_path / "gap-laws.json").read_text())["laws"]
    assert [law["name"] for law in laws if law["value"] is not None] == ["permutation"]
    assert all("no geometry" in law["says"] for law in laws[1:])


@pytest.mark.parametrize(
    ("words", "hint"),
    [(["--property", "gap"], "energy, other"), (["--file", "periodic.extxyz"], "periodic")],
)
def test_what_cannot_be_judged_is_said(schnet, tmp_path, words, hint, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    box = molecule("H2O", vacuum=3.0, pbc=True)
    write("periodic.extxyz", box)
    assert cli.main(["laws", str(schnet), *words]) == 2
    assert hint in capsys.readouterr().err
