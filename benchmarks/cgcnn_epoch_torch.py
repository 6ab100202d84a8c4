"""The contender in PyTorch of `cgcnn_epoch.py`: ``python cgcnn_epoch_torch.py training|inference TASK.npz``.

CGCNN written from the equations of T. Xie, J. C. Grossman, Phys. Rev. Lett. 120, 145301 (2018), as one
does in PyTorch: the vectors of both atoms and of the edge side by side for every edge, one matrix,
`BatchNorm1d`. Edge features are expanded once, before anything is timed. Runs without mlmat.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch
from torch import nn


class Convolution(nn.Module):
    """Equation 5 of the paper."""

    def __init__(self, features: int, edge_features: int):
        super().__init__()
        self.full = nn.Linear(2 * features + edge_features, 2 * features)
        self.edge_norm = nn.BatchNorm1d(2 * features)
        self.atom_norm = nn.BatchNorm1d(features)

    def forward(self, v: torch.Tensor, edges: torch.Tensor, senders: torch.Tensor) -> torch.Tensor:
        """``v [n, F]``, ``edges [n, K, B]``, ``senders [n, K]`` → ``[n, F]``."""
        n, width = senders.shape
        own = v[:, None, :].expand(n, width, v.shape[1])
        z = self.full(torch.cat([own, v[senders], edges], dim=2))
        z = self.edge_norm(z.view(n * width, -1)).view(n, width, -1)
        gate, core = z.chunk(2, dim=2)
        total = torch.sum(torch.sigmoid(gate) * nn.functional.softplus(core), dim=1)
        return nn.functional.softplus(v + self.atom_norm(total))


class CGCNN(nn.Module):
    """Crystal → one property."""

    def __init__(self, bits: int, edge_features: int, features: int, layers: int, hidden: int):
        super().__init__()
        self.embedding = nn.Linear(bits, features)
        self.convolutions = nn.ModuleList([Convolution(features, edge_features) for _ in range(layers)])
        self.crystal = nn.Linear(features, hidden)
        self.output = nn.Linear(hidden, 1)

    def forward(self, bits: torch.Tensor, edges: torch.Tensor, senders: torch.Tensor, crystal: torch.Tensor):
        """``crystal [n]`` number of each atom's crystal → ``[crystals]``."""
        v = self.embedding(bits)
        for convolution in self.convolutions:
            v = convolution(v, edges, senders)
        count = torch.bincount(crystal)
        total = torch.zeros(len(count), v.shape[1]).index_add(0, crystal, v)
        c = nn.functional.softplus(total / count[:, None])
        return self.output(nn.functional.softplus(self.crystal(c)))[:, 0]


def load_weights(model: CGCNN, task: dict) -> None:
    """Copy the weights of the task, which go by mlmat's names, into the modules."""
    layers = {"embedding": model.embedding, "crystal_layers_0": model.crystal, "output": model.output}
    norms = {}
    for k, block in enumerate(model.convolutions):
        at = f"convolutions_{k}"
        layers[at] = block.full
        norms |= {f"{at}/edge_norm": block.edge_norm, f"{at}/atom_norm": block.atom_norm}
    with torch.no_grad():
        for name, layer in layers.items():
            layer.weight.copy_(torch.from_numpy(task[f"weights/{name}/kernel"].T))
            layer.bias.copy_(torch.from_numpy(task[f"weights/{name}/bias"]))
        for name, norm in norms.items():
            norm.weight.copy_(torch.from_numpy(task[f"weights/{name}/scale"]))
            norm.bias.copy_(torch.from_numpy(task[f"weights/{name}/bias"]))
    count = sum(p.numel() for p in model.parameters())
    assert count == sum(v.size for name, v in task.items() if name.startswith("weights/")), count


def crystals_of(task: dict, neighbours: int) -> list[tuple[torch.Tensor, ...]]:
    """Bits of the elements, edge features, neighbours and target of each crystal."""
    found, first = [], 0
    width = task["centres"][1]
    for k, n in enumerate(task["n_atoms"].tolist()):
        atoms = slice(first, first + n)
        edges = slice(first * neighbours, (first + n) * neighbours)
        distances = task["distances"][edges].reshape(n, neighbours, 1)
        expanded = np.exp(-((distances - task["centres"]) ** 2) / width**2)
        bits = task["elements"][task["species"][atoms]]
        senders = task["senders"][edges].reshape(n, neighbours).astype(np.int64)
        parts = (bits, expanded.astype(np.float32), senders, task["targets"][k : k + 1])
        found.append(tuple(torch.from_numpy(part) for part in parts))
        first += n
    return found


def collate(crystals: list[tuple[torch.Tensor, ...]]) -> tuple[torch.Tensor, ...]:
    """One batch: atoms of all crystals after each other."""
    counts = torch.tensor([len(crystal[0]) for crystal in crystals])
    first = (torch.cumsum(counts, 0) - counts).tolist()
    bits, edges, senders, targets = zip(*crystals)  # noqa: B905 - equal by construction
    shifted = [part + start for part, start in zip(senders, first)]  # noqa: B905
    crystal = torch.repeat_interleave(torch.arange(len(crystals)), counts)
    return torch.cat(bits), torch.cat(edges), torch.cat(shifted), crystal, torch.cat(targets)


def main() -> None:
    """Make the first pass, then passes on request."""
    kind, path = sys.argv[1:]
    task = dict(np.load(path))
    config = json.loads(str(task["config"]))
    clock = time.process_time if config["clock"] == "processor" else time.perf_counter
    torch.set_num_threads(config["threads"])
    crystals = crystals_of(task, config["neighbours"])
    sizes = {name: config[name] for name in ("features", "layers", "hidden")}
    model = CGCNN(task["elements"].shape[1], len(task["centres"]), **sizes)
    load_weights(model, task)
    optimiser = torch.optim.Adam(model.parameters(), lr=config["learning_rate"])
    model.train(kind == "training")

    def one_pass() -> float:
        losses = []
        with torch.set_grad_enabled(kind == "training"):
            for first in range(0, len(crystals), config["batch"]):
                *batch, targets = collate(crystals[first : first + config["batch"]])
                loss = torch.mean((model(*batch) - targets) ** 2)
                losses.append(loss.item())
                if kind == "training":
                    optimiser.zero_grad(set_to_none=True)
                    loss.backward()
                    optimiser.step()
        return float(np.mean(losses))

    first = {"loss": one_pass(), "compile_s": 0.0, "versions": {"torch": torch.__version__}}
    print(json.dumps(first), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = clock()
            loss = one_pass()
            times.append(1e3 * (clock() - start))
        print(json.dumps({"ms": times, "loss": loss}), flush=True)


if __name__ == "__main__":
    main()
