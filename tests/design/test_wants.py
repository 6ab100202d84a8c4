"""Reading what the user wants."""

import math

import pytest

from mlmat.design.wants import Want, check_range, parse_want, parse_wants
from mlmat.errors import TargetError


def test_single_values_and_ranges():
    assert parse_want("gap=4.0") == Want("gap", 4.0, 4.0)
    assert parse_want("homo=-9..-8.5") == Want("homo", -9.0, -8.5)


def test_hits_are_inside_the_window_ends_included():
    assert parse_want("gap=2..3").hit(2.0)
    assert not parse_want("gap=2..3").hit(3.01)
    assert parse_want("gap=4").hit(4.25)
    assert not parse_want("gap=4").hit(4.35)


def test_tolerances_weights_and_open_ends():
    assert parse_want("gap=4+-0.2").window == pytest.approx((3.8, 4.2))
    assert parse_want("gap=4±0.2") == parse_want("gap=4+-0.2")
    assert parse_want("qed=0.9").window == pytest.approx((0.85, 0.95))
    assert parse_want("2.5*gap=4") == Want("gap", 4.0, 4.0, weight=2.5)
    assert parse_want("homo=..-9") == Want("homo", -math.inf, -9.0)
    assert parse_want("logp=2..").hit(1e6)
    assert not parse_want("logp=2..").hit(1.9)
    assert parse_want("logp=2..").centre == 2


def test_extremes_have_hits_only_with_a_threshold():
    assert parse_want("homo=min").extreme == "min"
    assert parse_want("homo=min").hit(-100.0) is None
    assert math.isnan(parse_want("homo=min").centre)
    deep = parse_want("homo=min..-9")
    assert (deep.extreme, deep.hit(-9.0), deep.hit(-8.9)) == ("min", True, False)
    strong = parse_want("3*dipole=5..max")
    assert (strong.extreme, strong.weight, strong.hit(5.0), strong.hit(4.9)) == ("max", 3.0, True, False)
    assert parse_want("gap=2..3").hit(math.nan) is False


def test_several_wants_are_one_per_property_and_known():
    assert parse_wants(["gap=4", "homo=min"], ("gap", "homo")) == (
        Want("gap", 4.0, 4.0),
        Want("homo", -math.inf, math.inf, extreme="min"),
    )
    with pytest.raises(TargetError, match="gap is wanted twice"):
        parse_wants(["gap=4", "gap=max"])
    with pytest.raises(TargetError, match="knows gap, homo, not 'dipole'"):
        parse_wants(["dipole=max"], ("gap", "homo"))
    with pytest.raises(TargetError, match="nothing is wanted"):
        parse_wants([])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("gap", "cannot read"),
        ("gap=big", "cannot read"),
        ("=4", "cannot read"),
        ("gap=nan", "finite"),
        ("gap=inf", "finite"),
        ("gap=5..4", "gap=4..5"),
        ("gap=-1", "negative"),
        ("gap=4+-0", "tolerance"),
        ("gap=4+-x", "cannot read"),
        ("0*gap=4", "weight"),
        ("-1*gap=4", "weight"),
        ("x*gap=4", "cannot read"),
        ("gap=..", "cannot read"),
        ("gap=min..max", "cannot read"),
        ("gap=..max", "cannot read"),
        ("gap=..nan", "finite"),
        ("gap=", "cannot read"),
    ],
)
def test_bad_wants_say_what_is_wrong(text, reason):
    with pytest.raises(TargetError, match=reason):
        parse_want(text)


def test_a_want_beyond_the_data_is_refused():
    check_range(parse_want("gap=14.9"), 0.2, 14.7)
    with pytest.raises(TargetError, match="outside the training data"):
        check_range(parse_want("gap=20"), 0.2, 14.7)
