"""Time of a pass of CGCNN over crystals, with and without training: mlmat beside PyTorch.

Both have the published network with the same weights on the same crystals, batch by batch, each in a
process of its own on the same cores, in turns: while one runs, the other waits. A pass begins with the
graphs of single crystals, so making batches of them is part of it. Losses must agree. Run

    MLMAT_DATA=… python benchmarks/cgcnn_epoch.py --torch-python ENVIRONMENT/bin/python

with the interpreter of an environment that has PyTorch; it needs no mlmat.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

import jax
import numpy as np
from contenders import measure, pin, report

from mlmat.data.registry import load
from mlmat.data.structures import structures
from mlmat.descriptors.element_vectors import element_vectors
from mlmat.graphs.crystal_graph import CrystalGraphEncoder
from mlmat.models.cgcnn import CGCNN, STEP

HERE = Path(__file__).parent
SIZES = {"features": 64, "layers": 4, "hidden": 32, "hidden_layers": 1}
"""The published network."""


def write_task(path: Path, config: dict) -> dict[str, int]:
    """Crystals, features, targets and weights for the contenders as one .npz; how much there is."""
    data = load("mp_crystals")
    rng = np.random.default_rng(config["seed"])
    rows = rng.permutation(len(data))[: config["crystals"]]
    items = structures(data, rows)
    elements = tuple(sorted({symbol for atoms in items for symbol in atoms.get_chemical_symbols()}))
    encoder = CrystalGraphEncoder(elements)
    graphs = [encoder(atoms) for atoms in items]
    energies = data["formation_energy"][rows]
    model = CGCNN(elements, **SIZES)
    params = model.init(jax.random.key(config["seed"]), graphs[0])["params"]
    leaves = {
        "/".join(key.key for key in path): np.asarray(leaf)
        for path, leaf in jax.tree_util.tree_leaves_with_path(params)
    }
    positions = np.concatenate([graph.nodes["positions"] for graph in graphs])
    shift = np.concatenate([graph.edges["shift"] for graph in graphs])
    n_atoms = np.array([len(atoms) for atoms in items])
    first = np.repeat(np.cumsum(n_atoms) - n_atoms, n_atoms * encoder.neighbours)
    senders = np.concatenate([graph.senders for graph in graphs])
    receivers = np.concatenate([graph.receivers for graph in graphs])
    vectors = positions[senders + first] + shift - positions[receivers + first]
    distances = np.sqrt((vectors.astype(float) ** 2).sum(axis=1))
    np.savez(
        path,
        n_atoms=n_atoms,
        species=np.concatenate([graph.nodes["species"] for graph in graphs]),
        positions=positions,
        shift=shift,
        senders=senders,
        # What the published code reads from its files: bits of the elements, distances of neighbours.
        elements=element_vectors(elements),
        distances=distances.astype(np.float32),
        centres=(STEP * np.arange(round(encoder.radius / STEP) + 1)).astype(np.float32),
        targets=((energies - energies.mean()) / energies.std()).astype(np.float32),
        config=json.dumps({**config, **SIZES, "neighbours": encoder.neighbours, "step": STEP}),
        symbols=np.array(elements),
        **{f"weights/{name}": value for name, value in leaves.items()},
    )
    return {"atoms": int(n_atoms.sum()), "edges": len(senders)}


def agree(losses: dict[str, float]) -> None:
    """All do the same: rounding alone may part them.

    Raises:
        AssertionError: losses differ.
    """
    values = list(losses.values())
    np.testing.assert_allclose(values, values[0], rtol=0.03, err_msg=f"{list(losses)} do not agree")


def main() -> None:
    """Measure, print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--torch-python", help="interpreter of an environment with PyTorch")
    parser.add_argument("--crystals", type=int, default=256)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--passes", type=int, default=3, help="of each contender in a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--clock", choices=("wall", "processor"), default="wall")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=str(HERE / "results"))
    options = parser.parse_args()
    names = ("crystals", "batch", "rounds", "passes", "threads", "clock", "seed")
    config = {name: getattr(options, name) for name in names} | {"learning_rate": 1e-3}
    pin(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        task = Path(folder) / "task.npz"
        sizes = write_task(task, config)
        for kind in ("training", "inference"):
            commands = {"mlmat": [sys.executable, str(HERE / "cgcnn_epoch_jax.py"), kind, str(task)]}
            if options.torch_python:
                script = str(HERE / "cgcnn_epoch_torch.py")
                commands["PyTorch"] = [options.torch_python, script, kind, str(task)]
            else:
                print("PyTorch is left out: give --torch-python")
            load_before = os.getloadavg()[0]
            rows = measure(commands, options.rounds, options.passes, agree)
            first = [row["first_loss"] for row in rows]
            np.testing.assert_allclose(
                first, first[0], rtol=2e-3, err_msg="the losses of the first pass differ"
            )
            print(
                f"\n{kind} of {options.crystals} crystals, {sizes}, load average {load_before:.1f} before\n"
            )
            file = Path(options.out) / f"cgcnn_{kind}.json"
            report(f"cgcnn_{kind}", {**config, **SIZES, **sizes}, rows, load_before, file)


if __name__ == "__main__":
    main()
