"""Many structure files: several processes, a store that survives interruption and sees every change."""

import os

import ase.io
import numpy as np
import pytest
from ase.build import bulk

from mlmat.data.own import single_files
from mlmat.data.own.single_files import FEW, read_file, read_files


@pytest.fixture
def folder(tmp_path):
    """More files than are read one by one, two of them broken."""
    made = tmp_path / "crystals"
    made.mkdir()
    for k in range(FEW + 6):
        ase.io.write(made / f"c{k:03}.vasp", bulk("NaCl", "rocksalt", 5.0 + 0.01 * k))
    (made / "c007.vasp").write_text("nothing\n")
    (made / "c009.vasp").write_text("")
    return made


def listed(folder):
    return sorted(folder.iterdir())


def counting(monkeypatch):
    """Names of the files that are read, not taken from the store."""
    seen = []

    def read(path):
        seen.append(path.name)
        return read_file(path)

    monkeypatch.setattr(single_files, "read_file", read)
    return seen


def same(a, b):
    assert (a.identity, a.reason) == (b.identity, b.reason)
    if a.atoms is None:
        assert b.atoms is None
        return
    np.testing.assert_array_equal(a.atoms.positions, b.atoms.positions)
    np.testing.assert_array_equal(a.atoms.cell.array, b.atoms.cell.array)
    np.testing.assert_array_equal(a.atoms.numbers, b.atoms.numbers)
    np.testing.assert_array_equal(a.atoms.pbc, b.atoms.pbc)


def test_stored_files_come_back_as_they_were_and_only_changes_are_read(folder, tmp_path, monkeypatch):
    paths, store = listed(folder), tmp_path / "store"
    expected = [read_file(path) for path in paths]
    seen = counting(monkeypatch)
    for found in (read_files(paths, store=store, workers=1), read_files(paths, store=store, workers=1)):
        for a, b in zip(found, expected, strict=True):
            same(a, b)
    assert len(seen) == len(paths)  # once each
    assert "broken POSCAR" in expected[7].reason
    assert "empty" in expected[9].reason
    # Equal size and time stamp, other content.
    times = os.stat(paths[3])
    lines = paths[3].read_text().splitlines(keepends=True)
    lines[1] = lines[1].replace("1.0", "1.1", 1)  # the scale of the cell
    paths[3].write_text("".join(lines))
    assert paths[3].stat().st_size == times.st_size
    os.utime(paths[3], (times.st_atime, times.st_mtime))
    again = read_files(paths, store=store, workers=1)
    assert paths[3].name in seen[len(paths) :]
    assert again[3].identity != expected[3].identity


def test_an_interrupted_reading_goes_on(folder, tmp_path, monkeypatch):
    paths, store = listed(folder), tmp_path / "store"
    monkeypatch.setattr(single_files, "BLOCK", 16)
    seen = []

    def dies(path):
        if len(seen) == 40:
            raise KeyboardInterrupt
        seen.append(path.name)
        return read_file(path)

    monkeypatch.setattr(single_files, "read_file", dies)
    with pytest.raises(KeyboardInterrupt):
        read_files(paths, store=store, workers=1)
    finished = len(list(store.glob("*.npz")))
    assert finished >= 1
    monkeypatch.undo()
    monkeypatch.setattr(single_files, "BLOCK", 16)
    more = counting(monkeypatch)
    read_files(paths, store=store, workers=1)
    assert 0 < len(more) < len(paths)
    # A damaged block is read again, and nothing is left half written.
    first = sorted(store.glob("*.npz"))[0]
    first.write_bytes(first.read_bytes()[:100])
    more.clear()
    read_files(paths, store=store, workers=1)
    assert 0 < len(more) < len(paths)
    assert all(path.suffix == ".npz" for path in store.iterdir())


def test_processes_give_the_same_and_a_store_that_cannot_be_written_does_not_matter(folder, tmp_path):
    paths = listed(folder)
    blocked = tmp_path / "file"
    blocked.write_text("")
    found = read_files(paths[:-1], store=blocked / "store", workers=2)
    for a, path in zip(found, paths[:-1], strict=True):
        same(a, read_file(path))
