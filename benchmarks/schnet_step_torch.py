"""The schnetpack contender of `schnet_step.py`: ``python schnet_step_torch.py TASK.npz``.

Runs in an environment with schnetpack 2.2.0 and without mlmat; talks as
`schnet_step_jax.py` does. The neighbour list is given, so it is not in any time.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

import numpy as np
import schnetpack
import torch
from schnetpack.nn.activations import shifted_softplus
from schnetpack.representation import SchNet


def build(config: dict) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Representation and readout with the widths of the task."""
    representation = SchNet(
        n_atom_basis=config["features"],
        n_interactions=config["interactions"],
        radial_basis=schnetpack.nn.GaussianRBF(n_rbf=config["basis"], cutoff=config["cutoff"]),
        cutoff_fn=schnetpack.nn.CosineCutoff(config["cutoff"]),
    )
    readout = schnetpack.atomistic.Atomwise(n_in=config["features"], activation=shifted_softplus)
    return representation, readout


def load_weights(representation: torch.nn.Module, readout: torch.nn.Module, task: dict) -> None:
    """Copy the weights of the task, which go by mlmat's names, into the modules."""
    layers = {"readout_1": readout.outnet[0], "readout_2": readout.outnet[1]}
    for i, block in enumerate(representation.interactions):
        at = f"interaction_{i + 1}/"
        layers |= {at + f"filter_{k + 1}": block.filter_network[k] for k in range(2)}
        layers |= {at + f"update_{k + 1}": block.f2out[k] for k in range(2)}
        layers[at + "sent"] = block.in2f
    with torch.no_grad():
        embedding = task["weights/embedding/embedding"]
        representation.embedding.weight[: len(embedding)] = torch.from_numpy(embedding)
        for name, layer in layers.items():
            layer.weight.copy_(torch.from_numpy(task[f"weights/{name}/kernel"].T))
            if layer.bias is not None:
                layer.bias.copy_(torch.from_numpy(task[f"weights/{name}/bias"]))


def main() -> None:
    """Make the first step, then steps on request."""
    task = dict(np.load(sys.argv[1]))
    config = json.loads(str(task["config"]))
    torch.set_num_threads(config["threads"])
    representation, readout = build(config)
    load_weights(representation, readout, task)
    species, positions, idx_i, idx_j, targets = (
        torch.from_numpy(task[name]) for name in ("species", "positions", "receivers", "senders", "targets")
    )
    idx_i, idx_j = idx_i.long(), idx_j.long()
    molecule = torch.arange(config["molecules"]).repeat_interleave(config["atoms"])
    optimiser = torch.optim.Adam(
        [*representation.parameters(), *readout.parameters()], lr=config["learning_rate"]
    )

    def step() -> float:
        inputs = {"_atomic_numbers": species.long(), "_Rij": positions[idx_j] - positions[idx_i]}
        inputs |= {"_idx_i": idx_i, "_idx_j": idx_j, "_idx_m": molecule}
        optimiser.zero_grad(set_to_none=True)
        loss = torch.mean((readout(representation(inputs))["y"] - targets) ** 2)
        loss.backward()
        optimiser.step()
        return loss.item()

    first = {"loss": step(), "compile_s": 0.0}
    versions = {name: version(name) for name in ("torch", "schnetpack")}
    print(json.dumps({**first, "versions": versions}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            loss = step()
            times.append(1e3 * (time.perf_counter() - start))
        print(json.dumps({"ms": times, "loss": loss}), flush=True)


if __name__ == "__main__":
    main()
