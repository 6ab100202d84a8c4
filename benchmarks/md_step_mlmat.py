"""The mlmat contender of `md_step.py`: ``python md_step_mlmat.py TASK.npz``; talks as `md_step.py` says."""

from __future__ import annotations

import json
import sys
import time

import ase
import jax
import numpy as np

from mlmat.potentials import Potential
from mlmat.potentials.pair import LennardJones
from mlmat.simulate.advance import advance, loop
from mlmat.simulate.ensembles import NVE
from mlmat.simulate.state import start


def main() -> None:
    """Compile, make the first chunk of steps, then chunks on request."""
    task = dict(np.load(sys.argv[1]))
    config = json.loads(str(task["config"]))
    atoms = ase.Atoms(f"Ar{len(task['positions'])}", task["positions"], cell=task["cell"], pbc=True)
    atoms.set_masses(np.full(len(atoms), config["mass"]))
    atoms.set_velocities(task["velocities"])
    params = {name: np.full((1, 1), config[name]) for name in ("epsilon", "sigma")}
    potential = Potential(params, LennardJones(config["cutoff"], config["onset"]), ("Ar",))
    ensemble, chunk = NVE(config["time_step"]), config["chunk"]
    began = time.perf_counter()
    system, grid, state = start(potential, atoms, skin=config["skin"])
    loop.lower(ensemble, grid, potential, system, state, chunk).compile()
    compile_s = time.perf_counter() - began
    grid, _, state, info = advance(ensemble, grid, potential, system, state, chunk)
    first = {"compile_s": compile_s, "loss": float(info.conserved) / len(atoms)}
    print(json.dumps({**first, "versions": {"jax": jax.__version__}}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            began = time.perf_counter()
            grid, _, state, info = advance(ensemble, grid, potential, system, state, chunk)
            times.append(1e3 * (time.perf_counter() - began) / chunk)
        print(json.dumps({"ms": times, "loss": float(info.conserved) / len(atoms)}), flush=True)


if __name__ == "__main__":
    main()
