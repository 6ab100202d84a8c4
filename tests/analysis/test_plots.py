from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from mlmat.analysis import figure, plots
from mlmat.analysis.design_table import DesignRow, PropertyVerdict
from mlmat.analysis.drawing import molecule_image, molecule_svg
from mlmat.errors import SmilesError

WANT = plots.Wanted("gap", "eV", (3.7, 4.3))
JUDGED = PropertyVerdict(4.1, 4.05, 0.1, 4.1)
HIT = DesignRow(1, 17, "gradient", "CC(=O)N", "ok", True, {"gap": JUDGED}, False, 0.5, 1.2)
MISS = replace(HIT, rank=2, smiles="c1ccsc1", hit=False, judged={"gap": replace(JUDGED, verified=5.0)})
FAILED = replace(HIT, rank=3, status="timeout", hit=False, judged={"gap": replace(JUDGED, verified=None)})


def share_of(image, colour, tolerance=0.02):
    """Share of the pixels that have a colour."""
    return (np.abs(image[..., :3] - to_rgb(colour)).max(-1) < tolerance).mean()


@pytest.mark.parametrize(("count", "columns", "lines"), [(1, 4, 1), (5, 4, 2), (30, 6, 4)])
def test_the_grid_has_the_size_of_its_rows_and_columns(tmp_path, count, columns, lines):
    plots.draw_molecules([HIT] * count, WANT, tmp_path / "m.png", columns=columns, limit=24)
    height, width = imread(tmp_path / "m.png").shape[:2]
    assert width == pytest.approx(2.35 * columns * figure.DPI, abs=2)
    assert height == pytest.approx((2.1 * lines + 0.5) * figure.DPI, abs=2)


def test_frames_tell_hits_from_misses(tmp_path):
    for row, framed, absent in ((HIT, figure.HIT, figure.MISS), (MISS, figure.MISS, figure.HIT)):
        # Cyclobutane is all carbon: no atom colour can be mistaken for a frame.
        plots.draw_molecules([replace(row, smiles="C1CCC1"), FAILED], WANT, tmp_path / "m.png", columns=1)
        image = imread(tmp_path / "m.png")
        assert share_of(image, framed) > 1e-3
        assert share_of(image, absent) == 0


def test_the_grid_says_when_nothing_was_verified(tmp_path):
    plots.draw_molecules([FAILED], WANT, tmp_path / "m.png")
    assert share_of(imread(tmp_path / "m.png"), figure.INK) > 0


@pytest.mark.parametrize("starts", [1, 64])
@pytest.mark.parametrize(("verified", "reference"), [(0, 0), (20, 0), (0, 500), (20, 500)])
def test_the_descent_is_drawn_with_and_without_data(tmp_path, starts, verified, reference):
    random = np.random.default_rng(0)
    history = 4 + random.normal(size=(40, starts)) * np.linspace(3, 0.1, 40)[:, None]
    plots.draw_descent(
        history,
        WANT,
        4 + 0.2 * random.normal(size=verified),
        random.normal(7, 2, reference),
        tmp_path / "d.png",
    )
    image = imread(tmp_path / "d.png")
    assert image.shape[:2] == (int(4.4 * figure.DPI), 11 * figure.DPI)
    assert share_of(image, figure.WANTED) > 1e-3, "the window's edges are visible"


def test_a_diverged_start_does_not_spoil_the_descent(tmp_path):
    history = np.full((30, 4), 4.0)
    plots.draw_descent(history, WANT, np.array([4.0]), np.array([]), tmp_path / "clean.png")
    history = np.concatenate([history, np.full((30, 1), np.nan)], axis=1)
    plots.draw_descent(history, WANT, np.array([4.0]), np.array([]), tmp_path / "d.png")
    assert (tmp_path / "d.png").read_bytes() == (tmp_path / "clean.png").read_bytes()


def test_a_search_stopped_before_its_first_step_still_draws(tmp_path):
    plots.draw_descent(np.zeros((0, 8)), WANT, np.array([]), np.array([]), tmp_path / "d.png")
    assert imread(tmp_path / "d.png").std() > 0


def test_parity_is_drawn_for_any_number_of_designs(tmp_path):
    inked = []
    for rows in ([], [FAILED], [HIT], [HIT, MISS, FAILED]):
        plots.draw_parity(rows, WANT, tmp_path / "p.png")
        image = imread(tmp_path / "p.png")
        assert image.shape[:2] == (5 * figure.DPI, int(5.2 * figure.DPI))
        inked.append([share_of(image, colour, 0.12) for colour in (figure.HIT, figure.MISS)])
    nothing, failed, hit, both = np.array(inked)
    np.testing.assert_array_equal(failed, nothing)
    assert hit[0] > 1.5 * nothing[0]
    assert both[1] > 1.5 * hit[1]


@pytest.mark.parametrize("window", [(-np.inf, 3.0), (3.0, np.inf), (-np.inf, np.inf)])
def test_open_windows_are_drawn(tmp_path, window):
    want = plots.Wanted("logp", "1", window, "RDKit")
    rows = [replace(row, judged={"logp": row.first}, hit=None) for row in (HIT, MISS)]
    plots.draw_parity(rows, want, tmp_path / "p.png")
    plots.draw_molecules(rows, want, tmp_path / "m.png", columns=2)
    plots.draw_descent(np.full((5, 3), 2.0), want, np.array([4.0, 2.0]), np.array([1.0]), tmp_path / "d.png")
    edges = share_of(imread(tmp_path / "p.png"), figure.WANTED)
    assert (edges > 1e-3) == (len(want.edges) > 0)


def test_plots_leave_no_global_figures(tmp_path):
    import matplotlib.pyplot as plt

    plots.draw_parity([HIT], WANT, tmp_path / "p.png")
    assert plt.get_fignums() == []


def test_drawings_of_molecules():
    image = molecule_image("CCO", 200, 100)
    assert image.shape == (100, 200, 3)
    assert 0.5 < image.mean() < 1.0
    svg = molecule_svg("CCS")
    assert svg.startswith("<svg")
    assert svg.endswith("</svg>")
    assert "http" not in svg
    assert svg.count("<path") >= 3


@pytest.mark.parametrize("draw", [molecule_image, molecule_svg])
def test_an_unreadable_smiles_is_one_clear_error(draw):
    with pytest.raises(SmilesError):
        draw("C1CC")
