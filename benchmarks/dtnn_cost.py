"""What a DTNN costs against the number of atoms: all pairs, as published, and with a cutoff.

Clusters of random atoms at the density of organic molecules, 10 to 200 atoms. Time and processor
time per molecule of the energy alone and of energy with its derivatives with respect to all weights
(forward and backward), compiled, in batches that hold about as many pairs each; graphs are made
before. The exponent b of time ∝ atoms^b is fitted to all sizes, and to the larger half. Run

    python benchmarks/dtnn_cost.py
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ase
import jax
import jraph
import numpy as np

from mlmat.files import write_json
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.dtnn import ALL_PAIRS, DTNN
from mlmat.nn.module import apply

HERE = Path(__file__).parent
SYMBOLS = ("H", "C", "N", "O")
VOLUME = 9.0
"""Å³ of an atom: organic molecules hold about one in so much space."""

APART = 1.0
"""Å; no two atoms are closer."""


def cluster(atoms: int, rng: np.random.Generator) -> ase.Atoms:
    """So many atoms in a ball, on a disturbed grid, so that none are too close."""
    spacing = VOLUME ** (1 / 3)
    reach = int(np.ceil((3 * atoms / (4 * np.pi)) ** (1 / 3))) + 1
    axis = np.arange(-reach, reach + 1) * spacing
    sites = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    nearest = sites[np.argsort(np.linalg.norm(sites, axis=1), kind="stable")[:atoms]]
    places = nearest + rng.uniform(-1, 1, nearest.shape) * (spacing - APART) / (2 * 3**0.5)
    return ase.Atoms(rng.choice(SYMBOLS, atoms, p=(0.5, 0.35, 0.07, 0.08)), places)


def batch_of(atoms: int, cutoff: float, pairs: int, seed: int) -> tuple[jraph.GraphsTuple, int]:
    """A batch of clusters, and how many it holds: about `pairs` directed pairs, at least one cluster."""
    rng, encoder = np.random.default_rng(seed), RadiusGraphEncoder(SYMBOLS, cutoff)
    graphs = [encoder(cluster(atoms, rng))]
    graphs += [encoder(cluster(atoms, rng)) for _ in range(max(1, round(pairs / len(graphs[0].senders))) - 1)]
    return jax.device_put(jraph.batch_np(graphs)), len(graphs)


def seconds_of(function: Any, repeats: int) -> dict[str, float]:
    """Fastest wall and processor time of a call, after one that compiles."""
    jax.block_until_ready(function())
    wall, cpu = [], []
    for _ in range(repeats):
        start, used = time.perf_counter(), time.process_time()
        jax.block_until_ready(function())
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - used)
    return {"wall_s": min(wall), "cpu_s": min(cpu)}


def measure(model: DTNN, atoms: int, options: argparse.Namespace) -> dict[str, Any]:
    """One row: times per molecule of the energy, and of energy and derivatives."""
    graph, molecules = batch_of(atoms, model.cutoff or ALL_PAIRS, options.pairs, options.seed)
    variables = model.init(jax.random.key(options.seed), graph)

    def total(variables: Any, graph: jraph.GraphsTuple) -> jax.Array:
        return apply(model, variables, graph)[0].sum()

    energy = jax.jit(lambda v, g: apply(model, v, g)[0])
    slopes = jax.jit(jax.value_and_grad(total))
    row = {"atoms": atoms, "molecules": molecules, "pairs": len(graph.senders) // molecules}
    for name, function in (("forward", energy), ("forward and backward", slopes)):
        found = seconds_of(lambda function=function: function(variables, graph), options.repeats)
        row[name] = {key: 1e3 * value / molecules for key, value in found.items()}
    return row


def exponent(rows: list[dict[str, Any]], task: str) -> float:
    """The b of processor time ∝ atoms^b, by least squares of the logarithms."""
    atoms, times = [row["atoms"] for row in rows], [row[task]["cpu_s"] for row in rows]
    return float(np.polyfit(np.log(atoms), np.log(times), 1)[0])


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--atoms", type=int, nargs="+", default=[10, 20, 40, 80, 120, 160, 200])
    parser.add_argument("--pairs", type=int, default=40_000, help="directed pairs of a batch")
    parser.add_argument("--cutoff", type=float, default=5.0, help="Å, of the variant")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=str(HERE / "results" / "dtnn_cost.json"))
    options = parser.parse_args()
    load = os.getloadavg()[0]
    found = {}
    print("| | atoms | pairs | forward, ms | forward and backward, ms |\n|---|---:|---:|---:|---:|")
    for name, cutoff in (("all pairs", None), (f"cutoff {options.cutoff:g} Å", options.cutoff)):
        model = DTNN(len(SYMBOLS), cutoff=cutoff)
        rows = []
        for atoms in options.atoms:
            rows.append(measure(model, atoms, options))
            times = [rows[-1][task]["cpu_s"] for task in ("forward", "forward and backward")]
            print(f"| {name} | {atoms} | {rows[-1]['pairs']} | {times[0]:.3f} | {times[1]:.3f} |", flush=True)
        half = rows[len(rows) // 2 :]
        found[name] = {
            "rows": rows,
            "exponents": {
                task: {
                    "all sizes": exponent(rows, task),
                    f"from {half[0]['atoms']} atoms": exponent(half, task),
                }
                for task in ("forward", "forward and backward")
            },
        }
        print(json.dumps(found[name]["exponents"]))
    config = {key: value for key, value in vars(options).items() if key != "out"}
    machine = {"arch": platform.machine(), "cores": os.cpu_count(), "load": [load, os.getloadavg()[0]]}
    versions = {name: version(name) for name in ("mlmat", "jax", "flax")}
    record = {"benchmark": "dtnn_cost", "config": config, "machine": machine, "versions": versions}
    write_json(options.out, {**record, "unit": "ms of one molecule", "variants": found})


if __name__ == "__main__":
    main()
