import csv
import math

import ase.data
import numpy as np
import pytest
from rdkit import Chem

from mlmat.elements import (
    BLOCKS,
    TABLE,
    Element,
    atomic_numbers,
    element,
    property_by_number,
    symbols,
    table,
)
from mlmat.errors import InputError

NUMBERS = np.arange(1, len(table()) + 1)


def test_symbols_and_names_agree_with_ase():
    assert symbols(NUMBERS) == ase.data.chemical_symbols[1 : len(NUMBERS) + 1]
    spelling = {"Aluminium": "Aluminum", "Caesium": "Cesium", "Sulphur": "Sulfur"}
    for entry, name in zip(table().values(), ase.data.atomic_names[1:], strict=False):
        assert entry.name == spelling.get(name, name)


def test_masses_agree_with_ase():
    # Radioactive elements have no standard weight; tables choose different isotopes.
    stable = [z for z in NUMBERS if z < 84 and z not in (43, 61)]
    np.testing.assert_allclose(property_by_number("mass")[stable], ase.data.atomic_masses[stable], rtol=2e-4)


def test_cordero_radii_agree_with_ase():
    radii = property_by_number("covalent_radius")
    # ASE takes sp3 carbon and low-spin Mn, Fe, Co; this table the means of the published values.
    same = [z for z in range(1, 97) if z not in (6, 25, 26, 27)]
    np.testing.assert_allclose(radii[same], ase.data.covalent_radii[same], atol=1e-6)
    np.testing.assert_allclose(radii[[6, 25, 26, 27]], [0.73, 1.50, 1.42, 1.38], atol=0.006)


def test_valence_electrons_agree_with_rdkit_in_the_main_groups():
    periodic = Chem.GetPeriodicTable()
    for entry in table().values():
        if entry.block in "sp" and entry.symbol != "He":
            assert entry.valence_electrons == periodic.GetNOuterElecs(entry.number), entry.symbol
    assert [element(s).valence_electrons for s in ("Ti", "Fe", "Cu", "Zn")] == [4, 8, 11, 12]


def test_periods_follow_the_noble_gases():
    ends = [2, 10, 18, 36, 54, 86]
    expected = 1 + np.searchsorted(ends, NUMBERS)
    np.testing.assert_array_equal(property_by_number("period")[1:], expected)


@pytest.mark.parametrize(
    ("symbol", "group", "block"),
    [("H", 1, "s"), ("He", 18, "s"), ("C", 14, "p"), ("Fe", 8, "d"), ("Zn", 12, "d"), ("Cl", 17, "p")],
)
def test_groups_and_blocks(symbol, group, block):
    assert (element(symbol).group, element(symbol).block) == (group, block)
    assert property_by_number("block")[element(symbol).number] == BLOCKS.index(block)


@pytest.mark.parametrize(
    ("symbol", "field", "value"),  # as in textbooks, independent of the library
    [
        ("O", "electronegativity", 3.44),
        ("Cs", "electronegativity", 0.79),
        ("H", "ionisation_energy", 13.5984),
        ("Fe", "ionisation_energy", 7.9025),
        ("Cl", "electron_affinity", 3.6127),
        ("C", "van_der_waals_radius", 1.70),
        ("W", "melting_point", 3687),
        ("P", "melting_point", 317.3),
        ("Sn", "melting_point", 505.08),
        ("Hg", "boiling_point", 629.8),
        ("Cu", "density", 8.96),
        ("Si", "atomic_volume", 12.06),
    ],
)
def test_known_values(symbol, field, value):
    assert getattr(element(symbol), field) == pytest.approx(value, rel=1e-3)


def test_atomic_volumes_are_of_condensed_matter():
    volumes = property_by_number("atomic_volume")[1:]
    known = np.isfinite(volumes)
    assert symbols(NUMBERS[~known]) == ["Rn"]
    assert (volumes[known] > 4).all()
    assert (volumes[known] < 130).all()
    # Mass over the tabulated density (g/cm³) of the boiling liquid.
    for symbol, density in {"O": 1.141, "N": 0.807, "Ar": 1.396}.items():
        assert element(symbol).atomic_volume == pytest.approx(element(symbol).mass / density, rel=5e-3)


def test_missing_values_are_nan_and_metastable_anions_are_missing():
    assert math.isnan(element("Ne").electronegativity)
    assert math.isnan(element("Ce").group)
    assert all(math.isnan(element(s).electron_affinity) for s in ("He", "Be", "N", "Ar", "Xe"))


def test_physical_ranges():
    for field, low, high in (
        ("electronegativity", 0.5, 4.0),
        ("covalent_radius", 0.2, 2.7),
        ("van_der_waals_radius", 1.0, 3.6),
        ("valence_electrons", 1, 17),
        ("ionisation_energy", 3.5, 25),
        ("electron_affinity", -0.1, 3.7),
        ("melting_point", 10, 3700),
    ):
        values = property_by_number(field)[1:]
        values = values[np.isfinite(values)]
        assert len(values) > 60, field
        assert values.min() >= low, field
        assert values.max() <= high, field


def test_property_tables_can_be_gathered_and_changed_without_harm():
    masses = property_by_number("mass")
    assert masses.dtype == np.float64
    assert math.isnan(masses[0])
    water = masses[atomic_numbers(["O", "H", "H"])].sum()
    assert water == pytest.approx(18.015)
    masses[:] = 0
    assert property_by_number("mass")[8] == pytest.approx(15.999)


def test_symbols_and_numbers_are_inverse():
    assert atomic_numbers(symbols(NUMBERS)).tolist() == NUMBERS.tolist()
    assert element(np.int8(14)) == element("Si")
    assert atomic_numbers([]).shape == (0,)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [("SI", "Si"), ("silicon", "Si"), ("cl", "Cl"), ("Xx", "Xe"), ("14", "14"), (" Fe", "Fe")],
)
def test_unknown_symbol_suggests(wrong, hint):
    with pytest.raises(InputError, match=f"unknown element .*did you mean .*{hint}"):
        element(wrong)


@pytest.mark.parametrize("wrong", [0, -1, 104, 6.0, True, None, ""])
def test_no_such_number(wrong):
    with pytest.raises(InputError, match="1 to 103"):
        element(wrong)


def test_unknown_property_lists_the_known():
    with pytest.raises(InputError, match=r"did you mean 'mass'.*electronegativity"):
        property_by_number("masses")
    with pytest.raises(InputError, match="no numerical property 'symbol'"):
        property_by_number("symbol")


def test_file_states_its_provenance_and_its_columns_are_the_fields():
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    head = "\n".join(line for line in lines if line.startswith("#"))
    assert "mendeleev" in head
    assert "CoolProp" in head
    header = next(csv.reader(line for line in lines if not line.startswith("#")))
    assert tuple(header) == Element._fields


def test_script_makes_the_committed_table():
    mendeleev = pytest.importorskip("mendeleev", reason="mendeleev (extra dev) is not installed")
    coolprop = pytest.importorskip("CoolProp", reason="CoolProp (coolprop) is not installed")
    from mlmat.elements.make_table import table_text

    committed = TABLE.read_text(encoding="utf-8")
    if f"mendeleev {mendeleev.__version__} " not in committed or coolprop.__version__ not in committed:
        pytest.skip("the table was made with other versions of the libraries")
    assert table_text() == committed
