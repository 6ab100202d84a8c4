"""What a user wants of a property: a value, a range, the least or the most of it.

========================  ==================================================================
text                      meaning
========================  ==================================================================
``gap=4.0``               this value; a hit lies within the property's `TOLERANCES`
``gap=4.0+-0.2``          this value; a hit lies within 0.2 of it
``gap=2..3``              between two values; ``gap=..3`` and ``gap=2..`` leave one end open
``homo=min``              as low as possible, once ranges wanted beside it are met; there is no hit
``homo=min..-9``          as low as possible; a hit is at most −9
``dipole=max``            as high as possible
``dipole=5..max``         as high as possible; a hit is at least 5
``2*gap=4.0``             any of these, counted twice in a sum of several wants
========================  ==================================================================

Numbers are in the predictor's unit of the property.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mlmat.errors import TargetError

TOLERANCE = 0.3
"""Half-width of the hit window around a single value, in the property's unit: 0.3 eV for energies."""

TOLERANCES = {"qed": 0.05, "similarity": 0.05}
"""The same for properties on the scale from 0 to 1."""

FORMS = "write NAME=VALUE, NAME=VALUE+-TOLERANCE, NAME=LOW..HIGH, NAME=min or NAME=max, e.g. gap=4.0"


@dataclass(frozen=True)
class Want:
    """A property wanted between two values (equal for a single value), or as low or high as it gets.

    Attributes:
        name: property, as the predictor calls it.
        low: lower end, in the predictor's unit; −∞ for an open end.
        high: upper end; +∞ for an open end.
        weight: in a sum of several wants.
        tolerance: half-width of the hit window around a single value; None: the property's own.
        extreme: "min" or "max": go as far as possible, also beyond the threshold that `low` or `high` is.
    """

    name: str
    low: float
    high: float
    weight: float = 1.0
    tolerance: float | None = None
    extreme: Literal["", "min", "max"] = ""

    @property
    def centre(self) -> float:
        """Middle of the wanted values; the end that is not open if there is one such end."""
        ends = [end for end in (self.low, self.high) if math.isfinite(end)]
        return sum(ends) / len(ends) if ends else math.nan

    @property
    def open(self) -> bool:
        """Whether any value will do: an extreme without a threshold."""
        return math.isinf(self.low) and math.isinf(self.high)

    @property
    def window(self) -> tuple[float, float]:
        """Values that count as a hit: the range, or the value ± the tolerance."""
        if self.low == self.high:
            tolerance = TOLERANCES.get(self.name, TOLERANCE) if self.tolerance is None else self.tolerance
            return self.low - tolerance, self.high + tolerance
        return self.low, self.high

    def hit(self, value: float) -> bool | None:
        """Whether a value counts as a hit; None for an extreme without a threshold, which has no hits."""
        if self.open:
            return None
        low, high = self.window
        return bool(low <= value <= high)


def parse_want(text: str) -> Want:
    """Read one want in any of the forms of this module.

    Raises:
        TargetError: of no such form, NaN, a negative gap, tolerance or weight, or low above high.
    """
    head, equals, value = text.partition("=")
    factor, star, name = head.rpartition("*")
    name, value = name.strip(), value.strip()
    if not equals or not name or not value:
        raise TargetError(f"cannot read the want {text!r}: {FORMS}")
    weight = _number(factor, text) if star else 1.0
    if weight <= 0:
        raise TargetError(f"the weight of the want {text!r} must be positive: write e.g. 2*{name}={value}")
    want = _goal(name, value, text, weight)
    if want.low > want.high:
        raise TargetError(
            f"the want {text!r} has its low end above its high end: write {name}={want.high:g}..{want.low:g}"
        )
    if name == "gap" and -math.inf < want.low < 0:
        raise TargetError(f"a gap cannot be negative: {text!r}")
    return want


def _goal(name: str, value: str, text: str, weight: float) -> Want:
    if value in ("min", "max"):
        return Want(name, -math.inf, math.inf, weight, extreme=value)
    low, dots, high = value.partition("..")
    if dots:
        low, high = low.strip(), high.strip()
        extreme = "min" if low == "min" else "max" if high == "max" else ""
        if not (low or high) or (low == "min" and high in ("", "max")) or (high == "max" and not low):
            raise TargetError(f"cannot read the want {text!r}: {FORMS}")
        return Want(
            name,
            -math.inf if low in ("", "min") else _number(low, text),
            math.inf if high in ("", "max") else _number(high, text),
            weight,
            extreme=extreme,
        )
    centre, plus, tolerance = value.replace("±", "+-").partition("+-")
    width = _number(tolerance, text) if plus else None
    if width is not None and width <= 0:
        raise TargetError(
            f"the tolerance of the want {text!r} must be positive: write e.g. {name}={centre}+-0.2"
        )
    target = _number(centre, text)
    return Want(name, target, target, weight, width)


def _number(text: str, whole: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise TargetError(f"cannot read the want {whole!r}: {FORMS}") from None
    if not math.isfinite(number):
        raise TargetError(f"the want {whole!r} is not a finite number")
    return number


def parse_wants(texts: Sequence[str], properties: Sequence[str] | None = None) -> tuple[Want, ...]:
    """Read several wants.

    Args:
        texts: one want each.
        properties: what can be wanted; None: anything.

    Raises:
        TargetError: none at all, a bad one, two of one property, or an unknown property.
    """
    if not texts:
        raise TargetError(f"nothing is wanted: {FORMS}")
    wants = tuple(parse_want(text) for text in texts)
    names = [want.name for want in wants]
    for name in names:
        if names.count(name) > 1:
            raise TargetError(
                f"{name} is wanted twice: give one want per property, a range for two ends ({name}=LOW..HIGH)"
            )
        if properties is not None and name not in properties:
            raise TargetError(
                f"this predictor knows {', '.join(properties)}, not {name!r}: want one of these, "
                "or give a predictor trained on it"
            )
    return wants


def check_range(want: Want, low: float, high: float) -> None:
    """Refuse a want outside what the training data span.

    Raises:
        TargetError: the hit window does not touch ``[low, high]``.
    """
    if want.window[1] < low or want.window[0] > high:
        raise TargetError(
            f"{want.name}={want.centre:g} lies outside the training data ({low:.2f} to {high:.2f}): "
            "a predictor knows nothing there. Choose a value inside, or train on data that reach it."
        )
