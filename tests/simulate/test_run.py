"""Runs on disk: killed and resumed bit for bit; trouble is one clear error, with frames kept."""

import os
import signal
import subprocess
import sys
import time

import ase
import ase.io
import numpy as np
import pytest
from ase.build import bulk

from mlmat.errors import InputError, UnknownElementError
from mlmat.potentials import lennard_jones, morse
from mlmat.simulate.advance import SimulationError
from mlmat.simulate.ensembles import NVE, Langevin
from mlmat.simulate.run import simulate

SCRIPT = """
import sys, time
from ase.build import bulk
from mlmat.potentials import lennard_jones
from mlmat.simulate.ensembles import Langevin
from mlmat.simulate.run import simulate
slow = float(sys.argv[2])
def report(step, info):
    print(step, flush=True)
    time.sleep(slow)
simulate(lennard_jones(), bulk("Ar", "fcc", a=5.3, cubic=True) * 2, Langevin(4.0, 60.0), 120, sys.argv[1],
         interval=10, checkpoint_every=3, temperature=60.0, report=report)
"""


def test_a_killed_run_goes_on_bit_for_bit(tmp_path):
    folders = tmp_path / "whole", tmp_path / "killed"
    for folder in folders:
        folder.mkdir()

    def begin(folder, slow):
        return subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder), str(slow)],
                                stdout=subprocess.PIPE, text=True, env=os.environ)  # fmt: skip

    whole, killed = begin(folders[0], 0), begin(folders[1], 0.05)
    for line in killed.stdout:
        if int(line) == 50:  # the last checkpoint is that of step 30; frames after it are on disk or not
            killed.send_signal(signal.SIGKILL)
            break
    killed.wait()
    assert (folders[1] / "checkpoint.npz").exists()
    assert begin(folders[1], 0).wait(timeout=300) == 0
    assert whole.wait(timeout=300) == 0
    for name in ("trajectory.extxyz", "log.csv"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()
    frames = ase.io.read(folders[0] / "trajectory.extxyz", ":")
    assert len(frames) == 13
    assert frames[-1].info["step"] == 120
    assert np.abs(frames[-1].get_velocities()).max() > 0


def test_an_exploding_trajectory_stops_with_its_frames_on_disk(tmp_path):
    # A pair of atoms shot at each other: fine at first, then a step far too long.
    atoms = ase.Atoms("Ar2", [[0, 0, 0], [11.0, 0, 0]], velocities=[[0.02, 0, 0], [-0.02, 0, 0]])
    with pytest.raises(SimulationError, match="exploded at step"):
        simulate(lennard_jones(epsilon=1e6), atoms, NVE(20.0), 400, tmp_path, interval=1)
    frames = ase.io.read(tmp_path / "trajectory.extxyz", ":")
    assert len(frames) > 3
    assert all(np.isfinite(frame.positions).all() for frame in frames)


def test_a_list_that_overflows_is_grown(tmp_path):
    # A gas that condenses: atoms have far more neighbours in the end than at first.
    atoms = bulk("Ar", "sc", a=6.0) * 3
    atoms.pbc = False
    atoms.positions *= 1.9
    target = atoms.get_center_of_mass()
    atoms.set_velocities(0.004 * (target - atoms.positions))
    state = simulate(lennard_jones(cutoff=7.0), atoms, Langevin(5.0, 20.0), 1000, tmp_path, interval=500)
    assert int(state.neighbours.count) > 0
    assert np.isfinite(np.asarray(state.positions)).all()


def test_wrong_input_is_said_before_anything_is_written(tmp_path):
    with pytest.raises(UnknownElementError, match="Cu"):
        simulate(lennard_jones(), bulk("Cu"), NVE(), 10, tmp_path, interval=10)
    with pytest.raises(InputError, match="overlap"):
        simulate(morse(), ase.Atoms("Cu2", [[0, 0, 0], [0.1, 0, 0]]), NVE(), 10, tmp_path, interval=10)
    with pytest.raises(InputError, match="multiple"):
        simulate(morse(), bulk("Cu"), NVE(), 15, tmp_path, interval=10)
    with pytest.raises(InputError, match="time_step must be a positive"):
        NVE(0.0)
    assert not list(tmp_path.iterdir())


def test_another_run_in_the_folder_is_not_overwritten(tmp_path):
    atoms = bulk("Ar", "fcc", a=5.3)
    simulate(lennard_jones(), atoms, NVE(), 2, tmp_path, interval=1, temperature=10.0)
    with pytest.raises(InputError, match="holds another run"):
        simulate(lennard_jones(), atoms, NVE(2.0), 2, tmp_path, interval=1, temperature=10.0)


def test_time_of_the_files_is_in_femtoseconds(tmp_path):
    atoms = ase.Atoms("Ar", velocities=[[0.01, 0, 0]])
    began = time.perf_counter()
    simulate(lennard_jones(), atoms, NVE(5.0), 10, tmp_path, interval=5)
    frames = ase.io.read(tmp_path / "trajectory.extxyz", ":")
    assert [frame.info["time_fs"] for frame in frames] == [0.0, 25.0, 50.0]
    # A free atom: 0.01 Å per 10.18 fs.
    assert frames[-1].positions[0, 0] == pytest.approx(50.0 / 10.180505 * 0.01, rel=1e-5)
    assert time.perf_counter() - began < 300
