"""Kernel ridge regression on Coulomb matrices: mlmat beside qmllib, dscribe and SciPy.

Coulomb matrices, Laplacian and Gaussian kernel matrices (5,000 × 276, float64), the solve, and all
of it in a row. Each side runs in its own process on the same cores, in turns; results must agree
to 1e-6. Wall time and processor time are both recorded: other jobs on the machine stretch the
first. Run

    python benchmarks/kernels.py --peer-python ENVIRONMENT/bin/python

with the interpreter of an environment that has qmllib and dscribe.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from mlmat.files import write_json

HERE = Path(__file__).parent
TASKS = {
    "sorted Coulomb matrices": ("mlmat", "qmllib", "dscribe"),
    "Laplacian kernel of a set": ("mlmat", "qmllib"),
    "Laplacian kernel of two sets": ("mlmat", "qmllib"),
    "Gaussian kernel of a set": ("mlmat", "qmllib"),
    "Gaussian kernel of two sets": ("mlmat", "qmllib"),
    "solve": ("mlmat", "qmllib", "SciPy"),
    "molecules to weights": ("mlmat", "qmllib"),
}


def molecules(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Random clusters of 7 to 23 atoms: numbers ``[count, 23]``, positions ``[count, 23, 3]`` Å."""
    rng = np.random.default_rng(seed)
    sites = np.stack(np.meshgrid(*[np.arange(4)] * 3), axis=-1).reshape(-1, 3) * 1.4
    numbers = rng.choice([1, 1, 1, 6, 6, 7, 8, 16], size=(count, 23)).astype(np.int32)
    numbers[np.arange(23) >= rng.integers(7, 24, size=count)[:, None]] = 0
    places = np.stack([rng.permutation(sites)[:23] for _ in range(count)])
    return numbers, places + 0.1 * rng.normal(size=places.shape)


class Worker:
    """A process that does a task when told its name."""

    def __init__(self, command: list[str]):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.versions = self._answer()["versions"]

    def __call__(self, task: str) -> dict:
        """Do a task once; ``{"wall": s, "cpu": s, "sample": [...]}``."""
        self.process.stdin.write(task + "\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """Let the process end."""
        self.process.communicate(timeout=60)

    def _answer(self) -> dict:
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError("a worker ended; its message is above")


def measure(workers: dict[str, Worker], tasks: list[str], repeats: int) -> list[dict]:
    """One row for each task and contender: medians, and ratios to mlmat."""
    rows = []
    for task in tasks:
        names = [name for name in TASKS[task] if (name if name != "SciPy" else "mlmat") in workers]
        answers: dict[str, list[dict]] = {name: [] for name in names}
        for turn in range(repeats + 1):
            for name in names:
                worker = workers["mlmat" if name == "SciPy" else name]
                answer = worker(task if name != "SciPy" else f"{task}, SciPy")
                # The first turn compiles and is only held to the others' result.
                if turn:
                    answers[name].append(answer)
                elif name == "mlmat":
                    expected = answer["sample"]
                else:
                    np.testing.assert_allclose(
                        answer["sample"], expected, rtol=1e-6, atol=1e-6, err_msg=f"{task}: {name}"
                    )
        ours = {kind: statistics.median(a[kind] for a in answers["mlmat"]) for kind in ("wall", "cpu")}
        for name in names:
            found = {kind: [a[kind] for a in answers[name]] for kind in ("wall", "cpu")}
            row = {"task": task, "name": name}
            for kind, values in found.items():
                row |= {f"{kind}_s": statistics.median(values), f"{kind}_range_s": [min(values), max(values)]}
                row[f"{kind}_ratio"] = statistics.median(values) / ours[kind]
            rows.append(row)
            print(
                f"| {task} | {name} | {row['wall_s']:.2f} ({min(found['wall']):.2f} to "
                f"{max(found['wall']):.2f}) | {row['cpu_s']:.2f} | {row['wall_ratio']:.1f} | "
                f"{row['cpu_ratio']:.1f} |",
                flush=True,
            )
    return rows


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", help="interpreter of an environment with qmllib and dscribe")
    parser.add_argument("--molecules", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=list(TASKS))
    parser.add_argument("--out", default=str(HERE / "results" / "kernels.json"))
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[: options.threads]
    os.sched_setaffinity(0, cores)
    threads = str(len(cores))
    os.environ |= {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "JAX_PLATFORMS": "cpu"}
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "molecules.npz"
        numbers, positions = molecules(options.molecules, options.seed)
        np.savez(path, numbers=numbers, positions=positions)
        workers = {"mlmat": Worker([sys.executable, str(HERE / "kernels_mlmat.py"), str(path)])}
        for name in ("qmllib", "dscribe") if options.peer_python else ():
            workers[name] = Worker([options.peer_python, str(HERE / "kernels_peers.py"), name, str(path)])
        print("| task | | wall, s (range) | processor, s | wall ratio | processor ratio |")
        print("|---|---|---:|---:|---:|---:|")
        rows = measure(workers, options.tasks, options.repeats)
        versions = {}
        for worker in workers.values():
            versions |= worker.versions
            worker.close()
    skipped = ("out", "peer_python")
    write_json(
        options.out,
        {
            "benchmark": "kernels",
            "config": {key: value for key, value in vars(options).items() if key not in skipped},
            "machine": {
                "arch": platform.machine(),
                "cores": os.cpu_count(),
                "load": [load, os.getloadavg()[0]],
            },
            "versions": versions,
            "rows": rows,
        },
    )


if __name__ == "__main__":
    main()
