"""Numbers of the READMEs, set out in rows and columns."""

import pytest

from experiments.dots import draw_dots, without_shared_parts
from experiments.tables import BLOCK, PICTURE, grid, grids, table
from mlmat.analysis.record import Metric, RunRecord
from mlmat.errors import InputError


def record() -> RunRecord:
    common = {"unit": "", "n_test": 8}
    return RunRecord(
        system="a",
        preset="full",
        command="python -m a",
        config={},
        seeds=[0],
        data={},
        seconds={"run": 2.0},
        metrics=[
            Metric("hits", 0.01, variant="nobody, low", std=0.001, **common),
            Metric("hits", 0.25, variant="genetic, low, 2,000 evaluations", std=0.1, **common),
            Metric("hits", 0.5, variant="genetic, high, 2,000 evaluations", **common),
            Metric("error", 0.1, "eV", variant="genetic, low, 2,000 evaluations"),
        ],
    )


def test_one_metric_in_rows_and_columns():
    lines = grid(record(), "hits").splitlines()
    assert lines[0] == "| hits | low, 2,000 evaluations | high, 2,000 evaluations |"
    assert lines[2] == "| nobody | 1.0% ± 0.2% |  |"
    assert lines[3] == "| genetic | 25.0% ± 19.6% | 50.0% |"
    assert len(lines) == 4


def test_a_grid_of_every_metric_and_of_one():
    text = grids(record())
    assert [line.split(" |")[0] for line in text.splitlines() if line.startswith(("| hits", "| error"))] == [
        "| hits",
        "| error",
    ]
    assert text.count("± is half") == 1
    assert "| error" not in grids(record(), "hits")
    assert BLOCK.search("<!-- numbers: a, grid -->\n<!-- end -->\n<!-- dots: a, b -->\n").group(3, 4) == (
        "grid",
        None,
    )


def test_all_metrics_one_a_line():
    assert sum(line.startswith("| hits") for line in table(record(), "hits").splitlines()) == 3
    assert "| error | genetic, low, 2,000 evaluations | 0.100 eV |  |" in table(record())


def test_marks_name_the_experiment_and_the_way():
    found = BLOCK.search("<!-- numbers: a_b, grid hit share -->\nold\n<!-- end -->")
    assert found.group(2, 3, 4, 5) == ("a_b", "grid", "hit share", "<!-- end -->")
    assert BLOCK.search("<!-- numbers: a -->\n<!-- end -->").group(3) is None


def test_published_values_stand_beside_the_measured_ones():
    beside = Metric("error", 0.1, "eV", variant="a", paper=0.2)
    metrics = [beside, Metric("error", 0.3, "eV", variant="b")]
    lines = table(record().__class__(**{**vars(record()), "metrics": metrics})).splitlines()
    assert lines[0] == "| what | of | measured | published | n |"
    assert lines[2] == "| error | a | 0.100 eV | 0.200 eV |  |"
    assert lines[3] == "| error | b | 0.300 eV |  |  |"
    beside = Metric("error", 0.1, "eV", variant="a, all", paper=0.2)
    lines = grid(record().__class__(**{**vars(record()), "metrics": [beside]}), "error").splitlines()
    assert lines[2:] == ["| a | 0.100 eV |", "| published | 0.200 eV |"]


def test_a_picture_of_one_metric(tmp_path):
    metrics = record().metrics
    draw_dots(metrics[:3], tmp_path / "dots.png")
    assert (tmp_path / "dots.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(InputError, match="one metric"):
        draw_dots(metrics, tmp_path / "two.png")
    assert PICTURE.search("<!-- dots: a_b, forces MAE -->\n<!-- end -->").group(2, 3) == ("a_b", "forces MAE")


def test_what_all_names_say_is_said_once():
    names = ["CGCNN, random split, 200 crystals", "mean, random split, 200 crystals"]
    assert without_shared_parts(names) == (["CGCNN", "mean"], ["random split", "200 crystals"])
    assert without_shared_parts(names[:1]) == (names[:1], [])
    assert without_shared_parts(["a, b", "a"]) == (["b", "a"], ["a"])
