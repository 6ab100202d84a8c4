"""Time of one molecular-dynamics step of a Lennard-Jones liquid: mlmat, jax-md and ASE's own loop.

All start from the same equilibrated positions and velocities, with the same pair function (ASE
has another switch at the cutoff), time step, skin and precision (ASE: float64); neighbour lists
are in the times. Each is a process of its own on the same cores, in turns of some chunks of
steps; total energies per atom must agree. Run

    python benchmarks/md_step.py --jaxmd-python ENVIRONMENT/bin/python

with the interpreter of an environment that has jax-md. Prints steps per second for each size and
the exponent of the cost, and writes JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import ase
import numpy as np
from contenders import measure, pin

from mlmat.files import write_json
from mlmat.potentials import Potential
from mlmat.potentials.pair import LennardJones
from mlmat.simulate.advance import advance
from mlmat.simulate.ensembles import Langevin
from mlmat.simulate.state import start
from mlmat.units import BOLTZMANN, FEMTOSECOND

HERE = Path(__file__).parent
EPSILON, SIGMA, MASS = 119.8 * BOLTZMANN, 3.405, 39.948
"""Argon."""


def equilibrated(side: int, config: dict) -> ase.Atoms:
    """A liquid of side³ atoms: a lattice melted by a Langevin thermostat."""
    box = side * SIGMA / config["density"] ** (1 / 3)
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    atoms = ase.Atoms(f"Ar{side**3}", grid * box / side, cell=[box] * 3, pbc=True)
    atoms.set_masses(np.full(len(atoms), MASS))
    params = {"epsilon": np.full((1, 1), EPSILON), "sigma": np.full((1, 1), SIGMA)}
    potential = Potential(params, LennardJones(config["cutoff"], config["onset"]), ("Ar",))
    ensemble = Langevin(config["time_step"], config["temperature"], friction=10.0)
    system, grid_sizes, state = start(potential, atoms, config["temperature"], skin=config["skin"])
    state = advance(ensemble, grid_sizes, potential, system, state, config["equilibration"]).state
    atoms.positions, velocities = np.asarray(state.positions, float), np.asarray(state.velocities, float)
    atoms.set_velocities(velocities - velocities.mean(axis=0))
    return atoms


def agree(energies: dict[str, float]) -> None:
    """Total energies per atom belong to the same liquid: ASE's differs by its switch.

    Raises:
        AssertionError: they do not.
    """
    values = list(energies.values())
    np.testing.assert_allclose(values, values[0], rtol=0.03, err_msg=f"{energies} are not one system")


def main() -> None:
    """Measure each size, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jaxmd-python", help="interpreter of an environment with jax-md")
    parser.add_argument("--sides", type=int, nargs="+", default=[4, 8, 16], help="atoms are the cube of it")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--turns", type=int, default=5, help="chunks of each contender in a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ase-up-to", type=int, default=512, help="largest number of atoms for ASE")
    parser.add_argument("--out", default=str(HERE / "results" / "md_step.json"))
    options = parser.parse_args()
    config = {"epsilon": EPSILON, "sigma": SIGMA, "mass": MASS, "cutoff": 2.0 * SIGMA, "onset": 1.6 * SIGMA}
    config |= {"skin": 0.15 * SIGMA, "density": 0.8, "temperature": 120.0, "time_step": 2.0, "ase_chunk": 5}
    config |= {"time_step_internal": 2.0 * FEMTOSECOND, "equilibration": 500}
    pin(options.threads)
    load, sizes = os.getloadavg()[0], []
    for side in options.sides:
        # About as long a turn for each size.
        chunk = max(20, 400_000 // side**3 // 20)
        settings = config | {"chunk": chunk}
        atoms = equilibrated(side, settings)
        with tempfile.TemporaryDirectory() as folder:
            task = Path(folder) / "task.npz"
            arrays = {"positions": atoms.positions, "velocities": atoms.get_velocities()}
            np.savez(task, cell=atoms.cell.array, config=json.dumps(settings), **arrays)
            commands = {"mlmat": [sys.executable, str(HERE / "md_step_mlmat.py"), str(task)]}
            if options.jaxmd_python:
                for layout in ("dense", "ordered sparse"):
                    command = [options.jaxmd_python, str(HERE / "md_step_jaxmd.py"), layout, str(task)]
                    commands[f"jax-md, {layout}"] = command
            if len(atoms) <= options.ase_up_to:
                commands["ASE"] = [sys.executable, str(HERE / "md_step_ase.py"), str(task)]
            rows = measure(commands, options.rounds, options.turns, agree)
        print(f"\n{len(atoms)} atoms, chunks of {chunk} steps\n")
        for row in rows:
            print(
                f"{row['name']:24} {row['median_ms']:9.3f} ms ({row['quartiles_ms'][0]:.3f} to "
                f"{row['quartiles_ms'][1]:.3f}), fastest {row['fastest_ms']:.3f}, "
                f"{1e3 / row['median_ms']:9.0f} steps/s, compile {row['compile_s']:.1f} s",
                flush=True,
            )
        sizes.append({"atoms": len(atoms), "chunk": chunk, "rows": rows})
    exponents = {}
    for name in {row["name"] for size in sizes for row in size["rows"]}:
        found = [(s["atoms"], row["fastest_ms"]) for s in sizes for row in s["rows"] if row["name"] == name]
        if len(found) > 1:
            exponents[name] = float(np.polyfit(*np.log(np.array(found)).T, 1)[0])
    print("\nexponent of the cost:", {name: round(value, 2) for name, value in exponents.items()})
    machine = {"arch": platform.machine(), "cores": os.cpu_count(), "load": load}
    settings = {**config, "threads": options.threads, "rounds": options.rounds, "turns": options.turns}
    record = {"benchmark": "md_step", "config": settings, "machine": machine}
    record |= {"versions": {"mlmat": version("mlmat")}, "exponents": exponents, "sizes": sizes}
    Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    write_json(options.out, record)


if __name__ == "__main__":
    main()
