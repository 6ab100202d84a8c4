"""GFN2-xTB (tblite) energies, forces and Hessians of geometries as they are.

Tasks are plain tuples of atomic numbers and positions (Å) of neutral, closed-shell molecules,
for `mlmat.oracles.pool.judge`. Method: C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory
Comput. 15, 1652 (2019).
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from mlmat.oracles.verdict import OK, Verdict

Geometry = tuple[list[int], list[list[float]]]

STEP = 0.005
"""Å of the central differences of forces that give the Hessian."""

MAX_FORCE = 0.001
"""eV/Å at which a relaxation before a Hessian ends."""

UNITS = {"positions": "Å", "energy": "eV", "forces": "eV/Å", "hessian": "eV/Å²"}
"""Units of the values by name."""


def label_geometry(task: Geometry) -> Verdict:
    """Energy and forces of one geometry.

    Returns:
        A verdict with ``energy`` (eV) and ``forces`` (eV/Å).
    """
    began = time.perf_counter()
    atoms = _with_xtb(task)
    try:
        values = {"energy": float(atoms.get_potential_energy()), "forces": atoms.get_forces().tolist()}
    except Exception as error:  # tblite raises many kinds; each is a failed label
        return Verdict(f"SCF failed: {type(error).__name__}", {}, time.perf_counter() - began)
    return Verdict(OK, values, time.perf_counter() - began)


def relaxed_hessian(task: Geometry) -> Verdict:
    """Minimum next to a geometry, and the Hessian there by central differences of forces.

    Returns:
        A verdict with ``positions`` (Å), ``energy`` (eV) and ``hessian`` ``[3n, 3n]`` (eV/Å²).
    """
    from ase.optimize import BFGS

    began = time.perf_counter()
    atoms = _with_xtb(task)
    try:
        if not BFGS(atoms, logfile=None).run(fmax=MAX_FORCE, steps=500):
            return Verdict("relaxation not converged", {}, time.perf_counter() - began)
        values = {"positions": atoms.positions.tolist(), "energy": float(atoms.get_potential_energy())}
        rows, rest = [], atoms.positions.copy()
        for index in range(rest.size):
            sides = []
            for sign in (1.0, -1.0):
                atoms.positions = rest
                atoms.positions.reshape(-1)[index] += sign * STEP
                sides.append(atoms.get_forces().reshape(-1))
            rows.append((sides[1] - sides[0]) / (2.0 * STEP))
    except Exception as error:  # tblite and ASE raise many kinds; each is a failed label
        return Verdict(f"SCF failed: {type(error).__name__}", {}, time.perf_counter() - began)
    stiffness = np.array(rows)
    values["hessian"] = (0.5 * (stiffness + stiffness.T)).tolist()
    return Verdict(OK, values, time.perf_counter() - began)


def _with_xtb(task: Geometry) -> Any:
    from ase import Atoms
    from tblite.ase import TBLite

    atoms = Atoms(*task)
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    return atoms
