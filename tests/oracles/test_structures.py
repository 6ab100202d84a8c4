"""Labels of structures: EMT, a user's function in its forms, and what may go wrong in it."""

import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.emt import EMT

from mlmat.errors import InputError
from mlmat.oracles.structures import StructureOracle, structure_oracle


def calculator(atoms):
    return EMT()


def values(atoms):
    return {"energy": np.float64(1.5), "forces": np.zeros((len(atoms), 3)), "note": "left out"}


def wrong(atoms):
    return {"energy": 1.0, "forces": np.zeros(3)}


def endless(atoms):
    return {"energy": float("nan"), "forces": np.zeros((len(atoms), 3))}


def failing(atoms):
    raise RuntimeError("no convergence")


def number(atoms):
    return 3


def test_emt_labels_with_energy_forces_and_stress():
    atoms = bulk("Cu", cubic=True)
    atoms.rattle(0.1, seed=0)
    found = structure_oracle("emt")(atoms)
    atoms.calc = EMT()
    assert found.ok
    assert found.values["energy"] == atoms.get_potential_energy()
    np.testing.assert_array_equal(found.values["forces"], atoms.get_forces())
    np.testing.assert_array_equal(found.values["stress"], atoms.get_stress())
    assert structure_oracle(f"{__name__}:calculator")(atoms).values == found.values
    atoms.pbc = False
    assert "stress" not in structure_oracle("emt")(atoms).values


def test_a_function_may_return_numbers():
    found = structure_oracle(f"{__name__}:values")(molecule("H2O"))
    assert found.ok
    assert found.values == {"energy": 1.5, "forces": [[0.0] * 3] * 3}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("wrong", "forces has the shape"),
        ("endless", "not finite: energy"),
        ("failing", "error: RuntimeError: no convergence"),
        ("number", "ASE calculator or a dictionary"),
    ],
)
def test_failures_are_verdicts(name, status):
    found = StructureOracle(f"{__name__}:{name}")(molecule("H2O"))
    assert not found.ok
    assert status in found.status


def test_an_unknown_oracle_is_refused():
    with pytest.raises(InputError, match="emt, gfn2, or MODULE:FUNCTION"):
        structure_oracle("dft")
    with pytest.raises(InputError, match="has no"):
        structure_oracle(f"{__name__}:nothing")
