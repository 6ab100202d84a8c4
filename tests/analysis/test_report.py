import base64
import re
from dataclasses import replace
from html import escape, unescape
from html.parser import HTMLParser

import pytest

from mlmat.analysis import plots
from mlmat.analysis.design_table import DesignRow, PropertyVerdict
from mlmat.analysis.record import RunRecord
from mlmat.analysis.report import heads, write_report
from mlmat.errors import DataError

UNITS = {"gap": "eV"}
HEADS = heads(UNITS)
JUDGED = PropertyVerdict(4.1, 4.05, 0.1, 4.11)
LOST = {"gap": replace(JUDGED, verified=None)}
HIT = DesignRow(1, 17, "gradient", "CC(=O)N", "ok", True, {"gap": JUDGED}, False, 0.5, 1.2)
ROWS = [
    HIT,
    replace(
        HIT,
        rank=2,
        smiles="N#CC1CC1",
        hit=False,
        judged={"gap": replace(JUDGED, verified=5.25)},
        in_training=True,
    ),
    replace(HIT, rank=3, smiles="C/C=C/F", status="changed <bonding>", hit=False, judged=LOST),
    replace(HIT, rank=4, smiles="<script>alert(1)</script>&", status="timeout", hit=False, judged=LOST),
]
RECORD = RunRecord(
    system="s", preset="design", command="mlmat design --want 'gap<4' && true", config={}, seeds=[5, 6],
    data={"small_organics": "00ff"}, seconds={"compile": 1.0, "run": 2.0}, metrics=[], device="1 x cpu",
)  # fmt: skip


class Page(HTMLParser):
    """Table cells, attributes that load something, and whether every tag is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.loads, self.cells, self.scripts = [], [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.loads += [v for k, v in attrs if k in ("src", "href", "srcset", "data", "action")]
        self.scripts += tag == "script"
        if tag not in ("meta", "img", "path", "rect", "ellipse"):
            self.open.append(tag)
        if tag == "td":
            self.cells.append("")

    def handle_endtag(self, tag):
        if tag not in ("path", "rect", "ellipse"):
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "td" in self.open:
            self.cells[-1] += data


@pytest.fixture
def page(tmp_path):
    plots.draw_parity(ROWS, plots.Wanted("gap", "eV", (3.7, 4.3)), tmp_path / "p.png")
    write_report(
        tmp_path / "report.html", title="A <title>", summary="sum & mary", facts={"hits": "1 of 4"},
        figures=[(tmp_path / "p.png", 'a "caption"')], rows=ROWS, units=UNITS, record=RECORD,
    )  # fmt: skip
    return (tmp_path / "report.html").read_text(encoding="utf-8")


def test_every_submission_is_a_row_and_everything_is_escaped(page):
    parsed = Page(page)
    assert not parsed.open
    assert len(parsed.cells) == len(HEADS) * len(ROWS)
    assert parsed.cells[2 :: len(HEADS)] == [row.smiles for row in ROWS]
    assert all(escape(row.smiles) in page for row in ROWS)
    assert parsed.scripts == 1, "a SMILES did not become a script"
    assert "A &lt;title&gt;" in page
    assert "sum &amp; mary" in page
    assert RECORD.command in unescape(page)


def test_verdicts_and_reasons_of_failure_are_shown(page):
    verdicts = Page(page).cells[3 :: len(HEADS)]
    assert verdicts == ["✓ hit", "✗ miss", "changed <bonding>", "timeout"]
    assert (
        re.findall(r'<li class="(\w+)"><b>(\d+)</b>', page)
        == [("hit", "1"), ("miss", "1")] + [("failed", "1")] * 2
    )
    assert "not an optical gap" in page


def test_nothing_is_loaded_from_elsewhere(page):
    assert all(link.startswith("data:image/png;base64,") for link in Page(page).loads)
    assert not re.search(
        r"https?://|//\w|url\(|@import", re.sub(r"base64,[^\"]*", "", page).replace("//  ", "")
    )


def test_figures_are_embedded_unchanged_at_their_size(page, tmp_path):
    (data,) = re.findall(r"base64,([^\"]+)", page)
    assert base64.b64decode(data) == (tmp_path / "p.png").read_bytes()
    assert 'width="499" height="480"' in page, "5.2 x 5 inches at 96 pixels each"


def test_the_page_says_how_to_repeat_the_run(page):
    text = unescape(page)
    for part in ("5, 6", "small_organics 00ff", f"numpy {RECORD.versions['numpy']}", "1 x cpu"):
        assert part in text


def test_a_figure_that_is_none_is_refused(tmp_path):
    (tmp_path / "f.png").write_text("no image")
    for name in ("f.png", "missing.png"):
        with pytest.raises(DataError, match=name):
            write_report(
                tmp_path / "report.html", title="", summary="", facts={}, figures=[(tmp_path / name, "")],
                rows=[], units=UNITS, record=RECORD,
            )  # fmt: skip
    assert not (tmp_path / "report.html").exists()
