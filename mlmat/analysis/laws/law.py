"""The words of a law card: a law and its number, the model that is judged, a law before it is judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import ase
import numpy as np


@dataclass(frozen=True)
class Law:
    """One line of the card.

    Attributes:
        name: of the law.
        value: largest violation, or the number that there is to read; None if it does not apply.
        unit: of the value.
        tolerance: largest value at which the law is said to hold; None: a reading, not a law.
        says: what was measured, in plain words; or why the law does not apply.
        curves: label → (x, y) to be drawn.
        axes: labels of x and y.
    """

    name: str
    value: float | None
    unit: str
    tolerance: float | None
    says: str
    curves: dict[str, tuple[list[float], list[float]]] = field(default_factory=dict)
    axes: tuple[str, str] = ("", "")

    @property
    def holds(self) -> bool | None:
        """Whether the law holds; None for a reading or a law that does not apply."""
        if self.value is None or self.tolerance is None:
            return None
        return abs(self.value) <= self.tolerance


class Subject(NamedTuple):
    """The model that is judged, as functions of structures.

    Attributes:
        name: of the model.
        property: what it predicts.
        unit: of the property.
        elements: chemical symbols that it knows.
        extensive: whether the property grows with the size of the system.
        values: structures → ``[N]``, float64.
        forces: structures → ``[n, 3]`` each, unit per Å; None if the model is not differentiated.
        served: structures → ``[N]`` as a user gets them, in single precision; None: as `values`.
    """

    name: str
    property: str
    unit: str
    elements: tuple[str, ...]
    extensive: bool
    values: Callable[[Sequence[ase.Atoms]], np.ndarray]
    forces: Callable[[Sequence[ase.Atoms]], list[np.ndarray]] | None = None
    served: Callable[[Sequence[ase.Atoms]], np.ndarray] | None = None


class Plan(NamedTuple):
    """A law before it is judged.

    Attributes:
        structures: to be predicted.
        judge: their values ``[N]`` → the law, or the laws that share the structures.
    """

    structures: list[ase.Atoms]
    judge: Callable[[np.ndarray], Law | list[Law]]
