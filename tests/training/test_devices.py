"""The same numbers on one device, on eight, in two processes, and after SIGKILL."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("problem.py")


def start(out, *words, devices=1):
    flags = f"--xla_force_host_platform_device_count={devices} --xla_cpu_multi_thread_eigen=false"
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    return subprocess.Popen(
        [sys.executable, SCRIPT, out, *map(str, words)], env=environment, stderr=subprocess.PIPE, text=True
    )


def finish(process):
    _, errors = process.communicate(timeout=240)
    assert process.returncode == 0, errors[-2000:]


@pytest.fixture(scope="module")
def one_device(tmp_path_factory):
    out = tmp_path_factory.mktemp("one") / "run.npz"
    finish(start(out))
    return dict(np.load(out))


def test_eight_devices_give_the_numbers_of_one(one_device, tmp_path):
    finish(start(tmp_path / "run.npz", devices=8))
    eight = dict(np.load(tmp_path / "run.npz"))
    assert (one_device["devices"], eight["devices"]) == (1, 8)
    np.testing.assert_allclose(eight["losses"], one_device["losses"], rtol=1e-5)
    np.testing.assert_allclose(eight["weights"], one_device["weights"], atol=1e-5)


def test_two_processes_give_the_numbers_of_one(one_device, tmp_path):
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        address = f"localhost:{probe.getsockname()[1]}"
    words = ("--coordinator", address, "--processes", 2, "--process")
    both = [start(tmp_path / "run.npz", *words, k, devices=4) for k in (0, 1)]
    for process in both:
        finish(process)
    two = dict(np.load(tmp_path / "run.npz"))
    assert two["devices"] == 8
    np.testing.assert_allclose(two["losses"], one_device["losses"], rtol=1e-5)
    np.testing.assert_allclose(two["weights"], one_device["weights"], atol=1e-5)


def test_sigkill_loses_nothing(one_device, tmp_path):
    killed = start(tmp_path / "run.npz", "--kill-after", 2)
    killed.communicate(timeout=240)
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "run.npz").exists()
    finish(start(tmp_path / "run.npz"))
    resumed = dict(np.load(tmp_path / "run.npz"))
    np.testing.assert_array_equal(resumed["weights"], one_device["weights"])
    np.testing.assert_array_equal(resumed["losses"], one_device["losses"])
