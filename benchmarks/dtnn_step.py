"""Time of one DTNN training step beside schnetpack's SchNet at equal widths, passes and batch.

The networks differ, so their losses do; the batch, the pairs of atoms (all), the number of
features and passes and Gaussians are the same. DTNN runs twice, from the same weights: on a list
of pairs, as in mlmat, and written on the padded array [batch, atoms, atoms]; their losses must
agree. Each contender has its own process on the same cores, in turns. Run

    python benchmarks/dtnn_step.py --schnetpack-python ENVIRONMENT/bin/python

with the interpreter of an environment that has schnetpack 2.2.0 (it needs Python 3.12).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from contenders import measure, pin, report
from schnet_step import write_task

HERE = Path(__file__).parent
ALL = 20.0
"""Å; holds all pairs of a molecule of 12 atoms."""


def agree(losses: dict[str, float]) -> None:
    """The two layouts of DTNN train the same network.

    Raises:
        AssertionError: they do not.
    """
    ours = [loss for name, loss in losses.items() if name.startswith("DTNN")]
    np.testing.assert_allclose(ours, ours[0], rtol=1e-3, err_msg="the layouts train differently")


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schnetpack-python", help="interpreter of an environment with schnetpack 2.2.0")
    parser.add_argument("--molecules", type=int, default=100)
    parser.add_argument("--features", type=int, default=64, help="of atoms, filters and factors alike")
    parser.add_argument("--basis", type=int, default=20, help="Gaussians")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=8, help="steps of each contender in a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=str(HERE / "results" / "dtnn_step.json"))
    options = parser.parse_args()
    names = ("molecules", "features", "basis", "rounds", "steps", "threads", "seed")
    config = {name: getattr(options, name) for name in names}
    config |= {"atoms": 12, "interactions": 3, "cutoff": ALL, "learning_rate": 1e-4}
    pin(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task.npz"
        edges = write_task(task, config)
        worker = [sys.executable, str(HERE / "dtnn_step_jax.py")]
        commands = {
            "DTNN, mlmat (list of pairs)": [*worker, "pairs", str(task)],
            "DTNN, padded array": [*worker, "dense", str(task)],
        }
        if options.schnetpack_python:
            script = str(HERE / "schnet_step_torch.py")
            commands["SchNet, schnetpack"] = [options.schnetpack_python, script, str(task)]
        else:
            print("schnetpack is left out: give --schnetpack-python")
        load = os.getloadavg()[0]
        rows = measure(commands, options.rounds, options.steps, agree)
    print(f"{options.molecules} molecules, {edges} directed edges, load average {load:.1f} before\n")
    report("dtnn_step", {**config, "edges": edges}, rows, load, options.out)


if __name__ == "__main__":
    main()
