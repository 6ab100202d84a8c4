"""The training report: complete, escaped, self-contained."""

import base64
import re
from html import unescape

import pytest

from mlmat.analysis.figure import new_figure, save
from mlmat.analysis.record import RunRecord
from mlmat.analysis.training_report import OURS, WorstItem, write_training_report
from mlmat.errors import DataError, InputError

RECORD = RunRecord(
    system="s", preset="train", command="mlmat train a.csv --target 'gap' && true", config={}, seeds=[5, 6],
    data={"a.csv": "00ff"}, seconds={"run": 2.0}, metrics=[], device="1 x cpu",
)  # fmt: skip
SCORES = (
    "Test <part>",
    ["model", "MAE (eV)", "items"],
    [["mean", 1.23456, 12000], [OURS + "network", -0.5, 7], ["& co", None, float("nan")]],
)
WORST = [
    WorstItem("CCO", "CCO", 5.0, 3.75, 0.1),
    WorstItem("<b>1</b>", "<script>alert(1)</script>", 5.0, 6.0, None, "line 7"),
]


def write(tmp_path, **changes):
    figure = new_figure(2, 1)
    save(figure, tmp_path / "f.png")
    content = {
        "title": "A <title>", "summary": "sum & mary", "facts": {"MAE": "1 < 2"}, "tables": [SCORES],
        "figures": [(tmp_path / "f.png", 'a "caption"')], "worst": WORST, "record": RECORD, "unit": "eV",
        "warnings": ["3 test items are also in train."],
    }  # fmt: skip
    write_training_report(tmp_path / "r.html", **content | changes)
    return (tmp_path / "r.html").read_text(encoding="utf-8")


def cells(page):
    return [unescape(re.sub("<[^>]*>", "", cell)).strip() for cell in re.findall(r"<td.*?</td>", page, re.S)]


def test_tables_show_numbers_to_three_digits_and_mark_our_model(tmp_path):
    page = write(tmp_path, worst=[])
    assert cells(page) == ["mean", "1.23", "12,000", "★ network", "−0.500", "7", "& co", "", "not defined"]
    assert re.findall(r'<tr class="ours"><td>(.*?)</td>', page) == ["★ network"]
    assert 'data-sort="1.23456"' in page
    assert "Largest errors" not in page


def test_worst_items_are_drawn_and_escaped(tmp_path):
    page = write(tmp_path, tables=[])
    first = ["", "CCO", "5.00", "3.75", "0.100", "−1.25", ""]
    assert cells(page) == [*first, "", "<b>1</b>", "5.00", "6.00", "", "1.00", "line 7"]
    assert page.count("<svg") == 1
    assert page.count("<script") == 1, "a SMILES did not become a script"
    heads = re.findall(r'<button type="button">(.*?)</button>', page)
    assert heads == ["molecule", "item", "observed (eV)", "predicted (eV)", "± (eV)", "error (eV)", "remark"]


def test_worst_structures_and_classes_leave_empty_columns_out(tmp_path):
    page = write(tmp_path, tables=[], worst=[WorstItem("mp-1", None, "metal", "insulator")], unit="")
    assert re.findall(r'<button type="button">(.*?)</button>', page) == ["item", "observed", "predicted"]
    assert cells(page) == ["mp-1", "metal", "insulator"]


def test_the_page_is_whole_and_loads_nothing(tmp_path):
    page = write(tmp_path)
    for part in ("A &lt;title&gt;", "sum &amp; mary", "1 &lt; 2", "Test &lt;part&gt;", "5, 6", "a.csv 00ff"):
        assert part in page
    assert "3 test items are also in train." in page
    assert RECORD.command in unescape(page)
    assert not re.search(r"https?://|url\(|@import", re.sub(r"base64,[^\"]*", "", page))
    (image,) = re.findall(r"base64,([^\"]+)", page)
    assert base64.b64decode(image) == (tmp_path / "f.png").read_bytes()
    for tag in ("table", "tr", "td", "div", "figure", "ul", "dl", "svg", "h2"):
        assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>"), tag


def test_an_empty_report_is_still_a_page(tmp_path):
    page = write(tmp_path, tables=[], figures=[], worst=[], warnings=[])
    assert "<h2>" in page
    assert "Scores" not in page
    assert "Before you trust" not in page


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"1 cells under 2 headings"):
        write(tmp_path, tables=[("t", ["a", "b"], [["x"]])])
    with pytest.raises(DataError, match=r"missing.png"):
        write(tmp_path, figures=[(tmp_path / "missing.png", "")])
    assert not (tmp_path / "r.html").exists()
