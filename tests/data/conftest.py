"""A small web server and a small data set to fetch from it."""

import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from scipy.io import savemat

from mlmat.units import BOHR


class Server(ThreadingHTTPServer):
    """Serves `files`; `mode` says what goes wrong; `requests` counts the calls."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.mode, self.requests = {}, "fine", 0
        self.barrier = threading.Barrier(2, timeout=30)
        self.started, self.release = threading.Event(), threading.Event()

    def url(self, name):
        return f"http://127.0.0.1:{self.server_address[1]}/{name}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        body = self.server.files.get(self.path.strip("/"))
        if body is None or self.server.mode == "broken":
            self.send_error(404 if body is None else 500)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        half = len(body) // 2
        self.wfile.write(body[:half])
        self.wfile.flush()
        if self.server.mode == "together":
            self.server.barrier.wait()  # both processes are now in the middle of the transfer
        if self.server.mode == "stall":
            self.server.started.set()
            self.server.release.wait(30)
        if self.server.mode != "truncated":
            self.wfile.write(body[half:])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield running
        running.release.set()
        running.shutdown()


@pytest.fixture
def no_data(monkeypatch, tmp_path):
    """No data folder, and an empty cache: returns the cache folder."""
    monkeypatch.delenv("MLMAT_DATA", raising=False)
    monkeypatch.setenv("MLMAT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def qm7_mat():
    """A file in the format of qm7.mat: water, methane; two folds of one molecule."""
    numbers = np.zeros((2, 5), np.float32)
    numbers[0, :3], numbers[1] = (8, 1, 1), (6, 1, 1, 1, 1)
    positions = np.zeros((2, 5, 3), np.float32)
    positions[0, 1], positions[0, 2] = (0.96 / BOHR, 0, 0), (-0.24 / BOHR, 0.93 / BOHR, 0)
    positions[1, 1:] = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 0.63 / BOHR
    stream = io.BytesIO()
    fields = {"X": np.zeros((2, 5, 5), np.float32), "R": positions, "Z": numbers}
    energies = np.array([[-232.0, -419.0]], np.float32)
    savemat(stream, fields | {"T": energies, "P": np.array([[1], [0]])}, do_compression=True)
    return stream.getvalue()


@pytest.fixture
def qm7_npz():
    """A file in the format of qm7.npz: one water."""
    stream = io.BytesIO()
    positions = np.array([[[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0], [0, 0, 0]]], np.float32)
    np.savez_compressed(
        stream,
        Z=np.array([[8, 1, 1, 0]], np.uint8),
        R=positions,
        N=np.array([3], np.uint8),
        E_ae_pbe0_kcalmol=np.array([-232.0]),
    )
    return stream.getvalue()
