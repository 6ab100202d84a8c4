"""The torchani contender of `ani.py`: ``python ani_torch.py TASK.npz NEIGHBOURS``.

Runs in an environment with torchani 2.9.0 and without mlmat; talks as `contenders.Contender` expects.
"""

from __future__ import annotations

import json
import os
import sys
import time
from importlib.metadata import version

import numpy as np

os.environ["TORCHANI_NO_WARN_EXTENSIONS"] = "1"

import torch
from torchani.aev import AEVComputer
from torchani.arch import ANI
from torchani.nn import ANINetworks, AtomicNetwork, TightCELU
from torchani.sae import SelfEnergy

ELEMENTS = ("H", "C", "N", "O")


def build(task: dict, neighbours: str) -> torch.nn.Module:
    """The network with the weights of the task."""
    networks = {}
    for number, symbol in enumerate(ELEMENTS):
        start = f"weights/element_{number}/"
        names = [*(f"{start}hidden_{k}" for k in (1, 2, 3)), f"{start}output"]
        sizes = [task[f"{name}/kernel"].shape[0] for name in names] + [1]
        network = AtomicNetwork(sizes, activation=TightCELU(), bias=True)
        layers = [module for module in network.modules() if isinstance(module, torch.nn.Linear)]
        with torch.no_grad():
            for layer, name in zip(layers, names, strict=True):
                layer.weight.copy_(torch.from_numpy(task[f"{name}/kernel"].T))
                layer.bias.copy_(torch.from_numpy(task[f"{name}/bias"]))
        networks[symbol] = network
    model = ANI(
        ELEMENTS,
        AEVComputer.like_1x(neighborlist=neighbours),
        ANINetworks(networks),
        SelfEnergy(ELEMENTS, [0.0] * 4),
        periodic_table_index=False,
    )
    return model.float().requires_grad_(False)


def main() -> None:
    """Make the first step, then steps on request."""
    task = dict(np.load(sys.argv[1]))
    config = json.loads(str(task["config"]))
    clock = time.process_time if config["clock"] == "processor" else time.perf_counter
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    model = build(task, sys.argv[2])
    periodic = config["system"] == "box"
    shape = (len(task["n_atoms"]), int(task["n_atoms"][0]))
    species = torch.tensor([ELEMENTS.index(symbol) for symbol in task["symbols"]]).reshape(shape)
    places = task["positions"].astype(np.float32).reshape(*shape, 3)
    cell = torch.tensor(task["cell"], dtype=torch.float32) if periodic else None
    pbc = torch.tensor([True] * 3) if periodic else None

    def step() -> float:
        positions = torch.from_numpy(places).clone().requires_grad_(True)
        energies = model((species, positions), cell=cell, pbc=pbc).energies
        forces = -torch.autograd.grad(energies.sum(), positions)[0].numpy()
        return float(energies.sum()) + float(np.linalg.norm(forces, axis=-1).sum())

    first = {"loss": step(), "compile_s": 0.0}
    versions = {name: version(name) for name in ("torch", "torchani")}
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
