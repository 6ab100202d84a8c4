"""`mlmat data`: what it prints, what it exits with, and that its options are light."""

import hashlib
import io
import subprocess
import sys
from dataclasses import replace

import pytest
import tyro
from rich.console import Console

from mlmat.commands import data
from mlmat.commands.data_options import OPTIONS, Fetch, Info, List, Verify
from mlmat.data.catalogue import ENTRIES
from mlmat.data.entry import Local
from mlmat.errors import DataError, UnknownDatasetError

CONTENT = b"the bytes of a data file"


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch, tmp_path):
    monkeypatch.delenv("MLMAT_DATA", raising=False)
    monkeypatch.setenv("MLMAT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    """A data folder with a file for qm7_delta."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/delta.npz").write_bytes(CONTENT)
    return tmp_path / "data"


def run(options):
    """Exit code and output, with a catalogue that knows the file of `folder`."""
    local = Local({"delta.npz": hashlib.sha256(CONTENT).hexdigest()}, "none:none", 1, "a test")
    entries = {**ENTRIES, "qm7_delta": replace(ENTRIES["qm7_delta"], local=local)}
    out = io.StringIO()
    code = data.run(options, Console(file=out, width=200), entries)
    return code, out.getvalue()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["list"], List()),
        (["info", "qm9"], Info("qm9")),
        (["fetch", "qm7", "--force"], Fetch("qm7", force=True)),
        (["verify"], Verify()),
        (["verify", "qm7", "qm9"], Verify(("qm7", "qm9"))),
    ],
)
def test_parsing(words, expected):
    assert tyro.cli(OPTIONS, args=words) == expected


def test_list_shows_every_set_and_its_place(folder):
    code, text = run(List(folder))
    lines = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert code == 0
    assert set(ENTRIES) <= set(lines)
    assert "in the package" in lines["small_organics"]
    assert "to download" in lines["qm9"]
    assert "133,885" in lines["qm9"]
    assert "data folder" in lines["qm7_delta"]
    assert "absent" in run(List())[1]


def test_info_states_units_licence_and_citation():
    code, text = run(Info("qm9"))
    assert code == 0
    for expected in ("140022", "CC0", "Å^3", "debye", "https://ndownloader.figshare.com", "NaN"):
        assert expected in text


def test_fetch_prints_the_path_unwrapped(folder):
    code, text = run(Fetch("qm7_delta", folder))
    assert code == 0
    assert f"{folder / 'delta.npz'} (checksum ok)" in text
    assert "ships with mlmat" in run(Fetch("small_organics"))[1]


def test_verify(folder):
    assert run(Verify(data_dir=folder))[0] == 0
    code, text = run(Verify(("qm7_delta",), folder))
    assert (code, " ok " in text) == (0, True)
    (folder / "delta.npz").write_bytes(b"cut")
    code, text = run(Verify(data_dir=folder))
    assert (code, "altered" in text) == (2, True)


def test_verify_misses_only_what_was_asked_for():
    assert run(Verify())[0] == 0
    code, text = run(Verify(("qm7",)))
    assert (code, "absent" in text) == (2, True)


def test_errors_are_of_the_house():
    with pytest.raises(UnknownDatasetError, match="did you mean 'qm9'"):
        run(Info("qm99"))
    with pytest.raises(DataError, match="has no download"):
        run(Fetch("qm7_delta"))
    with pytest.raises(DataError, match="does not exist"):
        run(Fetch("qm7", "/nowhere/at/all"))


def test_command_imports_no_jax_and_no_chemistry():
    heavy = ("jax", "rdkit", "ase", "pooch")
    code = f"import sys, mlmat.commands.data; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
