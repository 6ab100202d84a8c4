"""Hartree-Fock, MP2 and B3LYP (PySCF) at given geometries; the extra ``oracles``.

All are density-fitted in the def2-SVP basis: restricted Hartree-Fock and Kohn-Sham with
PySCF's default JK fitting set, and second-order perturbation theory with def2-SVP-RI and
all electrons correlated. Weigend and Ahlrichs, Phys. Chem. Chem. Phys. 7, 3297 (2005).
B3LYP is PySCF's, with VWN(RPA) as in the paper that used it first: P. J. Stephens et al.,
J. Phys. Chem. 98, 11623 (1994).
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from mlmat.errors import MissingEngineError
from mlmat.oracles.blas import avx2_kernels
from mlmat.oracles.verdict import OK, Verdict

BASIS = "def2-svp"
FITTING = "def2-svp-ri"
FUNCTIONAL = "b3lyp"
GRID_LEVEL = 1
"""PySCF's integration grid for B3LYP: the gap of methylindole moves by 0.2 meV against the
default, together with the looser convergence below, in under a quarter of the time."""

KOHN_SHAM_TOLERANCE = 1e-6
"""Change of the energy in hartree below which a Kohn-Sham calculation has converged."""

MEMORY = 4000
"""MB that a calculation may take."""

UNITS = dict.fromkeys(
    ("hf_energy", "mp2_energy", "hf_gap", "b3lyp_energy", "b3lyp_homo", "b3lyp_lumo", "b3lyp_gap"), "eV"
)
"""Units of the values by name."""

UNPAIRED = {"H": 1, "C": 2, "N": 3, "O": 2, "F": 1, "S": 2}
"""Unpaired electrons of the free atoms in their ground states."""


def _engine():
    try:
        with avx2_kernels():
            from pyscf import df, gto, scf
            from pyscf.mp import dfmp2, dfump2
    except ImportError as error:
        raise MissingEngineError("PySCF", "oracles") from error
    return df, gto, scf, dfmp2, dfump2


def require_engine() -> None:
    """Fail early, and not once in every worker.

    Raises:
        MissingEngineError: PySCF is not installed.
    """
    _engine()


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
    atoms = list(zip(map(int, numbers), positions, strict=True))
    molecule = gto.M(atom=atoms, basis=BASIS, verbose=0, max_memory=memory_limit())
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


def b3lyp_orbitals(task: tuple[Sequence[int], Sequence[Sequence[float]]], basis: str = BASIS) -> Verdict:
    """B3LYP frontier orbitals of one closed-shell molecule at a fixed geometry.

    They are Kohn-Sham orbital energies: their difference is neither the optical nor the
    fundamental gap.

    Args:
        task: atomic numbers ``[atoms]`` and positions ``[atoms, 3]`` in Å.
        basis: a name that PySCF knows; ``"6-31g(2df,p)"`` is that of QM9.

    Returns:
        A verdict with ``b3lyp_homo``, ``b3lyp_lumo``, ``b3lyp_gap`` and ``b3lyp_energy``
        (total), in eV.

    Raises:
        MissingEngineError: PySCF is not installed.
    """
    from ase.units import Hartree

    numbers, positions = task
    gto = _engine()[1]
    from pyscf import dft

    began = time.perf_counter()
    atoms = list(zip(map(int, numbers), positions, strict=True))
    molecule = gto.M(atom=atoms, basis=basis, verbose=0, max_memory=memory_limit())
    field = dft.RKS(molecule, xc=FUNCTIONAL).density_fit()
    field.grids.level = GRID_LEVEL
    field.conv_tol = KOHN_SHAM_TOLERANCE
    field.kernel()
    if not field.converged:
        return Verdict("SCF not converged", seconds=time.perf_counter() - began)
    pairs = molecule.nelectron // 2
    homo, lumo = (float(e * Hartree) for e in field.mo_energy[pairs - 1 : pairs + 1])
    values = {
        "b3lyp_homo": homo,
        "b3lyp_lumo": lumo,
        "b3lyp_gap": lumo - homo,
        "b3lyp_energy": float(field.e_tot * Hartree),
    }
    return Verdict(OK, values, time.perf_counter() - began)


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


def memory_limit() -> float:
    """Memory that PySCF may fill, MB: `MEMORY` beside what the process holds already, which it counts in."""
    from pyscf.lib import current_memory

    return current_memory()[0] + MEMORY
