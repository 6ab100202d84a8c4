"""The mlmat contender of `ani.py`: ``python ani_jax.py TASK.npz``; talks as `contenders.Contender` expects.

Molecules: all pairs of atoms of each, found short or long inside jit. Box: neighbours from the encoder,
on the host, padded to a fixed number of edges.
"""

from __future__ import annotations

import json
import sys
import time

import ase
import flax
import jax
import jraph
import numpy as np

from mlmat.descriptors.ani import ANI_1X
from mlmat.graphs.packing import Budget, pack
from mlmat.graphs.radius_graph import RadiusGraphEncoder
from mlmat.models.ani import ANI, widths_of

ELEMENTS = ("H", "C", "N", "O")
SPARE = 1.1
"""Room for more edges than the first structure has."""


def all_pairs(species: np.ndarray, count: int, atoms: int) -> jraph.GraphsTuple:
    """Graph of all pairs of atoms within each of `count` molecules of equal size, without positions."""
    i, j = np.nonzero(~np.eye(atoms, dtype=bool))
    first = atoms * np.repeat(np.arange(count), len(i))
    return jraph.GraphsTuple(
        nodes={"species": species},
        edges={"shift": np.zeros((count * len(i), 3), np.float32)},
        receivers=(np.tile(i, count) + first).astype(np.int32),
        senders=(np.tile(j, count) + first).astype(np.int32),
        globals=None,
        n_node=np.full(count, atoms, np.int32),
        n_edge=np.full(count, len(i), np.int32),
    )


def main() -> None:
    """Compile, make the first step, then steps on request."""
    task = dict(np.load(sys.argv[1]))
    config = json.loads(str(task["config"]))
    clock = time.process_time if config["clock"] == "processor" else time.perf_counter
    names = {name.removeprefix("weights/"): name for name in task if name.startswith("weights/")}
    flat = {f"networks/{short}": task[name] for short, name in names.items()}
    params = jax.device_put(flax.traverse_util.unflatten_dict(flat, sep="/"))
    species = np.array([ELEMENTS.index(symbol) for symbol in task["symbols"]], np.int32)
    places = task["positions"].astype(np.float32)
    encoder = RadiusGraphEncoder(ELEMENTS, ANI_1X.cutoff)
    if config["system"] == "box":
        atoms = ase.Atoms(task["symbols"], places, cell=task["cell"], pbc=True)
        graph = encoder(atoms)
        budget = Budget(len(atoms) + 1, int(SPARE * int(graph.n_edge[0])), 2)
    else:
        graph = all_pairs(species, len(task["n_atoms"]), int(task["n_atoms"][0]))
        graph.nodes["positions"] = places
        (graph,) = pack([graph], Budget(len(species) + 1, len(graph.receivers), len(task["n_atoms"]) + 1))
    places = graph.nodes["positions"]
    model = ANI(len(ELEMENTS), hidden=widths_of(ELEMENTS)).grown([graph])

    def energies(positions: jax.Array, graph: jraph.GraphsTuple) -> tuple[jax.Array, jax.Array]:
        moved = graph._replace(nodes={**graph.nodes, "positions": positions})
        each = model.apply({"params": params}, moved, method="atomic")[: len(species), 0]
        return each.sum(), each

    compiled = jax.jit(jax.value_and_grad(energies, has_aux=True))
    if config["system"] != "box":
        fixed = jax.device_put(graph)

    def step() -> float:
        if config["system"] == "box":
            atoms.positions = task["positions"]
            (batch,) = pack([encoder(atoms)], budget)
            positions = batch.nodes["positions"]
        else:
            batch, positions = fixed, places
            positions[: len(species)] = task["positions"]
        (total, _), gradient = compiled(positions, batch)
        forces = -np.asarray(gradient)
        return float(total) + float(np.linalg.norm(forces, axis=-1).sum())

    start = time.perf_counter()
    loss = step()
    first = {"compile_s": time.perf_counter() - start, "loss": loss}
    versions = {"jax": jax.__version__, "flax": flax.__version__}
    print(json.dumps({**first, "versions": versions}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = clock()
            loss = step()
            times.append(1e3 * (clock() - start))
        print(json.dumps({"ms": times, "loss": loss}), flush=True)


if __name__ == "__main__":
    main()
