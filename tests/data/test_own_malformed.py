"""Malformed inputs as users have them: each ends in one clear error, or in a counted, named skip."""

import io
import lzma
import re
from pathlib import Path

import ase
import ase.db
import ase.io
import numpy as np
import pytest
from ase.build import bulk, molecule

from mlmat.data.own import iterate_items, read_own_data
from mlmat.errors import DataError, InputError, MlmatError

GOOD = "smiles,gap\nCCO,7.1\nCCC,8.2\nCCN,6.4\nCCF,7.7\n"
CUT_CIF = "data_salt\n_cell_length_a 5.6\nloop_\n_atom_site_label\n_atom_site_fract_x\nNa1\n"


def table(content, name="t.csv", encoding="utf-8"):
    """A maker of a table with this content."""

    def make(folder):
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        return path

    return make


def xyz(change=lambda text: text, targets=True, name="t.extxyz", extra=()):
    """A maker of an extxyz file of four molecules (and `extra` ones), with its text changed."""

    def make(folder):
        made = [molecule(name) for name in ("CH3OH", "H2O", "NH3", "CH4")] + [atoms.copy() for atoms in extra]
        for k, atoms in enumerate(made):
            atoms.info = {"gap": 5.0 + k} if targets else {"other": 1.0}
        stream = io.StringIO()
        ase.io.write(stream, made, format="extxyz")
        return table(change(stream.getvalue()), name)(folder)

    return make


def folder_of(listed, files=("salt", "metal", "light"), broken=()):
    """A maker of a folder of CIFs with an id_prop.csv that lists `listed`."""

    def make(folder):
        for name, atoms in zip(files, (bulk("NaCl", "rocksalt", 5.64), bulk("Cu"), bulk("Al")), strict=False):
            ase.io.write(folder / f"{name}.cif", atoms)
        for name in broken:
            (folder / f"{name}.cif").write_text(CUT_CIF)
        if listed:
            (folder / "id_prop.csv").write_text("".join(f"{name},{k}.5\n" for k, name in enumerate(listed)))
        return folder

    return make


def empty_database(folder):
    with ase.db.connect(folder / "t.db") as database:
        row = database.write(bulk("Cu"), gap=0.0)
        database.delete([row])
    return folder / "t.db"


def sqlite_as_csv(folder):
    empty_database(folder).rename(folder / "t.csv")
    return folder / "t.csv"


def nothing(folder):
    return folder / "t.csv"


def drawing():
    """Ethanol with all atoms in the plane, as a drawing program writes it."""
    atoms = molecule("CH3CH2OH")
    atoms.positions = np.c_[1.5 * np.arange(9) % 4.5, 1.5 * (np.arange(9) // 3), np.zeros(9)]
    return atoms


OVERLAP = ase.Atoms("H3", [(0, 0, 0), (0, 0, 0.1), (0, 0, 2)])
NAN = ase.Atoms("H2", [(0, 0, 0), (0, 0, np.nan)])
LATE = "smiles,gap\n" + ("C" * 200 + ",7.1\n") * 6000

ERRORS = {
    "no such file": (nothing, {}, DataError, "[Nn]o such file"),
    "empty file": (table(""), {}, DataError, "is empty"),
    "blank lines only": (table("\n\n\n"), {}, DataError, "is empty"),
    "header only": (table("smiles,gap\n"), {}, DataError, "no rows"),
    "one row": (table("smiles,gap\nC,1\n"), {}, InputError, "1 usable row"),
    "no header": (table("CCO,7.1\nCCC,8.2\n"), {}, InputError, "first line looks like data"),
    "missing column": (table("smiles,logP\nC,1\nCC,2\n"), {}, InputError, "no column 'gap'.*numbers: logP"),
    "misspelt column": (table(GOOD), {"targets": ["gapp"]}, InputError, "Did you mean 'gap'"),
    "column twice": (table("smiles,gap,gap\nC,1,2\nCC,1,2\n"), {}, InputError, "not unique"),
    "no SMILES column": (table("a,gap\nx1,1\nx2,2\n"), {}, InputError, "no column holds SMILES"),
    "SMILES column missing": (table(GOOD), {"smiles_column": "mol"}, InputError, "no column 'mol'"),
    "group column missing": (table(GOOD), {"group_column": "batch"}, InputError, "no column 'batch'"),
    "id column missing": (table(GOOD), {"id_column": "key"}, InputError, "no column 'key'"),
    "duplicate ids": (
        table("id,smiles,gap\na,C,1\nb,CC,2\na,CCC,3\n"),
        {},
        InputError,
        r"1 ids occur more than once \(a\)",
    ),
    "all text": (table("smiles,gap\nC,low\nCC,high\n"), {}, InputError, "2 of 2 rows.*not a number"),
    "half of it bad": (
        table("smiles,gap\nC,1\nCC,2\nC(,1\nC1,2\nxx,3\n"),
        {},
        InputError,
        "3 of 5 rows.*3 x bad",
    ),
    "one class": (
        table("smiles,gap\nC,1\nCC,1\nCCC,1.0\n"),
        {"task": "classification"},
        InputError,
        "one class",
    ),
    "binary as CSV": (table(bytes(range(256)) * 40), {}, DataError, "not a text file"),
    "image as CSV": (table(b"\x89PNG\r\n\x1a\n" + bytes(99)), {}, DataError, "an image"),
    "database as CSV": (sqlite_as_csv, {}, DataError, "must be named .db"),
    "xyz as CSV": (xyz(name="t.csv"), {}, DataError, "name it .xyz"),
    "CIF as CSV": (table(CUT_CIF), {}, DataError, "name it .cif"),
    "CSV as xz": (table(GOOD, "t.csv.xz"), {}, DataError, "not what its name says"),
    "CSV as extxyz": (table(GOOD, "t.extxyz"), {}, InputError, "where the number of atoms should"),
    "CSV as database": (table(GOOD, "t.db"), {}, DataError, "cannot be read as an ASE database"),
    "unknown kind of file": (table(GOOD, "t.parquet"), {}, InputError, "unknown kind"),
    "truncated xz": (
        table(lzma.compress(GOOD.encode() * 50)[:-40], "t.csv.xz"),
        {},
        DataError,
        "truncated or damaged",
    ),
    "open quote": (table('smiles,gap\nC,1\n"CC,2\n' + "C" * 200_000), {}, DataError, "quote"),
    "extxyz without the target": (
        xyz(targets=False),
        {},
        InputError,
        "no property 'gap'.*There are: other",
    ),
    "extxyz of nothing": (table("", "t.extxyz"), {}, DataError, "holds no structure"),
    "database without rows": (empty_database, {}, DataError, "holds no structure"),
    "directory without files": (folder_of((), ()), {}, DataError, "no structure files"),
    "directory without a table": (folder_of(()), {}, InputError, "must hold one CSV"),
    "SMILES column of structures": (xyz(), {"smiles_column": "smiles"}, InputError, "not SMILES"),
    "forces of a table": (table(GOOD), {"targets": ["gap", "forces"]}, InputError, "holds no forces"),
    "units do not fit": (table(GOOD), {"units": ["eV", "nm"]}, InputError, "2 units for 1 targets"),
}

SKIPS = {
    "bad SMILES": (table(GOOD + "C(C,1\n"), 6, "it is no SMILES"),
    "impossible valence": (table(GOOD + "C[N](C)(C)(C)C,1\n"), 6, "[Vv]alence"),
    "impossible ring": (table(GOOD + "c1cccc1,1\n"), 6, "[Kk]ekulize"),
    "empty SMILES cell": (table(GOOD + ",1\n"), 6, "cell is empty"),
    "NaN": (table(GOOD + "CO,nan\n"), 6, "no value of gap"),
    "empty target": (table(GOOD + "CO,\n"), 6, "no value of gap"),
    "infinite": (table(GOOD + "CO,-inf\n"), 6, "infinite"),
    "text in a number column": (table(GOOD + "CO,>300\n"), 6, "'>300' is not a number"),
    "ragged row, short": (table(GOOD + "CO\n"), 6, "1 cells where the header has 2"),
    "ragged row, long": (table(GOOD + "CO,1,2\n"), 6, "3 cells where the header has 2"),
    "NUL byte": (table(GOOD + "C\0O,1\n"), 6, "NUL"),
    "mixed encodings": (table(LATE.encode() + b"C\xe9O,1\n"), 6002, "mixed encodings"),
    "file cut in the middle of a frame": (xyz(lambda text: text[:-50]), 4, "ends in the middle"),
    "lost place in xyz": (
        xyz(lambda text: text + "9 lives\n"),
        5,
        "stands where the number of atoms should",
    ),
    "text for a coordinate": (
        xyz(lambda text: text.replace("O  ", "O  none", 1)),
        1,
        "cannot be read",
    ),
    "unknown element": (xyz(lambda text: text.replace("C  ", "Xx ", 1)), 1, "unknown element 'Xx'"),
    "drawing as a structure": (xyz(extra=[drawing()]), 5, "like a drawing"),
    "overlapping atoms": (xyz(extra=[OVERLAP]), 5, r"atoms 0 and 1 overlap \(0.10 Å"),
    "coordinate NaN": (xyz(extra=[NAN]), 5, "NaN or infinite"),
    "frame without the target": (
        xyz(lambda text: text.replace("gap=6.0", "other=6.0")),
        2,
        "no value of gap",
    ),
    "file of the table is missing": (
        folder_of(("salt", "metal", "gone", "light")),
        3,
        "no structure file for id 'gone'",
    ),
    "broken CIF": (folder_of(("salt", "metal", "bad"), broken=("bad",)), 3, "bad.cif: broken CIF"),
}

FINE = {
    "salt": (table(GOOD + "[Na+].[Cl-],8.5\n"), None),
    "atom maps and isotopes": (table(GOOD + "[13CH3:1][OH:2],7\n[2H]OC,7\n"), None),
    "decimal commas": (table("smiles;gap\nC;1,5\nCC;2,25\n"), "decimal commas"),
    "negative gap": (table("smiles,gap\nC,-1\nCC,2\n"), "warning: gap: 1 negative values"),
    "Latin-1": (table("smiles,gap,Stoff\nC,1,Äther\nCC,2,b\n", encoding="latin-1"), "Latin-1"),
    "compressed without saying so": (table(lzma.compress(GOOD.encode())), "xz-compressed"),
    "structure that is not listed": (folder_of(("salt", "metal")), "1 structure files are not named"),
    "molecules that repeat": (table(GOOD + "OCC,7.3\n"), "occur more than once"),
}


def read(path, targets=("gap",), units="eV", **options):
    return read_own_data(path, targets=targets, units=units, **options)


@pytest.mark.parametrize("name", ERRORS)
def test_one_clear_error(name, tmp_path):
    make, options, kind, says = ERRORS[name]
    path = make(tmp_path)
    with pytest.raises(kind, match=says) as caught:
        read(path, **options)
    message = str(caught.value)
    assert isinstance(caught.value, MlmatError)
    assert len(message) < 600
    assert "\n" not in message


@pytest.mark.parametrize("name", SKIPS)
def test_a_named_skip_and_nothing_else_lost(name, tmp_path):
    make, row, says = SKIPS[name]
    path = make(tmp_path)
    data = read(path)
    assert len(data.skips) == 1
    assert re.search(says, data.skips[0].reason)
    assert data.skips[0].row == row
    assert "\n" not in data.skips[0].reason
    assert len(data) >= 2
    assert len(data.items) == len(data.targets) == len(data.ids) == len(data.identity)
    assert np.isfinite(data.targets).all()


@pytest.mark.parametrize("name", FINE)
def test_unusual_but_fine(name, tmp_path):
    make, says = FINE[name]
    data = read(make(tmp_path))
    assert data.skips == []
    assert says is None or any(says in note for note in data.notes)


@pytest.mark.parametrize("name", ["bad SMILES", "NUL byte", "ragged row, short", "overlapping atoms"])
def test_prediction_names_the_same_rows(name, tmp_path):
    make, row, _ = SKIPS[name]
    rows = list(iterate_items(make(tmp_path)))
    bad = [found for found in rows if found.reason is not None]
    assert [found.line for found in bad] == [row]
    assert len(rows) == 5


@pytest.mark.parametrize("name", ["empty file", "truncated xz", "binary as CSV", "unknown kind of file"])
def test_prediction_refuses_the_same_files(name, tmp_path):
    make, _, kind, says = ERRORS[name]
    path: Path = make(tmp_path)
    with pytest.raises(kind, match=says):
        list(iterate_items(path))
