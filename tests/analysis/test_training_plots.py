"""Figures of training runs: drawn for any data, inked where they should be, honest in numbers."""

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.image import imread

from mlmat.analysis import figure
from mlmat.analysis.class_plots import draw_confusion
from mlmat.analysis.figure import number_text
from mlmat.analysis.reliability import draw_reliability
from mlmat.analysis.training_curve import draw_training_curve
from mlmat.analysis.training_plots import MANY, draw_learning_curve, draw_parity, draw_residuals
from mlmat.errors import InputError, TargetError

RANDOM = np.random.default_rng(0)
OBSERVED = RANDOM.gamma(3, 1, MANY + 1)
STD = 0.1 + 0.2 * RANDOM.random(MANY + 1)
PREDICTED = OBSERVED + STD * RANDOM.normal(size=MANY + 1)


def inked(path, colour, tolerance=0.05):
    """Number of pixels that have a colour."""
    return (np.abs(imread(path)[..., :3] - to_rgb(colour)).max(-1) < tolerance).sum()


@pytest.mark.parametrize("count", [1, 40, MANY + 1])
def test_parity_and_residuals_of_any_size(tmp_path, count):
    path = tmp_path / "p.png"
    draw_parity(OBSERVED[:count], PREDICTED[:count], STD[:count], "gap", "eV", path)
    # Dense points get darker than any single one.
    assert (inked(path, figure.DENSITY[-1]) > 100) == (count > MANY)
    draw_residuals(OBSERVED[:count], PREDICTED[:count], "gap", "eV", path)
    assert (inked(path, figure.MISS) > 100) == (count > MANY), "the running median needs enough items"


def test_parity_of_constant_or_perfect_predictions(tmp_path):
    draw_parity(np.ones(3), np.ones(3), None, "gap", "1", tmp_path / "p.png")
    draw_residuals(np.ones(3), np.ones(3), "gap", "1", tmp_path / "p.png")
    with pytest.raises(TargetError):
        draw_parity(np.ones(2), np.array([1, np.nan]), None, "gap", "1", tmp_path / "q.png")
    with pytest.raises(InputError):
        draw_residuals(np.ones((2, 1)), np.ones(2), "gap", "1", tmp_path / "q.png")
    assert not (tmp_path / "q.png").exists()


def test_the_best_epoch_is_marked_where_it_is(tmp_path):
    path = tmp_path / "l.png"
    columns = {}
    for best in (2, 18):
        rows = [
            {"epoch": e, "loss": 1 / (1 + e), "validation": 1.0 + abs(e - best) if e != 5 else float("nan")}
            for e in range(1, 21)
        ]
        draw_learning_curve(rows, path, unit="eV")
        green = np.abs(imread(path)[..., :3] - to_rgb(figure.WANTED)).max(-1) < 0.05
        columns[best] = np.median(np.nonzero(green[green.shape[0] // 2 :])[1])
    assert columns[18] - columns[2] == pytest.approx(16 / 20 * 4.3 * figure.DPI, rel=0.25)


def test_a_learning_curve_of_one_row_or_without_validation(tmp_path):
    draw_learning_curve([{"epoch": 1, "loss": 0.5, "validation": 0.2}], tmp_path / "l.png")
    draw_learning_curve([{"epoch": 1, "loss": 0.5, "validation": None}, {"epoch": 2}], tmp_path / "m.png")
    assert inked(tmp_path / "l.png", figure.WANTED) > inked(tmp_path / "m.png", figure.WANTED) == 0
    with pytest.raises(InputError, match="epoch"):
        draw_learning_curve([], tmp_path / "l.png")


def test_the_exponent_is_that_of_the_data(tmp_path):
    sizes = [100, 1000, 10000]
    errors = 3.0 * np.array(sizes, float) ** -0.5
    path = tmp_path / "t.png"
    assert draw_training_curve(sizes, errors, path, unit="eV") == pytest.approx(-0.5)
    seeds = errors * np.array([[0.9], [1.0], [1.1]])
    published = {"other": [(5000, 0.1), (500, 0.3)]}
    assert draw_training_curve(sizes, seeds, path, published) == pytest.approx(-0.5)
    assert draw_training_curve([100], [0.1], path) is None
    for bad in (([100, 200], [0.1]), ([0], [0.1]), ([10], [0.0])):
        with pytest.raises(InputError):
            draw_training_curve(*bad, path)


def test_confusion(tmp_path):
    path = tmp_path / "c.png"
    draw_confusion([0, 1, 1, 0], [0, 1, 1, 0], ["metal", "insulator"], path)
    perfect = inked(path, figure.DENSITY[-1])
    draw_confusion([0, 1, 1, 0], [0, 1, 0, 1], ["metal", "insulator"], path)
    assert inked(path, figure.DENSITY[-1]) < 0.1 * perfect
    draw_confusion([0], [2], ["a", "b", "c"], path)  # a class that was never observed
    for bad in (([0], [1, 0]), ([], []), ([0], [3])):
        with pytest.raises(InputError):
            draw_confusion(*bad, ["a", "b"], path)


def test_reliability(tmp_path):
    path = tmp_path / "r.png"
    draw_reliability(PREDICTED, OBSERVED, 0.3 * STD, STD, "eV", path)
    assert inked(path, figure.MISS) > 500 < inked(path, figure.HIT)
    draw_reliability(PREDICTED[:2], OBSERVED[:2], STD[:2], None, "1", path)
    assert inked(path, figure.HIT) == 0
    with pytest.raises(InputError, match="positive"):
        draw_reliability(PREDICTED, OBSERVED, 0 * STD, None, "eV", path)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.36, "0.360 eV"),
        (-0.0123456, "−0.0123 eV"),
        (123.4, "123 eV"),
        (0.0, "0 eV"),
        (12345.6, "12,346 eV"),
    ],
)
def test_numbers_have_three_digits(value, text):
    assert number_text(value, "eV") == text
    assert number_text(value, "1") == text[:-3]
