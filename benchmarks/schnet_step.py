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
import sys
import tempfile
from pathlib import Path

import ase
import numpy as np
from contenders import measure, pin, report
from rdkit import Chem, RDLogger
from rdkit.Chem import AllChem

from mlmat.data.small_organics.sample import random_member
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


def agree(losses: dict[str, float]) -> None:
    """All train the same network: rounding alone may part them.

    Raises:
        AssertionError: losses differ.
    """
    values = list(losses.values())
    np.testing.assert_allclose(values, values[0], rtol=0.02, err_msg=f"{list(losses)} train differently")


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

    pin(options.threads)
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
        rows = measure(commands, options.rounds, options.steps, agree)
    first = [row["first_loss"] for row in rows]
    np.testing.assert_allclose(first, first[0], rtol=1e-4, err_msg="the losses of the first step differ")
    print(f"{options.molecules} molecules, {edges} directed edges, load average {load:.1f} before\n")
    report("schnet_step", {**config, "edges": edges}, rows, load, options.out)


if __name__ == "__main__":
    main()
