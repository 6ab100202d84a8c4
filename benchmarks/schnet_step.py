"""Time of one SchNet training step: mlmat, schnetpack (PyTorch) and a naive dense JAX version.

All three train the same network from the same weights on the same batch (forward,
backward, Adam), each in its own process on the same two cores, in turns: while one
runs, the others wait. Their losses must agree. Run

    python benchmarks/schnet_step.py --schnetpack-python ENVIRONMENT/bin/python

with the interpreter of an environment that has schnetpack 2.2.0 (it needs Python 3.12).
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
import time
from importlib.metadata import version
from pathlib import Path

import ase
import numpy as np
from rdkit import Chem, RDLogger
from rdkit.Chem import AllChem

from mlmat.data.small_organics.sample import random_member
from mlmat.files import write_json
from mlmat.graphs.radius_graph import RadiusGraphEncoder

HERE = Path(__file__).parent
ELEMENTS = ("H", "C", "N", "O", "F", "S")


def molecules(count: int, atoms: int, seed: int) -> list[ase.Atoms]:
    """Random organic molecules with exactly `atoms` atoms, embedded by RDKit."""
    RDLogger.DisableLog("rdApp.*")
    rng = np.random.default_rng(seed)
    found = []
    while len(found) < count:
        molecule = Chem.AddHs(random_member(rng, int(rng.integers(3, 9))))
        if molecule.GetNumAtoms() != atoms or AllChem.EmbedMolecule(molecule, randomSeed=seed) != 0:
            continue
        symbols = [atom.GetSymbol() for atom in molecule.GetAtoms()]
        found.append(ase.Atoms(symbols, molecule.GetConformer().GetPositions()))
    return found


def weights(config: dict, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Random weights by the names of `mlmat.models.schnet`, joined by "/"."""
    f, k = config["features"], config["basis"]
    shapes = {"embedding/embedding": (len(ELEMENTS), f)}
    layers = {"filter_1": (k, f), "filter_2": (f, f), "sent": (f, f), "update_1": (f, f), "update_2": (f, f)}
    for i in range(config["interactions"]):
        shapes |= {f"interaction_{i + 1}/{name}/kernel": shape for name, shape in layers.items()}
    shapes |= {"readout_1/kernel": (f, f // 2), "readout_2/kernel": (f // 2, 1)}
    found = {name: rng.normal(0, shape[0] ** -0.5, shape) for name, shape in shapes.items()}
    for name, shape in shapes.items():
        if name.endswith("kernel") and "sent" not in name:
            found[name.replace("kernel", "bias")] = np.zeros(shape[1])
    return {name: value.astype(np.float32) for name, value in found.items()}


def write_task(path: Path, config: dict) -> int:
    """Batch, targets and weights for the contenders as one .npz; returns the number of edges."""
    structures = molecules(config["molecules"], config["atoms"], config["seed"])
    encode = RadiusGraphEncoder(ELEMENTS, config["cutoff"])
    graphs = [encode(atoms) for atoms in structures]
    first = config["atoms"] * np.arange(len(graphs))
    rng = np.random.default_rng(config["seed"])
    edges = [int(graph.n_edge[0]) for graph in graphs]
    np.savez(
        path,
        species=np.concatenate([graph.nodes["species"] for graph in graphs]),
        positions=np.concatenate([graph.nodes["positions"] for graph in graphs]),
        receivers=np.concatenate([g.receivers + i for g, i in zip(graphs, first, strict=True)]),
        senders=np.concatenate([g.senders + i for g, i in zip(graphs, first, strict=True)]),
        n_edge=np.array(edges),
        targets=rng.normal(size=len(graphs)).astype(np.float32),
        config=json.dumps(config),
        **{f"weights/{name}": value for name, value in weights(config, rng).items()},
    )
    return sum(edges)


class Contender:
    """A process that makes its first step at once and further ones when told to."""

    def __init__(self, command: list[str]):
        start = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.first = self._answer()
        self.seconds_to_first_step = time.perf_counter() - start

    def steps(self, count: int) -> dict:
        """Make so many steps; ``{"ms": [...], "loss": last}``."""
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """Let the process end."""
        self.process.communicate(timeout=30)

    def _answer(self) -> dict:
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise RuntimeError(self.process.stderr.read().strip().splitlines()[-1])


def measure(commands: dict[str, list[str]], rounds: int, steps: int) -> list[dict]:
    """One row for each contender that starts; medians over all rounds."""
    contenders = {}
    for name, command in commands.items():
        try:
            contenders[name] = Contender(command)
        except (OSError, RuntimeError) as error:
            print(f"{name} is left out, it does not run: {error}")
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        answers = {name: contender.steps(steps) for name, contender in contenders.items()}
        losses = [answer["loss"] for answer in answers.values()]
        np.testing.assert_allclose(losses, losses[0], rtol=0.02, err_msg=f"{list(answers)} train differently")
        for name, answer in answers.items():
            times[name] += answer["ms"]
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
                "ratio_to_mlmat": middle / statistics.median(times["mlmat"]),
                # Other jobs on the machine disturb the fastest step least.
                "ratio_of_fastest": min(times[name]) / min(times["mlmat"]),
                "compile_s": contender.first["compile_s"],
                "start_to_first_step_s": contender.seconds_to_first_step,
                "first_loss": contender.first["loss"],
                "versions": contender.first["versions"],
            }
        )
    first = [row["first_loss"] for row in rows]
    np.testing.assert_allclose(first, first[0], rtol=1e-4, err_msg="the losses of the first step differ")
    return rows


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schnetpack-python", help="interpreter of an environment with schnetpack 2.2.0")
    parser.add_argument("--molecules", type=int, default=100)
    parser.add_argument("--basis", type=int, default=20, help="Gaussians")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--steps", type=int, default=10, help="steps of each contender in a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=str(HERE / "results" / "schnet_step.json"))
    options = parser.parse_args()
    config = {"molecules": options.molecules, "atoms": 12, "features": 64, "interactions": 3}
    config |= {"basis": options.basis, "cutoff": 5.0, "learning_rate": 1e-4}
    config |= {
        "seed": options.seed,
        "threads": options.threads,
        "rounds": options.rounds,
        "steps": options.steps,
    }

    cores = sorted(os.sched_getaffinity(0))[: options.threads]
    os.sched_setaffinity(0, cores)
    os.environ |= {"OMP_NUM_THREADS": str(len(cores)), "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task.npz"
        edges = write_task(task, config)
        jax_worker = [sys.executable, str(HERE / "schnet_step_jax.py")]
        commands = {
            "mlmat": [*jax_worker, "mlmat", str(task)],
            "naive dense JAX": [*jax_worker, "dense", str(task)],
        }
        if options.schnetpack_python:
            script = str(HERE / "schnet_step_torch.py")
            commands["schnetpack"] = [options.schnetpack_python, script, str(task)]
        else:
            print("schnetpack is left out: give --schnetpack-python")
        load = os.getloadavg()[0]
        rows = measure(commands, options.rounds, options.steps)
    print(f"{options.molecules} molecules, {edges} directed edges, load average {load:.1f} before\n")
    print(
        "| | step, ms (quartiles) | fastest, ms | ratio (of fastest) | compile, s | start to first step, s |"
    )
    print("|---|---:|---:|---:|---:|---:|")
    for row in rows:
        low, high = row["quartiles_ms"]
        print(
            f"| {row['name']} | {row['median_ms']:.1f} ({low:.1f} to {high:.1f}) | {row['fastest_ms']:.1f} "
            f"| {row['ratio_to_mlmat']:.1f} ({row['ratio_of_fastest']:.1f}) | {row['compile_s']:.1f} "
            f"| {row['start_to_first_step_s']:.1f} |"
        )
    Path(options.out).parent.mkdir(parents=True, exist_ok=True)
    machine = {"arch": platform.machine(), "cores": os.cpu_count(), "load": load}
    record = {"benchmark": "schnet_step", "config": {**config, "edges": edges}, "machine": machine}
    write_json(options.out, {**record, "versions": {"mlmat": version("mlmat")}, "rows": rows})


if __name__ == "__main__":
    main()
