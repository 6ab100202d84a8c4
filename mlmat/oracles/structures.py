"""Energies and forces of structures as they are: from EMT, GFN2-xTB, or a user's own engine.

>>> oracle = structure_oracle("my_lab:label")
>>> for index, verdict in judge(oracle, structures):
...     print(index, verdict.status, verdict.values.get("energy"))

A user's function takes `ase.Atoms` and returns an ASE calculator, or a dictionary with ``energy``
(eV), ``forces`` (eV/Å, n × 3) and, if there is one, ``stress`` (eV/Å³: xx, yy, zz, yz, xz, xy,
tension positive, as in ASE).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlmat.errors import InputError
from mlmat.oracles.user import resolve
from mlmat.oracles.verdict import OK, Verdict

ENGINES = ("emt", "gfn2")
"""Oracles that need no code: effective-medium theory (ASE's) and GFN2-xTB (tblite; molecules)."""


@dataclass(frozen=True)
class StructureOracle:
    """Labels one structure; it is sent to workers by name, and imports no JAX.

    Attributes:
        reference: one of `ENGINES`, or ``"module:function"``.
    """

    reference: str

    def __call__(self, atoms: Any) -> Verdict:
        """Verdict with ``energy``, ``forces`` and perhaps ``stress``; failures are its status."""
        began = time.perf_counter()
        bare = atoms.copy()
        bare.calc = None
        try:
            result = _engine(self.reference)(bare)
            values = dict(result) if isinstance(result, Mapping) else _calculated(result, bare)
        except Exception as error:  # the user's code, and engines, may raise anything
            status = f"error: {type(error).__name__}: {error}"
            return Verdict(status[:200], seconds=time.perf_counter() - began)
        status, values = _read(values, len(bare))
        return Verdict(status, values, time.perf_counter() - began)


def structure_oracle(reference: str) -> StructureOracle:
    """The oracle of this name.

    Args:
        reference: one of `ENGINES`, or ``"module:function"``; the current folder is searched, too.

    Raises:
        InputError: neither; or what it names is no function.
    """
    if reference not in ENGINES:
        if ":" not in reference:
            raise InputError(
                f"unknown oracle {reference!r}: {', '.join(ENGINES)}, or MODULE:FUNCTION for a function of "
                "ase.Atoms that returns an ASE calculator, or a dictionary with energy and forces"
            )
        if not callable(resolve(reference)):
            raise InputError(f"the oracle {reference!r} is no function")
    return StructureOracle(reference)


def _engine(reference: str) -> Any:
    if reference == "emt":
        from ase.calculators.emt import EMT

        return lambda atoms: EMT()
    if reference == "gfn2":
        from tblite.ase import TBLite

        return lambda atoms: TBLite(method="GFN2-xTB", verbosity=0)
    return resolve(reference)


def _calculated(calculator: Any, atoms: Any) -> dict[str, Any]:
    """Energy, forces and, of a periodic structure, stress by an ASE calculator."""
    if not hasattr(calculator, "get_property"):
        raise TypeError(f"an ASE calculator or a dictionary is needed, not {type(calculator).__name__}")
    atoms.calc = calculator
    found = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
    if atoms.pbc.all() and "stress" in getattr(calculator, "implemented_properties", ()):
        found["stress"] = atoms.get_stress()
    return found


def _read(values: dict[str, Any], n: int) -> tuple[str, dict[str, Any]]:
    """Status and values as plain numbers and lists."""
    shapes = {"energy": (), "forces": (n, 3), "stress": (6,)}
    found = {}
    for name, shape in shapes.items():
        if name not in values:
            if name == "stress":
                continue
            return f"bad result: no {name}", {}
        try:
            array = np.asarray(values[name], float)
        except (TypeError, ValueError):
            return f"bad result: {name} is not made of numbers", {}
        if array.shape != shape:
            return f"bad result: {name} has the shape {array.shape}, not {shape}", {}
        if not np.isfinite(array).all():
            return f"not finite: {name}", {}
        found[name] = array.tolist()
    return OK, found
