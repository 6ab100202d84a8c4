"""Time of building crystal graphs: mlmat's encoders beside ASE's neighbour list.

The same crystals of the Materials Project, one after the other, on one core, in turns. ASE's list of all
neighbours within the radius is what the published code of CGCNN asks of its own library; to be compared
with a graph its twelve nearest are then picked. Distances must agree. Run

    MLMAT_DATA=… python benchmarks/crystal_graphs.py
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import ase
import numpy as np
from ase.neighborlist import neighbor_list
from contenders import pin

from mlmat.data.registry import load
from mlmat.data.structures import structures
from mlmat.files import write_json
from mlmat.graphs.crystal_graph import CrystalGraphEncoder
from mlmat.graphs.radius_graph import RadiusGraphEncoder

HERE = Path(__file__).parent
CUTOFF = 5.0
"""Å; of the graphs of all neighbours."""


def lengths(graph) -> np.ndarray:
    """Lengths of a graph's edges, Å."""
    positions = graph.nodes["positions"]
    vectors = positions[graph.senders] + graph.edges["shift"] - positions[graph.receivers]
    return np.sqrt((vectors.astype(float) ** 2).sum(axis=1))


def nearest_by_ase(atoms: ase.Atoms, width: int, radius: float) -> np.ndarray:
    """Distances ``[n, width]`` of the nearest neighbours, 0 where there is none."""
    i, _, distances, _ = neighbor_list("ijdS", atoms, radius)
    order = np.lexsort((distances, i))
    i, distances = i[order], distances[order]
    rank = np.arange(len(i)) - np.searchsorted(i, i)
    found = np.zeros((len(atoms), width))
    keep = rank < width
    found[i[keep], rank[keep]] = distances[keep]
    return found


def within_by_ase(atoms: ase.Atoms, radius: float) -> np.ndarray:
    """Distances of all neighbours within a radius, sorted."""
    return np.sort(neighbor_list("ijdS", atoms, radius)[2])


def seconds(work: Callable[[ase.Atoms], object], items: list[ase.Atoms], clock: Callable[[], float]) -> float:
    """Time for all the structures."""
    start = clock()
    for atoms in items:
        work(atoms)
    return clock() - start


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--crystals", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clock", choices=("wall", "processor"), default="wall")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=str(HERE / "results" / "crystal_graphs.json"))
    options = parser.parse_args()
    pin(1)
    clock = {"wall": time.perf_counter, "processor": time.process_time}[options.clock]
    data = load("mp_crystals")
    rows = np.random.default_rng(options.seed).permutation(len(data))[: options.crystals]
    items = structures(data, rows)
    elements = tuple(sorted({symbol for atoms in items for symbol in atoms.get_chemical_symbols()}))
    nearest, within = CrystalGraphEncoder(elements), RadiusGraphEncoder(elements, CUTOFF)
    pairs = {
        "12 nearest within 8 Å": (
            nearest,
            lambda atoms: nearest_by_ase(atoms, nearest.neighbours, nearest.radius),
        ),
        f"all within {CUTOFF:g} Å": (within, lambda atoms: within_by_ase(atoms, CUTOFF)),
    }
    rows_out = []
    load_before = os.getloadavg()[0]
    print("| graph | mlmat, crystals/s | with ASE, crystals/s | ratio (range) |")
    print("|---|---:|---:|---:|")
    for name, (ours, theirs) in pairs.items():
        for atoms in items[:50]:
            found = lengths(ours(atoms))
            expected = theirs(atoms)
            if expected.ndim == 1:
                found = np.sort(found)
            np.testing.assert_allclose(found.reshape(expected.shape), expected, atol=2e-3)
        times = [(seconds(ours, items, clock), seconds(theirs, items, clock)) for _ in range(options.rounds)]
        fast, slow = (statistics.median(column) for column in zip(*times, strict=True))
        ratios = sorted(b / a for a, b in times)
        row = {
            "graph": name,
            "mlmat_per_s": len(items) / fast,
            "ase_per_s": len(items) / slow,
            "ratio": slow / fast,
            "ratio_min": ratios[0],
            "ratio_max": ratios[-1],
        }
        rows_out.append(row)
        print(
            f"| {name} | {row['mlmat_per_s']:,.0f} | {row['ase_per_s']:,.1f} | {row['ratio']:.1f} "
            f"({row['ratio_min']:.1f} to {row['ratio_max']:.1f}) |",
            flush=True,
        )
    write_json(
        options.out,
        {
            "benchmark": "crystal_graphs",
            "config": {name: value for name, value in vars(options).items() if name != "out"},
            "atoms": sum(map(len, items)),
            "machine": {"arch": platform.machine(), "cores": os.cpu_count(), "load": load_before},
            "versions": {name: version(name) for name in ("ase", "vesin", "numpy")},
            "rows": rows_out,
        },
    )


if __name__ == "__main__":
    main()
