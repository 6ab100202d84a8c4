"""Learning curve of DTNN on molecules or on frames of one: all pairs of atoms as in the paper, or a cutoff.

    MLMAT_DATA=… python -m experiments.dtnn.run --preset full --out runs/dtnn

Training sets are nested, the test part is the same for all and is met once by each network.
Stopped runs go on where they were; what is finished is reported, sizes still open are not.
What the energy of each set is: `data.ENERGIES`. With several `properties` one network learns all
of them: they share everything but the last layer.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro

from experiments.dtnn.data import SYMBOLS, Learned, learned, shown, usable
from experiments.dtnn.summary import write_summary
from mlmat.analysis.record import RunRecord
from mlmat.commands.runs import prepare_process
from mlmat.files import read_lines, write_json
from mlmat.metrics import bootstrap_interval, mae, rmse
from mlmat.predictor import Predictor, predict_items, save_predictor
from mlmat.recipes.choice import Choice
from mlmat.recipes.fit import fit_task
from mlmat.recipes.task import Task, fit_scaling
from mlmat.training.config import TrainingConfig

SIZES = {"quick": (100, 300), "full": (100, 300, 1_000, 3_000, 10_000, 25_000, 50_000, 100_000)}
UPDATES = {"quick": 300, "full": 200_000}
PATIENT = 20
"""Fewest passes over a training set."""

LONGEST = 1_000
"""Most passes: a small training set gains nothing from further ones."""


@dataclass(frozen=True)
class Config:
    """Options of the experiment.

    Attributes:
        preset: full: 100 to 100,000 training molecules; quick: two sizes, few updates.
        out: folder for the results; what is finished there is not run again.
        dataset: molecules at rest (qm9, qm7, c7h10o2) or frames of one molecule.
        properties: what to learn, energy first: of energy, zpve, polarisability, cv.
        seed: of split, weights and order.
        sizes: training molecules; default by preset.
        updates: steps of the optimiser for each network, within 20 to 1,000 passes; default by preset.
        cutoffs: Å; 0 stands for the paper's network, which has none.
        scaling: "paper": mean and spread of the energy per atom; "elements": a least-squares
            energy for each element, and the spread of the rest.
        learning_rate: peak.
        batch: molecules a step.
        n_test: test molecules.
    """

    preset: Literal["quick", "full"] = "quick"
    out: Path = Path("runs/dtnn")
    dataset: Literal[
        "qm9", "qm7", "c7h10o2", "rmd17_ethanol", "rmd17_aspirin", "qm22_ethanol", "qm22_malonaldehyde"
    ] = "qm9"
    properties: tuple[Literal["energy", "zpve", "polarisability", "cv"], ...] = ("energy",)
    seed: int = 0
    sizes: tuple[int, ...] = ()
    updates: int = 0
    cutoffs: tuple[float, ...] = (0.0, 5.0)
    scaling: Literal["paper", "elements"] = "paper"
    learning_rate: float = 1e-3
    batch: int = 25
    n_test: int = 10_000


def n_check(n_train: int) -> int:
    """Validation molecules that go with a training set; they choose the epoch."""
    return max(50, min(1_000, n_train // 10))


def split(
    count: int, config: Config, sizes: tuple[int, ...], published: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows for the test, for validation, and for training in the order of nested sets.

    Args:
        count: rows there are.
        config: seed, preset and largest test part.
        sizes: of training sets.
        published: which rows a published split tests on; others train.
    """
    order = np.random.default_rng(config.seed).permutation(count)
    n_test = min(config.n_test, count // 6) if config.preset == "full" else min(500, count // 6)
    if published is not None:
        test, rest = order[published[order]][: config.n_test], order[~published[order]]
    else:
        test, rest = order[:n_test], order[n_test:]
    check, train = np.split(rest, [n_check(max(sizes))])
    return test, check, train[: max(sizes)]


def untrained(task: Task, train: np.ndarray, cutoff: float, config: Config) -> Predictor:
    """The network with its first weights and its scaling."""
    import jax
    import jax.numpy as jnp

    from mlmat.graphs.radius_graph import RadiusGraphEncoder
    from mlmat.models.dtnn import ALL_PAIRS, DTNN, per_atom_scaling
    from mlmat.training.loop import initial_variables

    symbols = SYMBOLS[config.dataset]
    encoder = RadiusGraphEncoder(symbols, cutoff or ALL_PAIRS)
    model = DTNN(len(symbols), len(task.properties), cutoff=cutoff or None)
    sizes = np.array([len(atoms) for atoms in task.items])
    if config.scaling == "paper":
        shift, scale = per_atom_scaling(task.targets[train], sizes[train])
        mean, reference = np.zeros(len(shift)), np.tile(shift, (len(symbols), 1))
    else:
        counts = np.array([[a.get_chemical_symbols().count(s) for s in symbols] for a in task.items])
        mean, scale, reference, _ = fit_scaling(counts, task.targets, train, train, True)
    graph = jax.tree.map(jnp.asarray, encoder(task.items[0]))
    variables = initial_variables(model, graph, TrainingConfig(members=1, seed=config.seed))
    return Predictor(
        variables=variables,
        mean=jnp.asarray(mean, jnp.float32),
        scale=jnp.asarray(scale, jnp.float32),
        model=model,
        encoder=encoder,
        properties=task.properties,
        units=task.units,
        reference=reference,
    )


def train_one(data: Learned, rows, n_train: int, cutoff: float, updates: int, config: Config) -> None:
    """Train and score one network, unless that was done."""
    test, check, train = rows
    name = f"{'cutoff' if cutoff else 'all-pairs'}-{n_train}"
    done = config.out / f"{name}.json"
    if done.exists():
        return
    task = Task("structure", *data)
    training = TrainingConfig(
        members=1,
        epochs=min(LONGEST, max(PATIENT, round(updates * config.batch / n_train))),
        batch=config.batch,
        learning_rate=config.learning_rate,
        weight_decay=0.0,
        seed=config.seed,
    )
    log, first = config.out / f"{name}.log.jsonl", data.properties[0]

    def report(row: dict[str, float]) -> None:
        if row["epoch"] % max(1, training.epochs // 10) == 0:
            print(f"{name}: epoch {row['epoch']} validation {row[f'validation MAE {first}']:.4f}", flush=True)

    trained = fit_task(
        task,
        train[:n_train],
        check[: n_check(n_train)],
        Choice("dtnn", training),
        init=untrained(task, train[:n_train], cutoff, config),
        checkpoint=config.out / f"{name}.state",
        log=log,
        report=report,
    )
    save_predictor(trained.predictor, config.out / f"{name}.mlmat", {"training molecules": n_train})
    predicted = predict_items(trained.predictor, [data.items[i] for i in test]).mean
    history = list(read_lines(log))
    write_json(
        done,
        {
            "cutoff": cutoff,
            "n_train": n_train,
            "n_test": len(test),
            "errors": {
                name: errors_of(name, predicted[:, k], data.targets[test, k], config.seed)
                for k, name in enumerate(data.properties)
            },
            "epochs": len(history),
            "seconds": sum(row["seconds"] for row in history),
        },
    )


def errors_of(name: str, predicted: np.ndarray, wanted: np.ndarray, seed: int) -> dict[str, Any]:
    """Errors of one property, in the unit it is shown in; `std` is that of the mean error."""
    (predicted, unit), (wanted, _) = shown(name, predicted), shown(name, wanted)
    interval = bootstrap_interval(mae, predicted, wanted, seed=seed)
    spread = float(np.diff(interval)[0] / (2 * 1.96))
    return {"mae": mae(predicted, wanted), "std": spread, "rmse": rmse(predicted, wanted), "unit": unit}


def main(config: Config) -> RunRecord:
    """Run what is not finished, and report what is."""
    prepare_process()
    began = time.perf_counter()
    config.out.mkdir(parents=True, exist_ok=True)
    sizes = config.sizes or SIZES[config.preset]
    updates = config.updates or UPDATES[config.preset]
    there, published = usable(config.dataset)
    test, check, train = (there[part] for part in split(len(there), config, sizes, published))
    used = np.concatenate([test, check, train])
    data = learned(config.dataset, config.properties, used, train)
    ends = [len(test), len(test) + len(check)]
    rows = np.split(np.arange(len(used)), ends)
    for n_train in sizes:
        for cutoff in config.cutoffs:
            train_one(data, rows, n_train, cutoff, updates, config)
            finished = [json.loads(path.read_text()) for path in sorted(config.out.glob("*-*[0-9].json"))]
            record = write_summary(config, updates, finished, time.perf_counter() - began)
    return record


if __name__ == "__main__":
    main(tyro.cli(Config))
