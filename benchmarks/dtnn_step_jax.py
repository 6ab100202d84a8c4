"""The JAX contenders of `dtnn_step.py`: ``python dtnn_step_jax.py pairs|dense TASK.npz``.

Talks as `steps_jax.serve` says.
"""

from __future__ import annotations

import json
import sys

import jax
import jax.numpy as jnp
import numpy as np
from schnet_step_jax import mlmat_model
from steps_jax import serve

from mlmat.models.dtnn import DTNN
from mlmat.nn.radial import gaussian_basis, safe_norm


def network(task: dict, config: dict) -> DTNN:
    """DTNN with the widths of the task; its Gaussians reach as far as the other network's."""
    elements = len(task["weights/embedding/embedding"])
    width, spacing = config["features"], config["cutoff"] / (config["basis"] - 1)
    return DTNN(
        elements,
        features=width,
        factors=width,
        passes=config["interactions"],
        basis=config["basis"],
        spacing=spacing,
        hidden=width // 2,
    )


def dense(params: dict, batch: tuple[jax.Array, jax.Array], config: dict) -> jax.Array:
    """The same network on the array [batch, atoms, atoms]."""
    species, positions = batch

    def layer(name: str, x: jax.Array) -> jax.Array:
        return x @ params[name]["kernel"] + params[name].get("bias", 0.0)

    distances = safe_norm(positions[:, :, None] - positions[:, None])
    factors = layer("distance_factors", gaussian_basis(distances, config["basis"], config["cutoff"]))
    others = 1 - jnp.eye(config["atoms"])
    c = params["embedding"]["embedding"][species]
    for _ in range(config["interactions"]):
        messages = jnp.tanh(layer("fusion", layer("atom_factors", c)[:, None] * factors))
        c = c + jnp.einsum("bijf,ij->bif", messages, others)
    return layer("readout_2", jnp.tanh(layer("readout_1", c))).sum(axis=(1, 2))


def main() -> None:
    """Compile, make the first step, then steps on request."""
    which, path = sys.argv[1:]
    task = dict(np.load(path))
    config = json.loads(str(task["config"]))
    model, (_, graph) = network(task, config), mlmat_model(task, config)
    shapes = jax.eval_shape(model.init, jax.random.key(0), graph)["params"]
    rng = np.random.default_rng(config["seed"])
    params = jax.tree.map(lambda s: rng.normal(0, s.shape[0] ** -0.5, s.shape).astype(np.float32), shapes)
    if which == "pairs":
        batch = graph

        def predict(params, batch):
            return model.apply({"params": params}, batch)[: config["molecules"], 0]
    else:
        shape = (config["molecules"], config["atoms"])
        batch = task["species"].reshape(shape), task["positions"].reshape(*shape, 3)

        def predict(params, batch):
            return dense(params, batch, config)

    serve(predict, params, batch, task["targets"], config["learning_rate"])


if __name__ == "__main__":
    main()
