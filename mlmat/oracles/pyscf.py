"""Hartree-Fock and MP2 energies (PySCF) at given geometries; the extra ``oracles``.

Both are density-fitted in the def2-SVP basis: restricted Hartree-Fock with PySCF's
default JK fitting set, then second-order perturbation theory with def2-SVP-RI and all
electrons correlated. Weigend and Ahlrichs, Phys. Chem. Chem. Phys. 7, 3297 (2005).
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from mlmat.errors import MissingEngineError
from mlmat.oracles.verdict import OK, Verdict

BASIS = "def2-svp"
FITTING = "def2-svp-ri"
UNPAIRED = {"H": 1, "C": 2, "N": 3, "O": 2, "F": 1, "S": 2}
"""Unpaired electrons of the free atoms in their ground states."""


def _engine():
    try:
        from pyscf import df, gto, scf
        from pyscf.mp import dfmp2, dfump2
    except ImportError as error:
        raise MissingEngineError("PySCF", "oracles") from error
    return df, gto, scf, dfmp2, dfump2


def label_geometry(task: tuple[Sequence[int], Sequence[Sequence[float]]]) -> Verdict:
    """Energies of one closed-shell molecule at a fixed geometry.

    Args:
        task: atomic numbers ``[atoms]`` and positions ``[atoms, 3]`` in Å.

    Returns:
        A verdict with ``hf_energy``, ``mp2_energy`` (total) and ``hf_gap``, in eV.

    Raises:
        MissingEngineError: PySCF is not installed.
    """
    from ase.units import Hartree

    numbers, positions = task
    df, gto, scf, dfmp2, _ = _engine()
    began = time.perf_counter()
    molecule = gto.M(atom=list(zip(map(int, numbers), positions, strict=True)), basis=BASIS, verbose=0)
    field = scf.RHF(molecule).density_fit()
    field.conv_tol = 1e-8
    field.kernel()
    if not field.converged:
        return Verdict("SCF not converged", seconds=time.perf_counter() - began)
    perturbation = dfmp2.DFMP2(field)
    perturbation.with_df = df.DF(molecule, auxbasis=FITTING)
    perturbation.kernel(with_t2=False)
    pairs = molecule.nelectron // 2
    values = {
        "hf_energy": field.e_tot * Hartree,
        "mp2_energy": perturbation.e_tot * Hartree,
        "hf_gap": (field.mo_energy[pairs] - field.mo_energy[pairs - 1]) * Hartree,
    }
    return Verdict(OK, {k: float(v) for k, v in values.items()}, time.perf_counter() - began)


def atom_energies() -> dict[str, dict[str, float]]:
    """Unrestricted HF and MP2 energies in eV of the free atoms, for atomisation energies.

    Returns:
        ``{"H": {"hf_energy": …, "mp2_energy": …}, …}``; the hydrogen atom has no
        correlation energy.
    """
    from ase.units import Hartree

    df, gto, scf, _, dfump2 = _engine()
    energies = {}
    for symbol, spin in UNPAIRED.items():
        atom = gto.M(atom=[(symbol, (0, 0, 0))], basis=BASIS, spin=spin, verbose=0)
        field = scf.UHF(atom).density_fit()
        field.conv_tol = 1e-8
        field.kernel()
        correlation = 0.0
        if atom.nelectron > 1:
            perturbation = dfump2.DFUMP2(field)
            perturbation.with_df = df.DF(atom, auxbasis=FITTING)
            perturbation.kernel(with_t2=False)
            correlation = perturbation.e_corr
        energies[symbol] = {
            "hf_energy": float(field.e_tot * Hartree),
            "mp2_energy": float((field.e_tot + correlation) * Hartree),
        }
    return energies
