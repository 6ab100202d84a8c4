"""Hartree-Fock and MP2 against PySCF without density fitting."""

import pytest

from mlmat.oracles.pyscf import BASIS, label_geometry

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
