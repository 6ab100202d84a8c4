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
import platform
import statistics
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
from schnet_step import Contender, write_task

from mlmat.files import write_json

HERE = Path(__file__).parent
ALL = 20.0
"""Å; holds all pairs of a molecule of 12 atoms."""


def measure(commands: dict[str, list[str]], rounds: int, steps: int) -> list[dict]:
    """One row for each contender: times over all rounds, in turns.

    Raises:
        AssertionError: the two layouts of DTNN train differently.
    """
    contenders = {name: Contender(command) for name, command in commands.items()}
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        answers = {name: contender.steps(steps) for name, contender in contenders.items()}
        ours = [answer["loss"] for name, answer in answers.items() if name.startswith("DTNN")]
        np.testing.assert_allclose(ours, ours[0], rtol=1e-3, err_msg="the layouts train differently")
        for name, answer in answers.items():
            times[name] += answer["ms"]
    first = next(iter(contenders))
    rows = []
    for name, contender in contenders.items():
        contender.close()
        low, middle, high = statistics.quantiles(times[name], n=4)
        rows.append(
            {
                "name": name,
                "median_ms": middle,
                "quartiles_ms": [low, high],
                "fastest_ms": min(times[name]),
                "ratio_to_first": middle / statistics.median(times[first]),
                # Other jobs on the machine disturb the fastest step least.
                "ratio_of_fastest": min(times[name]) / min(times[first]),
                "compile_s": contender.first["compile_s"],
                "versions": contender.first["versions"],
            }
        )
    return rows


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
    cores = sorted(os.sched_getaffinity(0))[: options.threads]
    os.sched_setaffinity(0, cores)
    os.environ |= {"OMP_NUM_THREADS": str(len(cores)), "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
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
        rows = measure(commands, options.rounds, options.steps)
    print(f"{options.molecules} molecules, {edges} directed edges, load average {load:.1f} before\n")
    print("| | step, ms (quartiles) | fastest, ms | ratio (of fastest) | compile, s |")
    print("|---|---:|---:|---:|---:|")
    for row in rows:
        low, high = row["quartiles_ms"]
        print(
            f"| {row['name']} | {row['median_ms']:.1f} ({low:.1f} to {high:.1f}) | {row['fastest_ms']:.1f} "
            f"| {row['ratio_to_first']:.1f} ({row['ratio_of_fastest']:.1f}) | {row['compile_s']:.1f} |"
        )
    Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    machine = {"arch": platform.machine(), "cores": os.cpu_count(), "load": load}
    record = {"benchmark": "dtnn_step", "config": {**config, "edges": edges}, "machine": machine}
    write_json(options.out, {**record, "versions": {"mlmat": version("mlmat")}, "rows": rows})


if __name__ == "__main__":
    main()
