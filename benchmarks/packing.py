"""Packing speed of `mlmat.graphs.packing.pack` beside `jraph.dynamically_batch`.

Both pack one stream of random molecules into one budget, in turns within one process,
and must give the same batches. Run ``python benchmarks/packing.py --out packing.json``.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version

import jax
import jraph
import numpy as np

from mlmat.data.small_organics.sample import random_member
from mlmat.files import write_json
from mlmat.graphs.packing import Budget, budget_for, pack
from mlmat.graphs.sparse import from_molecule

Packer = Callable[[list[jraph.GraphsTuple], Budget], Iterator[jraph.GraphsTuple]]


def molecule_graphs(count: int, distinct: int, seed: int) -> list[jraph.GraphsTuple]:
    """`count` graphs of 3 to 10 heavy atoms, drawn from `distinct` random molecules."""
    rng = np.random.default_rng(seed)
    molecules = [random_member(rng, int(rng.integers(3, 11))) for _ in range(min(count, distinct))]
    return [from_molecule(molecules[i % len(molecules)], {"gap": rng.normal()}) for i in range(count)]


def by_mlmat(graphs: list[jraph.GraphsTuple], budget: Budget) -> Iterator[jraph.GraphsTuple]:
    """The stream in its order."""
    return pack(graphs, budget)


def by_jraph(graphs: list[jraph.GraphsTuple], budget: Budget) -> Iterator[jraph.GraphsTuple]:
    """The peer."""
    return jraph.dynamically_batch(iter(graphs), budget.n_node, budget.n_edge, budget.n_graph)


def require_same(graphs: list[jraph.GraphsTuple], budget: Budget) -> None:
    """Stop unless both packers give the same batches, value by value."""
    for ours, theirs in zip(by_mlmat(graphs, budget), by_jraph(graphs, budget), strict=True):
        jax.tree.map(np.testing.assert_array_equal, ours, theirs)


def seconds(packer: Packer, graphs: list[jraph.GraphsTuple], budget: Budget) -> float:
    """Wall time of one pass over the stream."""
    start = time.perf_counter()
    for _ in packer(graphs, budget):
        pass
    return time.perf_counter() - start


def measure(graphs: list[jraph.GraphsTuple], batch_size: int, repeats: int) -> dict:
    """Median rates of both packers at one batch size, and the spread of their ratio."""
    budget = budget_for(graphs, batch_size)
    require_same(graphs, budget)
    pairs = [(seconds(by_mlmat, graphs, budget), seconds(by_jraph, graphs, budget)) for _ in range(repeats)]
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratios = sorted(slow / fast for fast, slow in pairs)
    batches = list(by_mlmat(graphs, budget))
    return {
        "batch_size": batch_size,
        "budget": [budget.n_node, budget.n_edge, budget.n_graph],
        "batches": len(batches),
        "node_fill": sum(len(g.nodes) for g in graphs) / (len(batches) * budget.n_node),
        "mlmat_graphs_per_s": len(graphs) / ours,
        "jraph_graphs_per_s": len(graphs) / theirs,
        "ratio": theirs / ours,
        "ratio_min": ratios[0],
        "ratio_max": ratios[-1],
    }


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--graphs", type=int, default=4000, help="graphs in the stream")
    parser.add_argument("--distinct", type=int, default=1000, help="different molecules among them")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[8, 32, 128])
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="write the numbers to this JSON file")
    options = parser.parse_args()
    graphs = molecule_graphs(options.graphs, options.distinct, options.seed)
    rows = [measure(graphs, size, options.repeats) for size in options.batch_sizes]
    header = (
        "batch size",
        "budget (nodes, edges, graphs)",
        "nodes filled",
        "mlmat, graphs/s",
        "jraph, graphs/s",
    )
    print("|", " | ".join(header), "| ratio (range) |")
    print("|---:|---|---:|---:|---:|---|")
    for row in rows:
        print(
            f"| {row['batch_size']} | {', '.join(map(str, row['budget']))} | {row['node_fill']:.0%} "
            f"| {row['mlmat_graphs_per_s']:,.0f} | {row['jraph_graphs_per_s']:,.0f} "
            f"| {row['ratio']:.1f} ({row['ratio_min']:.1f} to {row['ratio_max']:.1f}) |"
        )
    if options.out:
        write_json(
            options.out,
            {
                "benchmark": "packing",
                "config": {name: value for name, value in vars(options).items() if name != "out"},
                "machine": {"arch": platform.machine(), "cores": os.cpu_count(), "load": os.getloadavg()[0]},
                "versions": {name: version(name) for name in ("jraph", "jax", "numpy")},
                "rows": rows,
            },
        )


if __name__ == "__main__":
    main()
