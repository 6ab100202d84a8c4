"""Look-up order, verification and downloads, against a web server of our own."""

import hashlib
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from mlmat.data import registry
from mlmat.data.catalogue import ENTRIES
from mlmat.data.entry import Local
from mlmat.errors import DataError, OutputError, UnknownDatasetError

FETCH = """
import sys
from pathlib import Path
from mlmat.data.download import download
print(download(sys.argv[1], Path(sys.argv[2]), sys.argv[3] or None, progress=False))
"""


def sha(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def entries(server, qm7_mat, qm7_npz):
    """QM7 with the small files of the fixtures."""
    server.files["qm7.mat"] = qm7_mat
    qm7 = ENTRIES["qm7"]
    remote = replace(qm7.remote, url=server.url("qm7.mat"), sha256=sha(qm7_mat))
    local = Local({"molecules/qm7/qm7.npz": sha(qm7_npz)}, qm7.local.reader, 1, "test")
    return {"qm7": replace(qm7, local=local, remote=remote)}


def unknown_checksum(entries):
    return {"qm7": replace(entries["qm7"], remote=replace(entries["qm7"].remote, sha256=None))}


def put(folder, content, name="molecules/qm7/qm7.npz"):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder


def left_over(cache):
    return sorted(path.name for path in cache.iterdir()) if cache.exists() else []


def test_downloads_once_then_reads_the_cache(entries, no_data, server):
    first = registry.load("qm7", entries=entries)
    second = registry.load("qm7", entries=entries)
    assert server.requests == 1
    assert len(first) == len(second) == 2
    assert first.source == entries["qm7"].remote.url
    assert left_over(no_data) == ["qm7.mat", "qm7.mat.sha256"]


def test_look_up_order(entries, no_data, server, qm7_npz, tmp_path, monkeypatch):
    given, env = put(tmp_path / "given", qm7_npz), put(tmp_path / "env", qm7_npz)
    monkeypatch.setenv("MLMAT_DATA", str(env))
    assert next(iter(registry.fetch("qm7", given, entries=entries).files)).is_relative_to(given)
    assert next(iter(registry.fetch("qm7", entries=entries).files)).is_relative_to(env)
    (env / "molecules/qm7/qm7.npz").unlink()
    assert next(iter(registry.fetch("qm7", entries=entries).files)).parent == no_data
    assert server.requests == 1
    assert registry.load("qm7", given, entries=entries).source == "test"


def test_published_file_in_a_data_folder(entries, no_data, server, qm7_mat, tmp_path):
    folder = put(tmp_path / "given", qm7_mat, "qm7.mat")
    assert len(registry.load("qm7", folder, entries=entries)) == 2
    assert server.requests == 0


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b[:-1] + bytes([b[-1] ^ 1])])
def test_damaged_local_file(entries, no_data, server, qm7_npz, tmp_path, damage):
    folder = put(tmp_path / "given", damage(qm7_npz))
    with pytest.raises(DataError, match=r"qm7\.npz is truncated or altered"):
        registry.load("qm7", folder, entries=entries)
    assert server.requests == 0
    assert [check.status for check in registry.verify(["qm7"], folder, entries)] == ["altered"]


@pytest.mark.parametrize("known", [True, False])
def test_damaged_cache_is_refused_and_force_heals_it(entries, no_data, known):
    entries = entries if known else unknown_checksum(entries)
    registry.fetch("qm7", entries=entries)
    (no_data / "qm7.mat").write_bytes(b"altered")
    with pytest.raises(DataError, match="mlmat data fetch qm7 --force"):
        registry.load("qm7", entries=entries)
    registry.fetch("qm7", entries=entries, force=True)
    assert len(registry.load("qm7", entries=entries)) == 2


def test_download_with_another_checksum_keeps_nothing(entries, no_data, server):
    server.files["qm7.mat"] += b"more"
    with pytest.raises(DataError, match="other bytes than expected"):
        registry.load("qm7", entries=entries)
    assert left_over(no_data) == []


@pytest.mark.parametrize("known", [True, False])
def test_broken_transfer_keeps_nothing(entries, no_data, server, known):
    server.mode = "truncated"
    with pytest.raises(DataError, match="broke off"):
        registry.load("qm7", entries=entries if known else unknown_checksum(entries))
    assert left_over(no_data) == []


def test_failed_force_keeps_the_old_file(entries, no_data, server, qm7_mat):
    registry.fetch("qm7", entries=entries)
    server.mode = "truncated"
    with pytest.raises(DataError, match="broke off"):
        registry.fetch("qm7", entries=entries, force=True)
    assert (no_data / "qm7.mat").read_bytes() == qm7_mat


def test_server_errors(entries, no_data, server):
    server.mode = "broken"
    with pytest.raises(DataError, match="answered 500"):
        registry.load("qm7", entries=entries)
    server.files.clear()
    with pytest.raises(DataError, match="answered 404"):
        registry.load("qm7", entries=entries)


def test_no_network(entries, no_data, server):
    # Nothing listens on port 1 of this machine.
    remote = replace(entries["qm7"].remote, url="http://127.0.0.1:1/qm7.mat")
    with pytest.raises(DataError, match=r"cannot reach .*no connection.*--data-dir or MLMAT_DATA"):
        registry.load("qm7", entries={"qm7": replace(entries["qm7"], remote=remote)})
    assert left_over(no_data) == []


def test_download_switched_off(entries, no_data, server):
    with pytest.raises(DataError, match="mlmat data fetch qm7"):
        registry.load("qm7", download=False, entries=entries)
    assert server.requests == 0


def test_no_download_known(no_data):
    with pytest.raises(DataError, match="has no download"):
        registry.load("qm7_delta")


def test_unknown_name_suggests_a_near_one(no_data):
    with pytest.raises(UnknownDatasetError, match="did you mean 'qm7'"):
        registry.load("qm-7")
    with pytest.raises(UnknownDatasetError, match="known: small_organics, qm7"):
        registry.load("zzzz")


def test_missing_folder_and_missing_part(no_data, tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"--data-dir.*does not exist"):
        registry.fetch("qm9", tmp_path / "nowhere")
    folder = put(tmp_path / "part", b"", "molecules/qm9/qm9_geom_118744.npz")
    with pytest.raises(DataError, match="copy all files"):
        registry.fetch("qm9", folder)
    monkeypatch.setenv("MLMAT_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"MLMAT_DATA.*does not exist"):
        registry.fetch("qm9")


def test_cache_that_cannot_be_written(entries, no_data):
    no_data.write_text("a file where the folder should be")
    with pytest.raises(OutputError, match="MLMAT_CACHE"):
        registry.load("qm7", entries=entries)


def test_two_processes_fetch_at_once(no_data, server, qm7_mat):
    server.files["qm7.mat"], server.mode = qm7_mat, "together"
    target = no_data / "qm7.mat"
    command = [sys.executable, "-c", FETCH, server.url("qm7.mat"), str(target), sha(qm7_mat)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    out = [process.communicate(timeout=60)[0].strip() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert out == [sha(qm7_mat)] * 2
    assert server.requests == 2
    assert target.read_bytes() == qm7_mat
    assert left_over(no_data) == ["qm7.mat", "qm7.mat.sha256"]


def test_kill_in_the_middle_leaves_no_half_file(entries, no_data, server, qm7_mat):
    server.mode = "stall"
    command = [sys.executable, "-c", FETCH, server.url("qm7.mat"), str(no_data / "qm7.mat"), ""]
    process = subprocess.Popen(command)
    assert server.started.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(30)
    assert not (no_data / "qm7.mat").exists()
    server.mode = "fine"
    assert len(registry.load("qm7", entries=entries)) == 2


def test_verify(entries, no_data, tmp_path, qm7_npz):
    assert [c.status for c in registry.verify(["qm7"], entries=entries)] == ["absent"]
    folder = put(tmp_path / "given", qm7_npz)
    assert [c.status for c in registry.verify(["qm7"], folder, entries)] == ["ok"]
    put(no_data, b"content of a first copy by hand", "qm7.mat")
    assert [c.status for c in registry.verify(["qm7"], entries=unknown_checksum(entries))] == ["no checksum"]


def test_embedded_set_is_read_and_verified(no_data):
    data = registry.load("small_organics")
    assert len(data) == ENTRIES["small_organics"].embedded.items
    assert dict(data.units) == ENTRIES["small_organics"].units
    assert set(data.arrays) == {p.name for p in ENTRIES["small_organics"].properties}
    assert [c.status for c in registry.verify(["small_organics"])] == ["ok"]
    with pytest.raises(DataError, match="nothing to download"):
        registry.fetch("small_organics", force=True)


def test_catalogue_is_complete():
    for name, item in ENTRIES.items():
        assert name == item.name
        assert item.citation
        assert item.licence
        assert item.embedded or item.local or item.remote
        for digest in item.local.files.values() if item.local else ():
            assert re.fullmatch("[0-9a-f]{64}", digest)
