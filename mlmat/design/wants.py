"""What a user wants: a property in a window, parsed from the command line and checked."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mlmat.errors import TargetError

TOLERANCE = 0.3
"""Half-width in eV of the window around a single wanted value that counts as a hit."""


@dataclass(frozen=True)
class Want:
    """A property wanted between two values (equal for a single value).

    Attributes:
        name: property, as the predictor calls it.
        low: lower end, in the predictor's unit.
        high: upper end.
    """

    name: str
    low: float
    high: float

    @property
    def centre(self) -> float:
        """Middle of the wanted values."""
        return (self.low + self.high) / 2

    @property
    def window(self) -> tuple[float, float]:
        """Values that count as a hit: the range, or the value ± `TOLERANCE`."""
        if self.low == self.high:
            return self.low - TOLERANCE, self.high + TOLERANCE
        return self.low, self.high

    def hit(self, value: float) -> bool:
        """Whether a value counts as a hit."""
        low, high = self.window
        return low <= value <= high


def parse_want(text: str) -> Want:
    """Read ``gap=4.0`` or ``gap=2..3``.

    Raises:
        TargetError: not of this form, NaN, a negative gap, or low above high.
    """
    name, equals, value = text.partition("=")
    low_text, dots, high_text = value.partition("..")
    try:
        low = float(low_text)
        high = float(high_text) if dots else low
    except ValueError:
        equals = ""
        low = high = math.nan
    if not equals or not name:
        raise TargetError(f"cannot read the want {text!r}: write NAME=VALUE or NAME=LOW..HIGH, e.g. gap=4.0")
    if not (math.isfinite(low) and math.isfinite(high)):
        raise TargetError(f"the want {text!r} is not a finite number")
    if low > high:
        raise TargetError(
            f"the want {text!r} has its low end above its high end: write {name}={high:g}..{low:g}"
        )
    if name == "gap" and low < 0:
        raise TargetError(f"a gap cannot be negative: {text!r}")
    return Want(name, low, high)


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
