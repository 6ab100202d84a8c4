"""One equivariant convolution, l ≤ 2, as `mlmat` sums it and by e3nn-jax edge by edge.

    python benchmarks/equivariant_convolution.py --out equivariant_convolution.json

Both take the eleven natural-parity paths of scalars, vectors and tensors with spherical harmonics
up to l = 2, a linear map of Bessel functions as radial weights, and end with a matrix for the
channels. e3nn-jax multiplies features and harmonics of every edge, weights them and adds them up
by receiver; `mlmat` sums over the neighbours first and applies the weights on the atoms. Times are
processor seconds of all threads, the least of all turns, which a busy machine disturbs little.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
import numpy as np
import tyro
from ase.build import bulk

from mlmat.files import write_json
from mlmat.graphs.packing import Budget, pack
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.equivariant import Convolution
from mlmat.nn.equivariant import PARTS, couplings, spherical_harmonics
from mlmat.nn.neighbour_table import neighbour_table
from mlmat.nn.radial import bessel_basis, safe_norm

CUTOFF, BASIS = 5.0, 8


@dataclass(frozen=True)
class Config:
    """Options.

    Attributes:
        cells: repetitions of the cubic silicon cell along each axis.
        features: channels.
        turns: of each contender.
        out: JSON file.
    """

    cells: int = 3
    features: int = 32
    turns: int = 10
    out: Path = Path("equivariant_convolution.json")


def by_mlmat(graph: Any, features: int, width: int) -> tuple[Callable, Any, Any]:
    """Function of parameters, features and positions; its parameters and features."""
    n = graph.nodes["positions"].shape[0]
    model = Convolution(features)

    def run(params, x, positions):
        moved = graph._replace(nodes={**graph.nodes, "positions": positions})
        table = neighbour_table(moved, CUTOFF, width)
        radial = bessel_basis(table.distances, BASIS, CUTOFF).swapaxes(1, 2)
        same = jnp.broadcast_to(radial, (len(PARTS), *radial.shape))  # the network has one for every l
        centre = jnp.zeros(BASIS)
        return model.apply(params, same, spherical_harmonics(table.vectors), x, table.senders, centre)

    random = np.random.default_rng(0)
    x = tuple(random.normal(size=(n, size, features)).astype(np.float32) for size in (1, 3, 5))
    same, centre = jnp.zeros((len(PARTS), n, BASIS, width)), jnp.zeros(BASIS)
    shapes = (same, jnp.zeros((n, width, 9)), x, jnp.zeros((n, width), int), centre)
    return run, jax.jit(model.init)(jax.random.key(0), *shapes), x


def by_e3nn(graph: Any, features: int) -> tuple[Callable, Any, Any]:
    """As `by_mlmat`, with e3nn's tensor product on every edge."""
    n = graph.nodes["positions"].shape[0]
    irreps = e3nn.Irreps(f"{features}x0e + {features}x1o + {features}x2e")
    paths = len(couplings())

    def run(params, x, positions):
        vectors = positions[graph.senders] + graph.edges["shift"] - positions[graph.receivers]
        radial = bessel_basis(safe_norm(vectors), BASIS, CUTOFF)
        # Padding edges have no direction.
        vectors = jnp.where((radial != 0).any(axis=1, keepdims=True), vectors, jnp.ones(3))
        harmonics = e3nn.spherical_harmonics("0e + 1o + 2e", vectors, True, normalization="component")
        product = e3nn.tensor_product(x[graph.senders], harmonics, filter_ir_out=["0e", "1o", "2e"])
        weighted = product * (radial @ params["radial"])
        summed = e3nn.scatter_sum(weighted, dst=graph.receivers, output_size=n)
        parts = zip(summed.regroup().chunks, params["mix"], strict=True)
        return tuple(jnp.einsum("ncm,cd->ndm", part, kernel) for part, kernel in parts)

    random = np.random.default_rng(0)
    x = e3nn.IrrepsArray(irreps, random.normal(size=(n, irreps.dim)).astype(np.float32))
    mix = [random.normal(size=(count * features, features)).astype(np.float32) for count in (3, 4, 4)]
    return run, {"radial": random.normal(size=(BASIS, paths * features)).astype(np.float32), "mix": mix}, x


def stages(run: Callable) -> dict[str, Callable]:
    """Forward; with forces; and the gradient by the parameters of a loss of forces."""

    def energy(positions, params, x):
        return sum((part**2).sum() for part in jax.tree.leaves(run(params, x, positions)))

    def loss(params, x, positions):
        return (jax.grad(energy)(positions, params, x) ** 2).sum()

    return {
        "forward": jax.jit(run),
        "with forces": jax.jit(lambda params, x, positions: jax.grad(energy)(positions, params, x)),
        "training step": jax.jit(jax.grad(loss)),
    }


def main(config: Config) -> None:
    """Measure and print a table."""
    atoms = bulk("Si", cubic=True).repeat(config.cells)
    atoms.rattle(0.1, seed=0)
    graph = RadiusGraphEncoder(("Si",), CUTOFF)(atoms)
    width = int(np.bincount(graph.receivers).max())
    (batch,) = pack([graph], Budget(len(atoms) + 1, int(graph.n_edge[0]), 2))
    batch = jax.tree.map(jnp.asarray, batch)
    positions = batch.nodes["positions"]
    contenders = {
        "mlmat": by_mlmat(batch, config.features, width),
        "e3nn-jax": by_e3nn(batch, config.features),
    }
    rows = {}
    compiled = {name: stages(run) for name, (run, _, _) in contenders.items()}
    for stage in ("forward", "with forces", "training step"):
        best = dict.fromkeys(contenders, np.inf)
        for turn in range(config.turns + 1):  # the first turn compiles
            for name, (_, params, x) in contenders.items():
                began = time.process_time()
                jax.block_until_ready(compiled[name][stage](params, x, positions))
                if turn:
                    best[name] = min(best[name], time.process_time() - began)
        rows[stage] = {name: 1e6 * seconds / len(atoms) for name, seconds in best.items()}
        ratio = rows[stage]["e3nn-jax"] / rows[stage]["mlmat"]
        cells = " | ".join(f"{rows[stage][name]:.1f}" for name in contenders)
        print(f"| {stage} | {cells} | {ratio:.1f} |", flush=True)
    write_json(
        config.out,
        {
            "atoms": len(atoms),
            "neighbours": len(batch.senders) / len(atoms),
            "features": config.features,
            "unit": "microseconds of processor time an atom",
            "rows": rows,
            "jax": jax.__version__,
            "e3nn_jax": e3nn.__version__,
        },
    )


if __name__ == "__main__":
    main(tyro.cli(Config))
