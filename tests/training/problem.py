"""A small learning problem shared by the training tests, and by the processes they start.

Run as a script it trains once and stores what came out:

    python problem.py OUT.npz [--kill-after N] [--coordinator ADDRESS --processes N --process I]
"""

from __future__ import annotations

import argparse
import os
import signal
from pathlib import Path

import jax
import jraph
import numpy as np

from mlmat.models.bond_mpnn import BondMPNN
from mlmat.training.config import TrainingConfig
from mlmat.training.loop import fit, initial_variables
from mlmat.training.losses import Regression
from mlmat.training.mesh import data_mesh
from mlmat.training.source import graph_source, with_targets

CONFIG = TrainingConfig(members=2, epochs=4, batch=8, learning_rate=1e-2, ema=0.9, shards=8)
WIDTHS = (3, 2)


def rings(count: int = 48, seed: int = 0):
    """Rings of 3 to 8 atoms of two elements; the targets are their size and a share."""
    random = np.random.default_rng(seed)
    graphs, targets = [], []
    for _ in range(count):
        n = int(random.integers(3, 9))
        species = random.integers(0, 2, n).astype(np.int32)
        atoms = np.arange(n)
        noise = 0.1 * random.normal(size=(n, WIDTHS[0])).astype(np.float32)
        receivers = np.repeat(atoms, 2)
        senders = np.sort(np.stack([(atoms - 1) % n, (atoms + 1) % n], axis=1), axis=1).ravel()
        graphs.append(
            jraph.GraphsTuple(
                nodes={"species": species, "features": noise},
                edges=np.ones((2 * n, WIDTHS[1]), np.float32),
                receivers=receivers.astype(np.int32),
                senders=senders.astype(np.int32),
                globals=None,
                n_node=np.array([n], np.int32),
                n_edge=np.array([2 * n], np.int32),
            )
        )
        targets.append((n, species.mean()))
    return graphs, np.array(targets)


def problem(config: TrainingConfig = CONFIG, chunk_steps: int | None = None, dropout: float = 0.0):
    """Objective, sources and start variables."""
    graphs, targets = rings()
    marked = with_targets(graphs, targets)
    train, check = marked[:40], marked[40:]
    model = BondMPNN(elements=2, outputs=2, features=8, layers=2, dropout=dropout)
    objective = Regression(targets.mean(axis=0), targets.std(axis=0), model, ("size", "share"))
    source = graph_source(
        train, config.batch, seed=config.seed, shards=config.shards, chunk_steps=chunk_steps
    )
    validation = graph_source(check, 8)
    one = jax.tree.map(lambda leaf: leaf[0], next(validation.chunks(0)))
    return objective, source, validation, initial_variables(model, one, config)


def train(config: TrainingConfig = CONFIG, chunk_steps: int | None = None, dropout: float = 0.0, **options):
    """Train on the problem."""
    objective, source, validation, variables = problem(config, chunk_steps, dropout)
    return fit(objective, source, validation, config, variables, **options)


def flat(variables) -> np.ndarray:
    """All weights in one vector."""
    return np.concatenate([np.asarray(leaf).ravel() for leaf in jax.tree.leaves(variables)])


def main() -> None:
    """Train once; see the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--kill-after", type=int)
    parser.add_argument("--coordinator")
    parser.add_argument("--processes", type=int)
    parser.add_argument("--process", type=int)
    given = parser.parse_args()
    if given.coordinator:
        jax.distributed.initialize(given.coordinator, given.processes, given.process)

    def report(row):
        if row["epoch"] == given.kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    checkpoint = None if given.coordinator else given.out.with_suffix(".state")
    fitted = train(mesh=data_mesh(CONFIG.shards), checkpoint=checkpoint, report=report, dropout=0.2)
    if jax.process_index() == 0:
        np.savez(
            given.out,
            weights=flat(fitted.variables),
            losses=[row["loss"] for row in fitted.history],
            devices=jax.device_count(),
        )


if __name__ == "__main__":
    main()
