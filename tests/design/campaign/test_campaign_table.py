"""A campaign's tables: errors against hand-made numbers, failures kept as misses."""

import csv
import math

import pytest

from mlmat.design.campaign.table import Judged, campaign_metrics, summarise, write_campaign
from mlmat.oracles.verdict import OK, Verdict


def judged(number, rank, predicted, verified, status=OK):
    values = {} if verified is None else {"gap": verified, "homo": -9.0}
    names = {"gap": predicted, "homo": -8.0}
    return Judged(number, rank, "C" * rank, names, {"gap": 0.1, "homo": 0.2}, Verdict(status, values, 2.0))


def hit(values):
    return abs(values.get("gap", math.nan) - 4) <= 0.3


DESIGNS = [
    judged(1, 1, 4.0, 5.0),
    judged(1, 2, 4.2, 4.0),
    judged(1, 3, 4.0, None, "timeout"),
    judged(2, 1, 4.0, 4.1),
]


def test_a_round_counts_its_own_designs_and_failures_are_misses():
    row = summarise(DESIGNS, 1, 4, ("gap", "homo"), hit, {"gap": 0.2, "homo": 0.5})
    assert (row.asked, row.submitted, row.verified, row.hits) == (4, 3, 2, 1)
    assert row.hit_share == 0.25
    gap = row.errors["gap"]
    assert gap.mae == pytest.approx((1.0 + 0.2) / 2)
    assert gap.bias == pytest.approx((-1.0 + 0.2) / 2)
    assert gap.low == pytest.approx(0.2)
    assert gap.high == pytest.approx(1.0)
    assert gap.ratio == pytest.approx(3.0)
    assert row.errors["homo"].ratio == pytest.approx(2.0)


def test_too_few_verdicts_give_no_interval_and_none_gives_no_error():
    alone = summarise(DESIGNS, 2, 1, ("gap",), hit, {})
    assert alone.errors["gap"].low is None
    assert alone.errors["gap"].ratio is None
    assert summarise(DESIGNS[2:3], 1, 1, ("gap",), hit, {}).errors == {}
    metrics = campaign_metrics([alone], {"gap": "eV"})
    named = {m.name: m for m in metrics}
    assert named["hit share"].value == 1.0
    assert named["gap error on designs (MAE)"].unit == "eV"
    assert named["gap error on designs (MAE)"].variant == "round 2"
    assert "gap test error (MAE)" not in named


def test_every_verdict_is_a_row(tmp_path):
    write_campaign(DESIGNS, ("gap", "homo"), hit, tmp_path / "campaign.csv")
    with open(tmp_path / "campaign.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 8
    assert rows[0] == {
        "round": "1", "rank": "1", "smiles": "C", "property": "gap", "predicted": "4.0000", "std": "0.1000",
        "verified": "5.0000", "error": "-1.0000", "hit": "False", "status": "ok", "seconds": "2.0000",
    }  # fmt: skip
    assert rows[4]["status"] == "timeout"
    assert rows[4]["verified"] == rows[4]["error"] == ""
    assert [row["hit"] for row in rows[::2]] == ["False", "True", "False", "True"]
