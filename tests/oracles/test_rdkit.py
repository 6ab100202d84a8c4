"""RDKit's properties: against published values, and bad input as a verdict."""

import pytest

from mlmat.oracles.rdkit import UNITS, describe_smiles


def test_aspirin_has_its_published_values():
    verdict = describe_smiles("CC(=O)Oc1ccccc1C(=O)O")
    assert verdict.ok
    assert verdict.values.keys() == UNITS.keys()
    assert verdict.values["molecular_weight"] == pytest.approx(180.16, abs=0.01)
    assert verdict.values["tpsa"] == pytest.approx(63.6, abs=0.1)  # Ertl et al. 2000
    assert verdict.values["qed"] == pytest.approx(0.55, abs=0.01)
    assert 1 < verdict.values["sa_score"] < 2  # easy: ranges 1 to 10


def test_logp_and_accessibility_order_molecules_as_chemists_do():
    hexane, ethanol = (describe_smiles(s).values for s in ("CCCCCC", "CCO"))
    assert hexane["logp"] > 2 > 0.5 > ethanol["logp"]
    cage = describe_smiles("C12C3C4C1C5C2C3C45").values  # cubane
    assert cage["sa_score"] > hexane["sa_score"] + 1


@pytest.mark.parametrize("smiles", ["C((", "", "c1cc"])
def test_bad_input_is_a_verdict(smiles):
    verdict = describe_smiles(smiles)
    assert verdict.status.startswith("bad input")
    assert verdict.values == {}
