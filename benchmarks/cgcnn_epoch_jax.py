"""The contender of mlmat in `cgcnn_epoch.py`: ``python cgcnn_epoch_jax.py training|inference TASK.npz``.

Packs the crystals and scans over the batches, as `mlmat.training` does. Talks as `contenders` says.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import flax
import jax
import jax.numpy as jnp
import jraph
import numpy as np
import optax

from mlmat.graphs.packing import Budget, pack
from mlmat.models.cgcnn import CGCNN
from mlmat.nn.module import apply


def crystal_graphs(task: dict, neighbours: int) -> list[jraph.GraphsTuple]:
    """Graphs as the encoder made them, with their targets."""
    counts = task["n_atoms"]
    atoms = np.concatenate([[0], np.cumsum(counts)])
    graphs = []
    for k, n in enumerate(counts.tolist()):
        mine = slice(atoms[k], atoms[k + 1])
        edges = slice(atoms[k] * neighbours, atoms[k + 1] * neighbours)
        graphs.append(
            jraph.GraphsTuple(
                nodes={name: task[name][mine] for name in ("species", "positions")},
                edges={"shift": task["shift"][edges]},
                receivers=np.repeat(np.arange(n, dtype=np.int32), neighbours),
                senders=task["senders"][edges],
                globals={"targets": task["targets"][k : k + 1], "real": np.ones(1, np.float32)},
                n_node=np.array([n], np.int32),
                n_edge=np.array([n * neighbours], np.int32),
            )
        )
    return graphs


def batches(graphs: list[jraph.GraphsTuple], size: int) -> Iterator[jraph.GraphsTuple]:
    """So many graphs in each, all of one padded shape."""
    parts = [graphs[first : first + size] for first in range(0, len(graphs), size)]
    nodes = 8 * -(-(1 + max(sum(len(g.nodes["species"]) for g in part) for part in parts)) // 8)
    edges = max(sum(len(g.senders) for g in part) for part in parts)
    for part in parts:
        yield from pack(part, Budget(nodes, edges, size + 1))


def main() -> None:
    """Compile, make the first pass, then passes on request."""
    kind, path = sys.argv[1:]
    task = dict(np.load(path))
    config = json.loads(str(task["config"]))
    clock = time.process_time if config["clock"] == "processor" else time.perf_counter
    graphs = crystal_graphs(task, config["neighbours"])
    sizes = {name: config[name] for name in ("features", "layers", "hidden", "hidden_layers", "neighbours")}
    model = CGCNN(tuple(task["symbols"].tolist()), **sizes)
    names = {name.removeprefix("weights/"): name for name in task if name.startswith("weights/")}
    params = flax.traverse_util.unflatten_dict({short: task[name] for short, name in names.items()}, sep="/")
    statistics = model.init(jax.random.key(0), graphs[0])["batch_stats"]
    optimiser = optax.adam(config["learning_rate"])

    def loss(params: Any, rest: Any, batch: jraph.GraphsTuple, train: bool) -> tuple[jax.Array, Any]:
        found, changed = apply(model, {"params": params, **rest}, batch, train=train)
        real = batch.globals["real"]
        return jnp.sum(real * (found[:, 0] - batch.globals["targets"]) ** 2) / real.sum(), changed

    def step(carry: Any, batch: jraph.GraphsTuple) -> tuple[Any, jax.Array]:
        params, rest, state = carry
        if kind == "inference":
            return carry, loss(params, rest, batch, False)[0]
        (value, rest), gradient = jax.value_and_grad(loss, has_aux=True)(params, rest, batch, True)
        updates, state = optimiser.update(gradient, state, params)
        return (optax.apply_updates(params, updates), rest, state), value

    @jax.jit
    def one_pass(carry: Any, chunk: jraph.GraphsTuple) -> tuple[Any, jax.Array]:
        return jax.lax.scan(step, carry, chunk)

    def chunk() -> jraph.GraphsTuple:
        return jax.tree.map(lambda *leaves: np.stack(leaves), *batches(graphs, config["batch"]))

    carry = jax.device_put((params, {"batch_stats": statistics}, optimiser.init(params)))
    start = time.perf_counter()
    compiled = one_pass.lower(carry, chunk()).compile()
    compile_s = time.perf_counter() - start
    carry, losses = jax.block_until_ready(compiled(carry, chunk()))
    versions = {"jax": jax.__version__, "flax": flax.__version__}
    first = {"compile_s": compile_s, "loss": float(losses.mean()), "versions": versions}
    print(json.dumps(first), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = clock()
            carry, losses = jax.block_until_ready(compiled(carry, chunk()))
            times.append(1e3 * (clock() - start))
        print(json.dumps({"ms": times, "loss": float(losses.mean())}), flush=True)


if __name__ == "__main__":
    main()
