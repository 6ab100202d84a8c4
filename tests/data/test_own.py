import gzip
import hashlib
import lzma
import os
import zipfile
from pathlib import Path

import ase
import ase.db
import ase.io
import numpy as np
import pytest
from ase.build import bulk, molecule
from ase.calculators.singlepoint import SinglePointCalculator

from mlmat.data.own import iterate_items, read_own_data, unit_warning
from mlmat.data.own.contents import frequent_reasons
from mlmat.data.own.geometry import check_structure, identity_of_structure
from mlmat.errors import InputError

TABLE = "id,Mol_Smiles,gap (eV),solvent\na,CCO,7.1,O\nb,c1ccccc1,6.8,O\nc,[Na+].[Cl-],8.5,C\n"


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


def read(path, targets=("gap",), units="eV", **options):
    return read_own_data(path, targets=targets, units=units, **options)


def test_a_table_by_hand(tmp_path):
    path = write(tmp_path / "t.csv", TABLE)
    data = read(path, ("GAP (eV)",), group_column="solvent")
    assert data.kind == "smiles"
    assert data.items == ["CCO", "c1ccccc1", "[Na+].[Cl-]"]
    np.testing.assert_array_equal(data.targets, [[7.1], [6.8], [8.5]])
    assert (data.properties, data.units, data.ids, data.groups) == (
        ("GAP (eV)",),
        ("eV",),
        ["a", "b", "c"],
        ["O", "O", "C"],
    )
    assert data.skips == []
    assert data.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    notes = " | ".join(data.notes)
    for guess in ("'GAP (eV)' is taken as column 'gap (eV)'", "column 'Mol_Smiles'", "column 'id'"):
        assert guess in notes


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("t.csv.gz", gzip.compress),
        ("t.csv.xz", lzma.compress),
        ("t.csv", lzma.compress),
        ("t.csv", lambda raw: b"\xef\xbb\xbf" + raw),
        ("t.csv", lambda raw: raw.decode().encode("utf-16")),
        ("t.csv", lambda raw: raw.decode().encode("utf-16-le")),
        ("t.csv", lambda raw: raw.replace(b"solvent", b"L\xf6sung")),
        ("t.csv", lambda raw: raw.replace(b",", b";")),
        ("t.tsv", lambda raw: raw.replace(b",", b"\t")),
        ("t.csv", lambda raw: raw.replace(b"\n", b"\r\n")),
        ("t.csv", lambda raw: raw.replace(b",", b";").replace(b".1", b",1").replace(b".8", b",8")),
        ("t.csv", lambda raw: raw.replace(b"CCO", b'"CCO"') + b"\n\n"),
    ],
)
def test_every_usual_form_of_a_table_gives_the_same_data(tmp_path, name, pack):
    path = tmp_path / name
    path.write_bytes(pack(TABLE.encode()))
    data = read(path, ("gap (eV)",))
    assert data.items == ["CCO", "c1ccccc1", "[Na+].[Cl-]"]
    np.testing.assert_array_equal(data.targets[:, 0], [7.1, 6.8, 8.5])
    assert data.ids == ["a", "b", "c"]
    assert data.skips == []


def test_zip(tmp_path):
    path = tmp_path / "t.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("inside.csv", TABLE)
    path.rename(tmp_path / "t.csv.zip")
    assert len(read(tmp_path / "t.csv.zip", ("gap (eV)",))) == 3


def test_smiles_column_is_guessed_by_what_parses(tmp_path):
    text = "solvent,dye,formula,gap\nO,CCCCO,C4H10O,1\nC,c1ccccc1O,C6H6O,2\nCO,CCN,C2H7N,3\n"
    data = read(write(tmp_path / "t.csv", text))
    assert data.items == ["CCCCO", "c1ccccc1O", "CCN"]
    assert any("'dye' (not from solvent" in note for note in data.notes)
    assert read(tmp_path / "t.csv", smiles_column="solvent").items == ["O", "C", "CO"]


def test_many_targets_keep_rows_with_some_value(tmp_path):
    text = "smiles,gap,dipole\nC,1,\nCC,,2\nCCC,,\nCCCC,3,nan\n"
    data = read(write(tmp_path / "t.csv", text), ("gap", "dipole"), ("eV", "debye"))
    np.testing.assert_array_equal(data.targets, [[1, np.nan], [np.nan, 2], [3, np.nan]])
    assert data.units == ("eV", "debye")
    assert [(skip.row, skip.id, skip.reason) for skip in data.skips] == [(4, "4", "no value of gap, dipole")]


@pytest.mark.parametrize(
    ("cells", "labels", "classes"),
    [
        (("toxic", "safe", "toxic"), ("safe", "toxic"), (1, 0, 1)),
        (("1", "0", "1.0"), ("0", "1"), (1, 0, 1)),
        (("10", "9", "10"), ("9", "10"), (1, 0, 1)),
        (("True", "False", "True"), ("False", "True"), (1, 0, 1)),
    ],
)
def test_classes(tmp_path, cells, labels, classes):
    rows = "".join(f"{'C' * k},{cell}\n" for k, cell in enumerate(cells, 1))
    data = read(write(tmp_path / "t.csv", f"smiles,gap\n{rows}"), units="1", task="classification")
    assert data.labels == {"gap": labels}
    assert tuple(data.targets[:, 0]) == classes


def test_one_molecule_written_twice_has_one_identity(tmp_path):
    text = "smiles,gap\nOCC,1\nCCO,1.5\n[CH3:1][CH2:2]O,1\nC[C@H](N)F,1\nC[C@@H](N)F,2\n[2H]C,2\n"
    data = read(write(tmp_path / "t.csv", text))
    first, second, mapped, left, right, other = data.identity
    assert first == second == mapped != left == right != other
    assert any(
        "2 materials occur more than once (3 rows" in note and "up to 1 " in note for note in data.notes
    )


def frames(count=3):
    rng = np.random.default_rng(0)
    made = []
    for k in range(count):
        atoms = molecule("CH3OH")
        atoms.rattle(0.02, rng=rng)
        atoms.info.update(gap=5.0 + k, id=f"m{k}", family="ab"[k % 2])
        atoms.calc = SinglePointCalculator(atoms, energy=-30.0 - k, forces=rng.normal(size=(len(atoms), 3)))
        made.append(atoms)
    return made


@pytest.mark.parametrize("name", ["t.extxyz", "t.db", "t.json"])
def test_structures_with_values(tmp_path, name):
    made = frames()
    if name == "t.extxyz":
        ase.io.write(tmp_path / name, made)
    else:
        with ase.db.connect(tmp_path / name) as database:
            for atoms in made:
                values = {
                    "gap": atoms.info["gap"],
                    "mol_id": atoms.info["id"],
                    "family": atoms.info["family"],
                }
                database.write(atoms, **values)
    data = read(tmp_path / name, ("gap", "energy", "forces"), ("eV", "eV", "eV/Å"), group_column="family")
    assert data.kind == "structure"
    np.testing.assert_array_equal(data.targets, [[5, -30], [6, -31], [7, -32]])
    assert data.properties == ("gap", "energy")
    assert data.ids == ["m0", "m1", "m2"]
    assert data.groups == ["a", "b", "a"]
    for atoms, known, forces in zip(data.items, made, data.forces, strict=True):
        np.testing.assert_allclose(atoms.positions, known.positions, atol=1e-7)
        np.testing.assert_allclose(forces, known.get_forces(), atol=1e-7)


def test_forces_come_in_the_unit_of_the_energy_per_angstrom(tmp_path):
    made = frames()
    ase.io.write(tmp_path / "t.extxyz", made)
    data = read(tmp_path / "t.extxyz", ("energy", "forces"), ("eV", "hartree/bohr"))
    np.testing.assert_allclose(data.forces[0], 27.211386 / 0.529177 * made[0].get_forces(), rtol=1e-6)
    with pytest.raises(InputError, match="hartree/bohr"):
        read(tmp_path / "t.extxyz", ("energy", "forces"), ("eV", "newton"))


@pytest.mark.parametrize(
    ("table", "text", "options"),
    [
        ("id_prop.csv", "salt,3.5\nmetal,0.0\n", {}),
        ("list.csv", "file,gap\nsalt.cif,3.5\nmetal.cif,0.0\n", {}),
        ("list.csv", "gap,label\n3.5,salt\n0.0,metal\n", {"id_column": "label"}),
    ],
)
def test_folder_with_a_table(tmp_path, table, text, options):
    ase.io.write(tmp_path / "salt.cif", bulk("NaCl", "rocksalt", 5.64))
    ase.io.write(tmp_path / "metal.cif", bulk("Cu"))
    ase.io.write(tmp_path / "more.cif", bulk("Al"))
    write(tmp_path / table, text)
    data = read(tmp_path, **options)
    assert [atoms.get_chemical_formula() for atoms in data.items] == ["ClNa", "Cu"]
    assert data.targets[:, 0].tolist() == [3.5, 0]
    assert any("1 structure files are not named" in note and "more" in note for note in data.notes)
    again = read(tmp_path / table, structures=tmp_path, **options)
    assert again.identity == data.identity
    assert again.sha256 == data.sha256


def test_identity_of_structures():
    atoms = molecule("CH3CH2OH")
    moved = atoms[np.random.default_rng(0).permutation(len(atoms))]
    moved.rotate(37, (1, 2, 3))
    moved.translate((1, 2, 3))
    assert identity_of_structure(moved) == identity_of_structure(atoms)
    assert identity_of_structure(molecule("CH3OCH3")) != identity_of_structure(atoms)
    cell = bulk("NaCl", "rocksalt", 5.64)
    turned = cell.copy()
    turned.rotate(30, "z", rotate_cell=True)
    assert identity_of_structure(turned) == identity_of_structure(cell)
    assert identity_of_structure(bulk("NaCl", "rocksalt", 5.7)) != identity_of_structure(cell)


@pytest.mark.parametrize("name", ["C6H6", "CO2", "H2O", "C2H4", "HCN", "BF3"])
def test_flat_molecules_are_no_drawings(name):
    atoms = molecule(name)
    plane = np.linalg.svd(atoms.positions - atoms.positions.mean(0))[2]
    atoms.positions = (atoms.positions - atoms.positions.mean(0)) @ plane.T
    assert np.ptp(atoms.positions[:, 2]) < 1e-6
    assert check_structure(atoms) is None


def test_drawings_are_not_structures():
    hexagon = np.array([(np.cos(a), np.sin(a), 0) for a in np.arange(6) * np.pi / 3])
    drawn = ase.Atoms("C5N", 1.5 * hexagon)
    assert "hydrogens are missing" in check_structure(drawn)
    drawn = ase.Atoms("C6H6", np.r_[1.5 * hexagon, 3.0 * hexagon])
    assert "as long as the others" in check_structure(drawn)
    cross = ase.Atoms("CF4", [(0, 0, 0), (1.3, 0, 0), (-1.3, 0, 0), (0, 1.3, 0), (0, -1.3, 0)])
    assert "four neighbours" in check_structure(cross)
    cyanogen = ase.Atoms("NC2N", [(0, 0, 0), (1.16, 0, 0), (2.54, 0, 0), (3.70, 0, 0)])
    assert check_structure(cyanogen + ase.Atoms("N", [(9, 0, 0)])) is None


@pytest.mark.parametrize(
    ("values", "unit", "name", "says"),
    [
        ([355, 420], "eV", "gap", "nm"),
        ([90, 110], "eV", "homo_lumo_gap", "kcal/mol"),
        ([30000, 25000], "eV", "gap", "cm"),
        ([4.1, 6.2], "hartree", "gap", "eV"),
        ([3.1, 2.4], "nm", "lambda_max", "eV"),
        ([355, 420], "eV", "lambda_max", "nm"),
        ([-1.0, 2.0], "eV", "gap", "cannot be negative"),
        ([-20, 30], "K", "melting point", "Celsius"),
        ([35, 80], "1", "PLQY", "per cent"),
        ([3.1, 6.2], "eV", "gap", None),
        ([-7.0, -0.2], "eV", "homo", None),
        ([355, 420], "nm", "Absorption/nm", None),
        ([-40000.0], "eV", "energy", None),
        ([np.nan], "eV", "gap", None),
        ([0.1, 0.9], "1", "PLQY", None),
    ],
)
def test_unit_warning(values, unit, name, says):
    warning = unit_warning(values, unit, name)
    assert warning is None if says is None else says in warning


def test_a_wrong_unit_is_among_the_notes_and_names_are_mended(tmp_path):
    path = write(tmp_path / "t.csv", "smiles,gap\nC,355\nCC,410\n")
    assert any("look like nm" in note for note in read(path).notes)
    data = read(path, units="ev")
    assert data.units == ("eV",)
    assert any("'ev' is taken as 'eV'" in note for note in data.notes)
    assert any("kept as a label" in note for note in read(path, units="furlong").notes)


def test_more_than_half_skipped_is_an_error_with_the_three_frequent_reasons(tmp_path):
    rows = [f"C{'C' * k},1\n" for k in range(5)] + ["C(,1\n"] * 3 + ["CO,abc\n"] * 2 + ["CO,inf\n", ",1\n"]
    with pytest.raises(InputError, match="7 of 12 rows cannot be used") as caught:
        read(write(tmp_path / "t.csv", "smiles,gap\n" + "".join(rows)))
    message = str(caught.value)
    assert "3 x bad SMILES" in message
    assert "first: row 7" in message
    assert "2 x gap: … is not a number" in message
    assert message.count(" x ") == 3
    assert frequent_reasons([]) == ""


def test_prediction_keeps_every_line(tmp_path):
    text = "smiles,name\nCCO,a\nbad,b\n,c\nC,d,e\n\n[Na+],f\n"
    rows = list(iterate_items(write(tmp_path / "t.csv", text), "smiles", id_column="name"))
    assert [row.line for row in rows] == [2, 3, 4, 5, 6, 7]
    assert [row.item for row in rows] == ["CCO", None, None, None, None, "[Na+]"]
    assert [row.reason is None for row in rows] == [True, False, False, False, False, True]
    assert rows[0].id == "a"
    rows = list(iterate_items(write(tmp_path / "t.smi", "CCO ethanol one\n\nC1\tring\nC\n")))
    assert [(row.line, row.id, row.item) for row in rows] == [
        (1, "ethanol one", "CCO"),
        (2, "2", None),
        (3, "ring", None),
        (4, "4", "C"),
    ]


def test_prediction_on_standard_input(monkeypatch):
    import io
    import types

    source = io.BytesIO(b"CCO\nxx\nC\n")
    monkeypatch.setattr("sys.stdin", types.SimpleNamespace(buffer=source))
    assert [row.item for row in iterate_items("-")] == ["CCO", None, "C"]
    assert not source.closed


def test_prediction_on_structures(tmp_path):
    made = frames(2)
    ase.io.write(tmp_path / "t.extxyz", made)
    text = (tmp_path / "t.extxyz").read_text()
    path = write(tmp_path / "t.extxyz", text + text.replace("C ", "Xx ", 1) + text)
    rows = list(iterate_items(path, "structure"))
    assert [row.item is None for row in rows] == [False, False, True, False, False, False]
    assert "Xx" in rows[2].reason
    folder = tmp_path / "folder"
    folder.mkdir()
    ase.io.write(folder / "a.xyz", made[0], format="xyz")
    write(folder / "b.cif", "data_x\nloop_\n_cell")
    rows = list(iterate_items(folder))
    assert [(row.id, row.item is None) for row in rows] == [("a", False), ("b", True)]
    with pytest.raises(InputError, match="takes SMILES"):
        iterate_items(folder, "smiles")


def test_streaming_reads_no_further_than_asked(tmp_path):
    path = tmp_path / "big.smi"
    path.write_text("CCO\n" * 2_000_000)
    import tracemalloc

    tracemalloc.start()
    rows = iterate_items(path, check=False)
    for _ in range(100_000):
        next(rows)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    rows.close()
    assert peak < 6 << 20


@pytest.mark.parametrize(
    ("name", "target", "unit", "column", "rows"),
    [
        ("cep_pce_29978.csv.xz", "pce", "%", "smiles", 2000),
        ("chemml_refractive_index_10k.csv.xz", "RI_LL", "1", "Mol_Smiles", 2000),
        ("chemfluor_ju2021.csv.xz", "absorption nm", "nm", "SMILES", 2000),
    ],
)
def test_published_tables_are_read_as_they_are(tmp_path, name, target, unit, column, rows):
    folder = os.environ.get("MLMAT_DATA")
    path = Path(folder or "", "molecules", "emitters", name)
    if not folder or not path.exists():
        pytest.skip(f"MLMAT_DATA does not point at a folder with molecules/emitters/{name}")
    with lzma.open(path, "rt", encoding="utf-8") as stream:
        head = [line for line, _ in zip(stream, range(rows + 1), strict=False)]
    data = read(write(tmp_path / "t.csv", "".join(head)), (target,), units=unit)
    assert len(data) + len(data.skips) == rows
    assert len(data) > 0.9 * rows
    assert any(f"'{column}'" in note for note in data.notes)
    assert not any("warning" in note for note in data.notes)
