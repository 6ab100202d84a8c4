"""Energy and forces of an ANI-1x network: mlmat beside torchani, neighbour lists included.

The same network with the same weights in single precision: one molecule of 12 atoms, a batch of 64 of
them, and a periodic box of about 1,000 atoms. Each contender is a process of its own on the same cores,
in turns. A step begins with positions in NumPy and ends with forces in NumPy; everything between, the
search for neighbours too, is in its time. Energies and forces must agree. Run

    python benchmarks/ani.py --torchani-python ENVIRONMENT/bin/python

with the interpreter of an environment that has torchani 2.9.0. Each side runs with one thread and with two,
for on a small molecule a second one costs more than it brings; compare the faster of each. Where other jobs
keep the machine busy, wall times say little: ``--clock processor --threads 1`` counts the processor time of
each side instead.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from itertools import pairwise, product
from pathlib import Path

import ase
import ase.build
import numpy as np
from contenders import measure, pin, report
from schnet_step import molecules

from mlmat.models.ani import widths_of

HERE = Path(__file__).parent
ELEMENTS = ("H", "C", "N", "O")
INPUTS = 384
SYSTEMS = ("molecule", "batch", "box")


def organic(count: int, atoms: int, seed: int) -> list[ase.Atoms]:
    """Molecules of H, C, N, O alone."""
    found: list[ase.Atoms] = []
    while len(found) < count:
        found += [m for m in molecules(count, atoms, seed) if set(m.symbols) <= set(ELEMENTS)]
        seed += 1
    return found[:count]


def box(seed: int) -> ase.Atoms:
    """125 small molecules, each turned at random, on a lattice in a periodic cube."""
    rng, spacing = np.random.default_rng(seed), 5.2
    atoms = ase.Atoms(cell=[5 * spacing] * 3, pbc=True)
    for place in np.ndindex(5, 5, 5):
        one = ase.build.molecule(("CH3CH2OH", "CH3CN", "CH3CONH2")[rng.integers(3)])
        one.euler_rotate(*rng.uniform(0, 360, 3))
        one.positions += spacing * np.array(place) - one.positions.mean(axis=0)
        atoms += one
    return atoms


def write_task(path: Path, system: str, config: dict) -> int:
    """Structures and weights for the contenders as one .npz; returns the number of atoms."""
    seed = config["seed"]
    structures = {
        "molecule": lambda: organic(1, 12, seed),
        "batch": lambda: organic(64, 12, seed),
        "box": lambda: [box(seed)],
    }[system]()
    rng, weights = np.random.default_rng(seed), {}
    for number, widths in enumerate(widths_of(ELEMENTS)):
        sizes = (INPUTS, *widths, 1)
        for layer, (inward, outward) in enumerate(pairwise(sizes), 1):
            name = "output" if layer == len(sizes) - 1 else f"hidden_{layer}"
            kernel = rng.normal(0, inward**-0.5, (inward, outward))
            weights[f"weights/element_{number}/{name}/kernel"] = kernel.astype(np.float32)
            bias = rng.normal(0, 0.1, outward).astype(np.float32)
            weights[f"weights/element_{number}/{name}/bias"] = bias
    np.savez(
        path,
        symbols=np.concatenate([np.array(m.get_chemical_symbols()) for m in structures]),
        positions=np.concatenate([m.positions for m in structures]),
        n_atoms=np.array([len(m) for m in structures]),
        cell=structures[0].cell.array,
        config=json.dumps({**config, "system": system}),
        **weights,
    )
    return sum(map(len, structures))


def agree(losses: dict[str, float]) -> None:
    """The number that a contender returns is its energies plus the sum of the lengths of its forces.

    Raises:
        AssertionError: they differ.
    """
    values = list(losses.values())
    np.testing.assert_allclose(values, values[0], rtol=2e-5, err_msg=f"{list(losses)} differ")


def main() -> None:
    """Measure, print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torchani-python", help="interpreter of an environment with torchani 2.9.0")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=SYSTEMS)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--threads", type=int, nargs="+", default=(1, 2), help="to run each side with")
    parser.add_argument(
        "--clock", choices=("wall", "processor"), default="wall", help="processor: on a busy machine"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=str(HERE / "results"), help="folder")
    options = parser.parse_args()
    pin(max(options.threads))
    for system in options.systems:
        steps = {"molecule": 50, "batch": 10, "box": 3}[system]
        config = {"seed": options.seed, "threads": options.threads, "clock": options.clock}
        config |= {"rounds": options.rounds, "steps": steps}
        with tempfile.TemporaryDirectory() as folder:
            task = Path(folder) / "task.npz"
            atoms = write_task(task, system, config)
            sides = {"mlmat": [sys.executable, str(HERE / "ani_jax.py"), str(task)]}
            if options.torchani_python:
                lists = ("all_pairs", "cell_list") if system == "box" else ("all_pairs",)
                for kind in lists:
                    script = [str(HERE / "ani_torch.py"), str(task), kind]
                    sides[f"torchani, {kind}"] = [options.torchani_python, *script]
            else:
                print("torchani is left out: give --torchani-python")
            commands, threads = {}, {}
            for (name, command), count in product(sides.items(), options.threads):
                full = f"{name}, {count} thread{'s' if count > 1 else ''}"
                commands[full], threads[full] = command, count
            load = os.getloadavg()[0]
            rows = measure(commands, options.rounds, steps, agree, threads)
        print(f"\n{system}: {atoms} atoms, load average {load:.1f} before\n")
        out = Path(options.out) / f"ani_{system}.json"
        report("ani", {**config, "system": system, "atoms": atoms}, rows, load, out)


if __name__ == "__main__":
    main()
