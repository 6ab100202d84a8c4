"""Helpers of the experiment on dyes."""

import jax
import numpy as np
import pytest

from experiments.inverse_dyes.arms import nearest_dyes, problem_from, unchosen
from experiments.inverse_dyes.bands import Cell, in_band, summary
from experiments.inverse_dyes.figure import draw_bands
from experiments.inverse_dyes.run import Config, cells
from experiments.inverse_dyes.summary import metrics_of, share
from experiments.inverse_dyes.tables import (
    DESIGN_FILE,
    JUDGE_FILE,
    Dyes,
    any_canonical,
    design_dyes,
    fits,
    judge_dyes,
    read_dyes,
)
from mlmat.design.molecules.realise import Realised
from mlmat.design.objective import Objective
from mlmat.errors import DataError
from mlmat.graphs.chemistry import canonical_smiles, parse_smiles
from mlmat.metrics import wilson_interval

COUMARIN = canonical_smiles(parse_smiles("O=c1ccc2ccccc2o1"))
STILBENE = canonical_smiles(parse_smiles("C(=Cc1ccccc1)c1ccccc1"))
INDOLE = canonical_smiles(parse_smiles("c1ccc2[nH]ccc2c1"))
DYES = Dyes([COUMARIN, STILBENE, INDOLE], np.array([310.0, 295.0, 270.0]))


def test_fits():
    assert fits(COUMARIN)
    assert not fits(COUMARIN, capacity=10)
    assert not fits("C[N+](C)(C)C")
    assert not fits("ClC=C")
    assert not fits("CC")


def test_any_canonical():
    assert any_canonical("C/C=C/C") == "CC=CC"
    assert any_canonical("[O-][N+](=O)c1ccccc1") is not None
    assert any_canonical("C.C") is None
    assert any_canonical("nonsense") is None


def test_the_judge_has_no_dye_to_design_with():
    second = Dyes([COUMARIN, INDOLE], np.array([400.0, 271.0]))
    left = judge_dyes((DYES, second), Dyes([STILBENE], np.array([295.0])))
    found = dict(zip(left.smiles, left.wavelength.tolist(), strict=True))
    assert found == {COUMARIN: 310.0, INDOLE: 270.0}


def test_missing_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("MLMAT_DATA", str(tmp_path))
    with pytest.raises(DataError, match="MLMAT_DATA"):
        read_dyes(DESIGN_FILE)


def test_real_tables():
    try:
        dyes = read_dyes(JUDGE_FILE)
    except DataError as error:
        pytest.skip(str(error))
    assert len(dyes.smiles) == len(set(dyes.smiles)) > 2000
    assert 300 < np.median(dyes.wavelength) < 600
    few = Dyes(dyes.smiles[:60], dyes.wavelength[:60])
    assert 0 < len(design_dyes(few).smiles) < 60


def test_nearest_dyes_of_the_training_part_only():
    cell = Cell(300.0, "dyes", 1000, 4, 0)
    assert nearest_dyes(DYES, np.arange(3), cell.want, 2) == [STILBENE, COUMARIN]
    assert nearest_dyes(DYES, np.array([0, 2]), cell.want, 2) == [COUMARIN, INDOLE]


def test_starts_are_drawn_among_all_molecules():
    cell = Cell(300.0, "dyes", 1000, 4, 0)
    problem = problem_from(Objective((cell.want,)), [COUMARIN, INDOLE], capacity=14)
    keys = jax.random.split(jax.random.key(0), 32)
    drawn = jax.jit(jax.vmap(problem.init))(keys)
    sizes = np.asarray(drawn.mask).sum(axis=1)
    assert {9.0, 11.0} <= set(sizes.tolist())
    material = jax.jit(jax.vmap(lambda x, key: problem.decode(x, 8.0, key)))(drawn, keys)
    found = [
        problem.realise(jax.tree.map(lambda leaf, i=i: np.asarray(leaf[i]), material)) for i in range(32)
    ]
    smiles = {outcome.smiles for outcome in found if isinstance(outcome, Realised)}
    assert COUMARIN in smiles
    assert INDOLE in smiles


def test_unchosen_are_new():
    found = unchosen(DYES, np.arange(3), set(DYES.smiles), 6, seed=1)
    assert len(set(found)) == 6
    assert not set(found) & set(DYES.smiles)
    assert found == unchosen(DYES, np.arange(3), set(DYES.smiles), 6, seed=1)


def test_band_edges_count():
    assert in_band([379.9, 380.0, 420.0, 420.1], 400.0).tolist() == [False, True, True, False]
    assert Cell(400.0, "noise", 1, 1, 0).want.window == (380.0, 420.0)


def test_summary_metrics_and_figure(tmp_path):
    verdict, doubt = np.array([305.0, 350.0]), np.array([5.0, 20.0])
    result = {"centre": 300.0, "arm": "dyes", "lost": {}}
    result |= summary([COUMARIN, STILBENE], [310.0, 300.0], verdict, doubt, 300.0, DYES, np.arange(3))
    assert (result["promised"], result["hits"], result["submitted"]) == (2, 1, 2)
    assert result["disagreement"] == 27.5
    assert result["bias"] == -22.5
    assert result["nearest"] == pytest.approx(1.0)
    empty = summary([], [], np.zeros(0), np.zeros(0), 300.0, DYES, np.arange(3))
    assert empty["hits"] == 0
    assert empty["disagreement"] is None
    judge = {"count": 3, "error": 20.0, "median_error": 15.0, "doubt": 10.0, "spread": 80.0}
    judge["bands"] = {"300": {"true": 2, "said": 0, "both": 0}}
    known = {
        "judge_own": (12.0, 5),
        "train": 2,
        "test": 1,
        "test_error": 25.0,
        "test_spread": 80.0,
        "judge": judge,
        "judge dyes": 9,
    }
    rows = [result, result | empty | {"arm": "noise"}]
    found = {(m.name, m.variant): m.value for m in metrics_of(rows, known, designs=4)}
    assert found["hits by the judge", "300 nm, dyes"] == 0.25
    assert found["share of all dyes in the band", "judge on real dyes, 300 nm"] == pytest.approx(2 / 3)
    assert ("truly in the band, of those it puts there", "judge on real dyes, 300 nm") not in found
    several = {(m.name, m.variant): m for m in metrics_of([*rows, result | {"seed": 1}], known, designs=4)}
    assert several["hits by the judge", "300 nm, dyes"].n_seeds == 2
    assert several["hits by the judge", "300 nm, dyes"].n_test == 8
    draw_bands(rows, known, 4, tmp_path / "bands.png")
    assert (tmp_path / "bands.png").stat().st_size > 10_000


def test_every_arm_has_the_same_budget():
    todo = cells(Config(preset="full"))
    assert len(todo) == 48
    assert len({cell.budget for cell in todo}) == 1
    assert len({cell.name for cell in todo}) == 48


def test_share_is_over_seeds_where_there_are_three():
    rows = [{"hits": hits} for hits in (2, 4, 3)]
    mean, low, high = share(rows, "hits", 8)
    assert mean == pytest.approx(3 / 8)
    assert high - mean == pytest.approx(4.303 * 0.125 / 3**0.5, rel=1e-3)
    mean, low, high = share(rows[:2], "hits", 8)
    assert (mean, low, high) == pytest.approx((3 / 8, *wilson_interval(6, 16)))
