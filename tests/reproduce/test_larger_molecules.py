"""Helpers of the experiment on larger molecules."""

import numpy as np
import pytest

from experiments.larger_molecules.figure import draw_sizes
from experiments.larger_molecules.run import Config, metrics_of, settings
from experiments.larger_molecules.sizes import TOLERANCE, random_values, rdkit_values
from experiments.larger_molecules.zinc import member, of_size, training_molecules, written_size
from mlmat.data import small_organics
from mlmat.graphs.chemistry import parse_smiles


@pytest.mark.parametrize(
    ("smiles", "size"),
    [
        ("CCO", 3),
        ("c1cc[nH]c1", 5),
        ("C[C@@H](N)C(=O)O", 6),
        ("O=S(=O)(C)c1ccccc1", 10),
        ("CCCl", None),
        ("CBr", None),
        ("C[N+](=O)[O-]", None),
        ("C[n-]1cccc1", None),
        ("CP(C)C", None),
        ("C.C", None),
        ("C[Si](C)C", None),
    ],
)
def test_written_size(smiles, size):
    assert written_size(smiles) == size


def test_written_size_agrees_with_rdkit():
    for smiles in small_organics.load()["smiles"][:200].tolist():
        assert written_size(smiles) == parse_smiles(smiles).GetNumAtoms()


def test_member():
    assert member("C[C@@H](N)O") == "CC(N)O"
    assert member("CS(C)(=O)=O") is None  # sulfur has two bonds in the space
    assert member("[CH3]") is None
    assert member("nonsense") is None


def test_of_size_keeps_order_and_drops_doubles():
    table = ["CCCCCC", "CC", "C1CCCCC1O", "OC1CCCCC1", "CCCCCCCCCCC", "CCCCCCC"]
    assert list(of_size(table, 10)) == ["CCCCCC", "OC1CCCCC1", "CCCCCCC"]


def test_smallest_capacity_needs_no_data_folder(monkeypatch):
    monkeypatch.delenv("MLMAT_DATA", raising=False)
    chosen = training_molecules(10, 50, seed=0)
    assert len(set(chosen)) == 50
    assert all(6 <= parse_smiles(s).GetNumAtoms() <= 10 for s in chosen)
    assert chosen == training_molecules(10, 50, seed=0) != training_molecules(10, 50, seed=1)


def test_random_values_are_of_members():
    values = random_values(12, 5, seed=0)
    assert values.shape == (5, 2)
    assert ((values[:, 1] >= 1) & (values[:, 1] <= 10)).all()
    assert np.isclose(rdkit_values(["CCO"])[0, 0], -0.0014, atol=1e-3)


def result(capacity, hits):
    run = {
        "target": 1.0,
        "percentile": 5,
        "starts": 8,
        "valid": 8,
        "distinct": 6,
        "submitted": 4,
        "hits": hits,
        "base_hits": 1,
        "error": 0.5,
        "sa_score": 5.0,
        "step_seconds": 0.001,
        "realise_seconds": 0.01,
        "compile_seconds": 3.0,
        "bytes": 8 * 2048,
    }
    return {
        "capacity": capacity,
        "train": 80,
        "test": 10,
        "members": 10,
        "test_error": 0.3,
        "spread": 1.2,
        "training_sa_score": 3.0,
        "random_sa_score": 6.0,
        "runs": [run, run | {"percentile": 95, "target": 4.0, "hits": 0, "error": None}],
    }


def test_metrics_and_figure(tmp_path):
    results = [result(10, 4), result(20, 1)]
    found = {(m.name, m.variant): m for m in metrics_of(results, designs=4)}
    assert found["starts that become different molecules", "up to 10 heavy atoms"].value == 0.75
    assert found["memory of a start", "up to 20 heavy atoms"].value == 2.0
    assert found["hit share", "up to 20 heavy atoms, 5th percentile (1.00)"].value == 0.25
    assert ("logP error on designs (MAE)", "up to 10 heavy atoms, 95th percentile (4.00)") not in found
    draw_sizes(results, 4, tmp_path / "sizes.png")
    assert (tmp_path / "sizes.png").stat().st_size > 10_000


def test_presets():
    for preset in ("quick", "full"):
        chosen = settings(Config(preset=preset))
        assert chosen.starts % chosen.training.members == 0
        assert chosen.designs <= chosen.starts
    assert TOLERANCE == 0.3
