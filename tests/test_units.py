import ase.units
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.constants
from hypothesis import given
from hypothesis import strategies as st

from mlmat import units
from mlmat.errors import InputError

CODATA = scipy.constants.physical_constants
MEASURED_TOLERANCE = 1e-8  # editions of CODATA differ by a few 1e-10 to 1e-9


@pytest.mark.parametrize(
    ("value", "name", "factor"),
    [
        (units.HARTREE, "Hartree energy in eV", 1.0),
        (units.BOHR, "Bohr radius", 1e10),
        (units.BOLTZMANN, "Boltzmann constant in eV/K", 1.0),
        (units.WAVENUMBER, "inverse meter-electron volt relationship", 100.0),
        (units.ATOMIC_MASS, "atomic mass constant", 1.0),
        (units.AVOGADRO, "Avogadro constant", 1.0),
        (units.ELEMENTARY_CHARGE, "elementary charge", 1.0),
        (units.PLANCK, "Planck constant", 1.0),
        (units.SPEED_OF_LIGHT, "speed of light in vacuum", 1.0),
    ],
)
def test_constants_agree_with_scipy(value, name, factor):
    assert value == pytest.approx(CODATA[name][0] * factor, rel=MEASURED_TOLERANCE)


@pytest.mark.parametrize(
    ("value", "oracle"),
    [
        (units.HARTREE, ase.units.Hartree),
        (units.BOHR, ase.units.Bohr),
        (units.BOLTZMANN, ase.units.kB),
        (units.KCAL_PER_MOL, ase.units.kcal / ase.units.mol),
        (units.KJ_PER_MOL, ase.units.kJ / ase.units.mol),
        (units.WAVENUMBER, ase.units.invcm),
        (units.DEBYE, ase.units.Debye),
        (units.GPA, ase.units.GPa),
        (units.FEMTOSECOND, ase.units.fs),
    ],
)
def test_constants_agree_with_ase(value, oracle):
    assert value == pytest.approx(oracle, rel=1e-6)  # ASE's default is CODATA 2014


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (1.0, "hartree", "kcal/mol", 627.5094740),
        (1.0, "eV", "cm^-1", 8065.543937),
        (1.0, "eV", "kJ/mol", 96.48533212),
        (1.0, "e*bohr", "debye", 2.541746473),
        (1.0, "hartree/bohr", "eV/Å", 51.42206747),
        (160.2176634, "GPa", "eV/Å^3", 1.0),
        (10.0, "kbar", "GPa", 1.0),
        (1.0, "Å*sqrt(u/eV)", "fs", 10.18050571),
        (2.0, "nm", "pm", 2000.0),
        (1.0, "bohr^3", "Å^3", 0.1481847114),
        (2.0, "rydberg", "hartree", 1.0),
        (300.0, "K", "K", 300.0),
    ],
)
def test_conversions_against_published_factors(value, source, target, expected):
    assert units.convert(value, source, target) == pytest.approx(expected, rel=2e-8)


PAIRS = [(a, b) for table in units.UNITS.values() for a in table for b in table]


@given(st.floats(-1e6, 1e6), st.sampled_from(PAIRS))
def test_there_and_back(value, pair):
    there = units.convert(value, *pair)
    assert units.convert(there, *reversed(pair)) == pytest.approx(value, rel=1e-12, abs=1e-12)


def test_each_unit_name_has_one_dimension():
    names = [name for table in units.UNITS.values() for name in table]
    assert len(names) == len(set(names))
    assert all(1.0 in table.values() for table in units.UNITS.values()), "no internal unit"


def test_arrays_keep_their_kind_and_precision():
    host = units.to_ev(np.ones(3, np.float32), "hartree")
    assert host.dtype == np.float32
    device = jax.jit(lambda x: units.to_ev(x, "hartree"))(jnp.ones(3, jnp.float32))
    assert device.dtype == jnp.float32
    np.testing.assert_allclose(host, units.HARTREE, rtol=1e-6)
    np.testing.assert_allclose(device, units.HARTREE, rtol=1e-6)
    slope = jax.grad(lambda x: units.convert(x, "Å", "bohr"))(1.0)
    assert float(slope) == pytest.approx(1 / units.BOHR, rel=1e-6)


@pytest.mark.parametrize(
    ("wrong", "right"), [("ev", "eV"), ("Hartree", "hartree"), ("kcal/mole", "kcal/mol")]
)
def test_unknown_unit_suggests_a_near_one_and_lists_all(wrong, right):
    with pytest.raises(InputError, match=f"did you mean '{right}'") as caught:
        units.to_ev(1.0, wrong)
    assert "cm^-1" in str(caught.value)
    assert "GPa" in str(caught.value)


def test_mismatched_dimensions_name_both_and_list_choices():
    with pytest.raises(InputError, match=r"'GPa' \(pressure\) to 'eV' \(energy\).*eV/Å\^3"):
        units.to_ev(1.0, "GPa")
    with pytest.raises(InputError, match="temperature"):
        units.to_ev(300.0, "K")
