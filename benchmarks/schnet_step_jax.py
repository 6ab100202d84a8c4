"""The JAX contenders of `schnet_step.py`: ``python schnet_step_jax.py mlmat|dense TASK.npz``.

Talks as `steps_jax.serve` says.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import flax
import jax
import jax.numpy as jnp
import jraph
import numpy as np
from steps_jax import serve

from mlmat.models.schnet import SchNet
from mlmat.nn.activations import shifted_softplus
from mlmat.nn.radial import cosine_cutoff, gaussian_basis, safe_norm


def mlmat_model(task: dict, config: dict) -> tuple[Callable, jraph.GraphsTuple]:
    """``predict(params, batch) → [molecules]`` and its padded batch."""
    count, nodes, edges = config["molecules"], len(task["species"]), len(task["receivers"])
    # One padding atom and the usual rounding up to a multiple of 8.
    more_nodes, more_edges = 8 - nodes % 8, -edges % 8

    def padded(values: np.ndarray, more: int, fill: int = 0) -> np.ndarray:
        return np.concatenate([values, np.full((more, *values.shape[1:]), fill, values.dtype)])

    batch = jraph.GraphsTuple(
        nodes={name: padded(task[name], more_nodes) for name in ("species", "positions")},
        edges={"shift": np.zeros((edges + more_edges, 3), np.float32)},
        receivers=padded(task["receivers"].astype(np.int32), more_edges, nodes),
        senders=padded(task["senders"].astype(np.int32), more_edges, nodes),
        globals=None,
        n_node=np.array([config["atoms"]] * count + [more_nodes], np.int32),
        n_edge=np.array([*task["n_edge"], more_edges], np.int32),
    )
    elements = len(task["weights/embedding/embedding"])
    sizes = {name: config[name] for name in ("features", "interactions", "basis", "cutoff")}
    model = SchNet(elements, **sizes)
    return lambda params, batch: model.apply({"params": params}, batch)[:count, 0], batch


def dense_model(task: dict, config: dict) -> tuple[Callable, tuple[np.ndarray, np.ndarray]]:
    """The same network on all pairs of atoms of each molecule, written as one would first."""
    shape = (config["molecules"], config["atoms"])
    cutoff = config["cutoff"]

    def layer(weights: dict, x: jax.Array) -> jax.Array:
        return x @ weights["kernel"] + weights.get("bias", 0.0)

    def mlp(first: dict, second: dict, x: jax.Array) -> jax.Array:
        return layer(second, shifted_softplus(layer(first, x)))

    def predict(params: dict, batch: tuple[jax.Array, jax.Array]) -> jax.Array:
        species, positions = batch
        distances = safe_norm(positions[:, :, None] - positions[:, None])
        basis = gaussian_basis(distances, config["basis"], cutoff)
        weight = cosine_cutoff(distances, cutoff) * (1 - jnp.eye(shape[1]))
        x = params["embedding"]["embedding"][species]
        for i in range(config["interactions"]):
            p = params[f"interaction_{i + 1}"]
            filters = mlp(p["filter_1"], p["filter_2"], basis) * weight[..., None]
            received = jnp.sum(filters * layer(p["sent"], x)[:, None], axis=2)
            x = x + mlp(p["update_1"], p["update_2"], received)
        return mlp(params["readout_1"], params["readout_2"], x).sum(axis=(1, 2))

    return predict, (task["species"].reshape(shape), task["positions"].reshape(*shape, 3))


def main() -> None:
    """Compile, make the first step, then steps on request."""
    which, path = sys.argv[1:]
    task = dict(np.load(path))
    config = json.loads(str(task["config"]))
    predict, batch = {"mlmat": mlmat_model, "dense": dense_model}[which](task, config)
    names = {name.removeprefix("weights/"): name for name in task if name.startswith("weights/")}
    params = flax.traverse_util.unflatten_dict({short: task[name] for short, name in names.items()}, sep="/")
    serve(predict, params, batch, task["targets"], config["learning_rate"])


if __name__ == "__main__":
    main()
