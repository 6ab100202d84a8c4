"""Potentials by name or file: ``load_potential("emt", ("Cu", "Au"))``, ``load_potential("my.mlmat")``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlmat.errors import InputError
from mlmat.potentials.emt import emt
from mlmat.potentials.learned import from_predictor
from mlmat.potentials.pair import lennard_jones, morse
from mlmat.potentials.potential import Potential
from mlmat.potentials.stillinger_weber import stillinger_weber
from mlmat.predictor import load_predictor

CLASSICAL = {
    "lennard-jones": lennard_jones,
    "morse": morse,
    "stillinger-weber": stillinger_weber,
    "emt": emt,
}
"""Name → maker with its published parameters: argon, copper, silicon, and the metals of EMT."""


def load_potential(name: str | Path, elements: Sequence[str] = ()) -> Potential:
    """A classical potential by name, or a saved predictor of energies by file.

    Args:
        name: one of `CLASSICAL`, or a predictor file.
        elements: that shall be covered; EMT is then made for these alone.

    Raises:
        InputError: neither a name nor a file, or a predictor that is no potential.
        PredictorFileError: a damaged file.
    """
    if str(name) == "emt" and elements:
        return emt(tuple(dict.fromkeys(elements)))
    if str(name) in CLASSICAL:
        return CLASSICAL[str(name)]()
    if not Path(name).exists():
        raise InputError(
            f"{str(name)!r} is neither a predictor file nor a classical potential ({', '.join(CLASSICAL)})"
        )
    return from_predictor(load_predictor(name))
