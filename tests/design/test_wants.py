"""Reading what the user wants."""

import pytest

from mlmat.design.wants import Want, check_range, parse_want
from mlmat.errors import TargetError


def test_single_values_and_ranges():
    assert parse_want("gap=4.0") == Want("gap", 4.0, 4.0)
    assert parse_want("homo=-9..-8.5") == Want("homo", -9.0, -8.5)


def test_hits_are_inside_the_window_ends_included():
    assert parse_want("gap=2..3").hit(2.0)
    assert not parse_want("gap=2..3").hit(3.01)
    assert parse_want("gap=4").hit(4.25)
    assert not parse_want("gap=4").hit(4.35)


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
    ],
)
def test_bad_wants_say_what_is_wrong(text, reason):
    with pytest.raises(TargetError, match=reason):
        parse_want(text)


def test_a_want_beyond_the_data_is_refused():
    check_range(parse_want("gap=14.9"), 0.2, 14.7)
    with pytest.raises(TargetError, match="outside the training data"):
        check_range(parse_want("gap=20"), 0.2, 14.7)
