"""GFN2-xTB (tblite) labels of molecules: geometry, energy, orbitals, dipole, charges.

A GFN2 gap is a difference of orbital energies of a semi-empirical method. It is
not an optical gap and not a fundamental gap; it orders molecules by the same
chemistry, and that is what the embedded set and the designs are about.

Method: C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 15, 1652 (2019).
"""

from __future__ import annotations

import time

import numpy as np
from rdkit import Chem

from mlmat.errors import MlmatError
from mlmat.graphs.chemistry import parse_smiles
from mlmat.oracles.conformers import SEED, same_bonding, start_geometry
from mlmat.oracles.verdict import OK, Verdict

MAX_FORCE = 0.05
"""Relaxation ends when no atom feels more than this, eV/Å."""

MAX_STEPS = 500

UNITS = {
    "positions": "Å",
    "energy": "eV",
    "homo": "eV",
    "lumo": "eV",
    "gap": "eV",
    "dipole": "debye",
    "charges": "e",
}
"""Units of the values by name."""


def label_smiles(smiles: str, seed: int = SEED) -> Verdict:
    """Relax one molecule with GFN2-xTB and report its properties.

    Args:
        smiles: neutral closed-shell molecule of the space's elements.
        seed: of the conformer protocol.

    Returns:
        A verdict with ``numbers`` (atomic numbers), ``positions`` (Å, centred),
        ``energy``, ``homo``, ``lumo``, ``gap`` (eV), ``dipole`` (magnitude,
        debye), ``charges`` (elementary charges, GFN2 Mulliken) and ``steps``.
    """
    began = time.perf_counter()
    status, values = _label(smiles, seed)
    return Verdict(status, values, time.perf_counter() - began)


def _label(smiles: str, seed: int) -> tuple[str, dict]:
    from ase import Atoms
    from ase.optimize import BFGS
    from ase.units import Debye
    from tblite.ase import TBLite

    try:
        molecule = parse_smiles(smiles)
    except MlmatError as error:
        return f"bad input: {error}", {}
    start = start_geometry(molecule, seed)
    if start is None:
        return "embedding failed", {}
    explicit, positions = start
    atoms = Atoms([a.GetAtomicNum() for a in explicit.GetAtoms()], positions)
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    try:
        optimiser = BFGS(atoms, logfile=None)
        converged = optimiser.run(fmax=MAX_FORCE, steps=MAX_STEPS)
        energy = float(atoms.get_potential_energy())
        homo, lumo = _frontier_orbitals(atoms.calc)
        dipole = float(np.linalg.norm(atoms.get_dipole_moment()))
        charges = atoms.get_charges()
    except Exception as error:  # tblite and ASE raise many kinds; each is a failed label
        return f"SCF failed: {type(error).__name__}", {}
    if not converged:
        return "relaxation not converged", {}
    if not same_bonding(explicit, atoms.positions):
        return "changed bonding", {}
    return OK, {
        "numbers": atoms.numbers.tolist(),
        "positions": (atoms.positions - atoms.positions.mean(axis=0)).tolist(),
        "energy": energy,
        "homo": homo,
        "lumo": lumo,
        "gap": lumo - homo,
        "dipole": dipole / Debye,
        "charges": charges.tolist(),
        "steps": int(optimiser.nsteps),
    }


def _frontier_orbitals(calculator) -> tuple[float, float]:
    """HOMO and LUMO energies in eV of the last single point."""
    from ase.units import Hartree

    result = calculator._res
    energies = np.asarray(result.get("orbital-energies"))
    occupations = np.asarray(result.get("orbital-occupations"))
    highest = round(float(occupations.sum()) / 2) - 1
    return float(energies[highest] * Hartree), float(energies[highest + 1] * Hartree)


def atom_energies() -> dict[str, float]:
    """GFN2 energies in eV of the free atoms H, C, N, O, F, S in their ground-state spin.

    The atomisation energy of a molecule is its energy minus the sum of these.
    """
    from ase.units import Hartree
    from tblite.interface import Calculator

    unpaired = {"H": 1, "C": 2, "N": 3, "O": 2, "F": 1, "S": 2}
    energies = {}
    for symbol, spin in unpaired.items():
        number = Chem.GetPeriodicTable().GetAtomicNumber(symbol)
        calculator = Calculator("GFN2-xTB", np.array([number]), np.zeros((1, 3)), uhf=spin)
        calculator.set("verbosity", 0)
        energies[symbol] = float(calculator.singlepoint().get("energy") * Hartree)
    return energies
