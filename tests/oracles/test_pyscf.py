"""Hartree-Fock, MP2 and B3LYP against PySCF without density fitting."""

import pytest

from mlmat.oracles.pyscf import BASIS, UNITS, b3lyp_orbitals, label_geometry

pyscf = pytest.importorskip("pyscf", reason="PySCF is in the extra 'oracles'")

WATER = ([8, 1, 1], [[0.0, 0.0, 0.117], [0.0, 0.757, -0.470], [0.0, -0.757, -0.470]])


def test_density_fitting_costs_less_than_a_millihartree():
    from ase.units import Hartree
    from pyscf import gto, mp, scf

    verdict = label_geometry(WATER)
    field = scf.RHF(gto.M(atom=list(zip(*WATER, strict=True)), basis=BASIS, verbose=0)).run()
    perturbation = mp.MP2(field).run()
    assert verdict.ok
    assert verdict.values["hf_energy"] == pytest.approx(field.e_tot * Hartree, abs=0.03)
    correlation = verdict.values["mp2_energy"] - verdict.values["hf_energy"]
    assert correlation == pytest.approx(perturbation.e_corr * Hartree, abs=0.01)


def test_b3lyp_orbitals_are_those_without_density_fitting():
    from ase.units import Hartree
    from pyscf import dft, gto

    verdict = b3lyp_orbitals(WATER)
    molecule = gto.M(atom=list(zip(*WATER, strict=True)), basis=BASIS, verbose=0)
    field = dft.RKS(molecule, xc="b3lyp").run()
    assert verdict.ok
    assert verdict.values.keys() <= UNITS.keys()
    homo, lumo = field.mo_energy[4:6] * Hartree
    assert verdict.values["b3lyp_homo"] == pytest.approx(homo, abs=0.01)
    assert verdict.values["b3lyp_lumo"] == pytest.approx(lumo, abs=0.01)
    assert verdict.values["b3lyp_gap"] == pytest.approx(lumo - homo, abs=0.01)
    # A hybrid's orbital gap lies far below that of Hartree-Fock.
    assert verdict.values["b3lyp_gap"] < label_geometry(WATER).values["hf_gap"] - 4
