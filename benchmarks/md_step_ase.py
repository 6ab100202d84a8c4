"""The ASE contender of `md_step.py`: ``python md_step_ase.py TASK.npz``: its own loop and calculator."""

from __future__ import annotations

import json
import sys
import time

import ase
import numpy as np
from ase.calculators.lj import LennardJones
from ase.md.verlet import VelocityVerlet


def main() -> None:
    """Make the first step, then chunks on request."""
    task = dict(np.load(sys.argv[1]))
    config = json.loads(str(task["config"]))
    atoms = ase.Atoms(f"Ar{len(task['positions'])}", task["positions"], cell=task["cell"], pbc=True)
    atoms.set_masses(np.full(len(atoms), config["mass"]))
    atoms.set_velocities(task["velocities"])
    atoms.calc = LennardJones(
        epsilon=config["epsilon"], sigma=config["sigma"], rc=config["cutoff"], ro=config["onset"], smooth=True
    )
    dynamics = VelocityVerlet(atoms, config["time_step_internal"])
    chunk = config["ase_chunk"]
    dynamics.run(1)
    first = {"compile_s": 0.0, "loss": atoms.get_total_energy() / len(atoms)}
    print(json.dumps({**first, "versions": {"ase": ase.__version__}}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            began = time.perf_counter()
            dynamics.run(chunk)
            times.append(1e3 * (time.perf_counter() - began) / chunk)
        print(json.dumps({"ms": times, "loss": atoms.get_total_energy() / len(atoms)}), flush=True)


if __name__ == "__main__":
    main()
