from dataclasses import replace

import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import rdDistGeom

from mlmat.analysis.design_table import DesignRow, PropertyVerdict, read_csv, write_csv, write_structures
from mlmat.errors import DataError, InputError, SmilesError

HEADER = (
    "rank,start,method,smiles,status,hit,gap_relaxed,gap_predicted,gap_std,gap_verified,gap_error,in_training,"
    "nearest_tanimoto,seconds"
)
JUDGED = PropertyVerdict(4.1, 4.05, 0.1, 4.1125)
GOOD = DesignRow(1, 17, "gradient", "CC(=O)N", "ok", True, {"gap": JUDGED}, False, 0.5, 1.25)
LOST = {"gap": replace(JUDGED, verified=None)}
FAILED = replace(GOOD, rank=2, smiles="N#CC1CC1", status="error: a, b", hit=False, judged=LOST)
FAILED = replace(FAILED, in_training=None, nearest_tanimoto=None)


def embedded(smiles):
    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    rdDistGeom.EmbedMolecule(molecule, randomSeed=1)
    return molecule, molecule.GetConformer().GetPositions()


def test_the_table_survives_the_file(tmp_path):
    path = tmp_path / "designs.csv"
    write_csv([GOOD, FAILED], path)
    assert read_csv(path) == [GOOD, FAILED]
    assert path.read_text().splitlines()[0] == HEADER
    assert path.read_text().splitlines()[2].endswith(",,,,,1.2500"), "None is an empty cell"


def test_several_wants_and_further_columns_survive_the_file(tmp_path):
    both = {"gap": JUDGED, "logp": PropertyVerdict(None, 1.5, 0.25, -0.5)}
    row = replace(GOOD, judged=both, hit=None, further={"sa": 2.5, "B3LYP gap": None})
    write_csv([row], tmp_path / "designs.csv")
    assert read_csv(tmp_path / "designs.csv") == [row]
    assert row.first.error == pytest.approx(-0.0625)


def test_a_table_without_rows_is_its_header(tmp_path):
    write_csv([], tmp_path / "designs.csv", ["gap"])
    assert (tmp_path / "designs.csv").read_text() == HEADER + "\n"
    assert read_csv(tmp_path / "designs.csv") == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "first line"),
        (lambda text: text.replace("gap_std", "spread"), "first line"),
        (lambda text: text.replace("4.0500", "high"), "line 2: gap_predicted cannot be 'high'"),
        (lambda text: text.replace("4.0500", ""), "line 2: gap_predicted cannot be ''"),
        (lambda text: text.replace(",False,0.5", ",no,0.5"), "line 2: in_training"),
        (lambda text: text.replace("\n1,17,", "\n1.5,17,"), "line 2: rank"),
        (lambda text: text + "3,1\n", "line 4: 2 cells instead of 14"),
    ],
)
def test_a_wrong_table_names_the_line(tmp_path, change, message):
    path = tmp_path / "designs.csv"
    write_csv([GOOD, FAILED], path)
    path.write_text(change(path.read_text()))
    with pytest.raises(DataError, match=message):
        read_csv(path)


def test_a_missing_table_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="cannot read"):
        read_csv(tmp_path / "designs.csv")


def test_structures_keep_bonds_positions_and_values(tmp_path):
    rows = [GOOD, replace(GOOD, rank=2, smiles="c1ccsc1"), replace(GOOD, rank=3, smiles="CC(F)C#N")]
    geometries = [embedded(row.smiles) for row in rows]
    path = tmp_path / "structures.sdf"
    write_structures([(row, xyz) for row, (_, xyz) in zip(rows, geometries, strict=True)], path)
    read = list(Chem.SDMolSupplier(str(path), removeHs=False))
    assert len(read) == 3
    for molecule, row, (reference, xyz) in zip(read, rows, geometries, strict=True):
        np.testing.assert_allclose(molecule.GetConformer().GetPositions(), xyz, atol=1e-4)
        assert [a.GetSymbol() for a in molecule.GetAtoms()] == [a.GetSymbol() for a in reference.GetAtoms()]
        np.testing.assert_array_equal(Chem.GetAdjacencyMatrix(molecule), Chem.GetAdjacencyMatrix(reference))
        plain = Chem.RemoveHs(molecule)
        Chem.RemoveStereochemistry(plain)
        assert Chem.MolToSmiles(plain) == Chem.CanonSmiles(row.smiles)
        assert molecule.GetIntProp("rank") == row.rank
        assert molecule.GetDoubleProp("gap_verified") == row.first.verified
        assert molecule.GetDoubleProp("gap_predicted") == row.first.predicted
        assert molecule.GetProp("engine") == "GFN2-xTB"


@pytest.mark.parametrize("spoil", [lambda xyz: xyz[:-1], lambda xyz: xyz[:, :2], lambda xyz: xyz * np.nan])
def test_positions_of_another_molecule_are_refused(tmp_path, spoil):
    _, xyz = embedded(GOOD.smiles)
    with pytest.raises(InputError, match="positions"):
        write_structures([(GOOD, spoil(xyz))], tmp_path / "structures.sdf")
    assert not list(tmp_path.iterdir()), "nothing half-written stays"


def test_a_bad_smiles_is_refused(tmp_path):
    with pytest.raises(SmilesError):
        write_structures([(replace(GOOD, smiles="C1CC"), np.zeros((9, 3)))], tmp_path / "structures.sdf")
